"""Anthropic's Messages API, which other hosts of Claude and a few other vendors speak too; each difference is a field."""

from __future__ import annotations

from llmclient.dialects.anthropic.auth import AnthropicKey
from llmclient.dialects.anthropic.chat import AnthropicMessages
from llmclient.dialects.anthropic.counting import AnthropicCountTokens
from llmclient.dialects.anthropic.listing import AnthropicModels

__all__ = ["AnthropicCountTokens", "AnthropicKey", "AnthropicMessages", "AnthropicModels"]
