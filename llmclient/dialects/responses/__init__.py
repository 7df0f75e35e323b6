"""The dialect of OpenAI's Responses API, which other hosts offer beside their chat completions."""

from __future__ import annotations

from llmclient.dialects.responses.chat import OpenAIResponses

__all__ = ["OpenAIResponses"]
