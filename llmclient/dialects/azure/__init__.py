"""Azure's addresses for dialects of others: deployments of OpenAI's models, and the models of Azure AI Foundry."""

from __future__ import annotations

from llmclient.dialects.azure.chat import AzureChat, FoundryChat
from llmclient.dialects.azure.embeddings import AzureEmbeddings, FoundryEmbeddings
from llmclient.dialects.azure.listing import AzureModels
from llmclient.dialects.azure.responses import AzureResponses

__all__ = ["AzureChat", "AzureEmbeddings", "AzureModels", "AzureResponses", "FoundryChat", "FoundryEmbeddings"]
