"""The OpenAI dialect, which most providers speak with differences; each difference is a field."""

from __future__ import annotations

from llmclient.dialects.openai.chat import OpenAIChat
from llmclient.dialects.openai.embeddings import OpenAIEmbeddings
from llmclient.dialects.openai.listing import OpenAIModels

__all__ = ["OpenAIChat", "OpenAIEmbeddings", "OpenAIModels"]
