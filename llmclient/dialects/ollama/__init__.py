"""Ollama's own API: chat, embeddings and the list of models."""

from __future__ import annotations

from llmclient.dialects.ollama.chat import OllamaChat
from llmclient.dialects.ollama.embeddings import OllamaEmbeddings
from llmclient.dialects.ollama.listing import OllamaModels

__all__ = ["OllamaChat", "OllamaEmbeddings", "OllamaModels"]
