"""Mistral's dialect: OpenAI's chat completions with other words, stricter turns, and thoughts within the content."""

from __future__ import annotations

from llmclient.dialects.mistral.chat import MistralChat
from llmclient.dialects.mistral.fim import MistralFIM

__all__ = ["MistralChat", "MistralFIM"]
