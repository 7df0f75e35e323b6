"""Byte-level decoders, which know no provider."""
