"""Google's generateContent, as the Gemini API and Vertex AI speak it; each difference between them is a field."""

from __future__ import annotations

from llmclient.dialects.gemini.chat import GeminiChat
from llmclient.dialects.gemini.embeddings import GeminiEmbeddings
from llmclient.dialects.gemini.listing import GeminiModels
from llmclient.dialects.gemini.tokens import GeminiCountTokens

__all__ = ["GeminiChat", "GeminiCountTokens", "GeminiEmbeddings", "GeminiModels"]
