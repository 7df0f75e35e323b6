"""Cohere's API, version 2: chat, embeddings, reranking and the list of models."""

from __future__ import annotations

from llmclient.dialects.cohere.chat import CohereChat
from llmclient.dialects.cohere.embeddings import CohereEmbeddings
from llmclient.dialects.cohere.listing import CohereModels
from llmclient.dialects.cohere.rerank import CohereRerank

__all__ = ["CohereChat", "CohereEmbeddings", "CohereModels", "CohereRerank"]
