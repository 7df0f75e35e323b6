"""Writes one adapter module for each TOML file in `codegen/providers`: `python -m codegen [--check] [NAME …]`."""
