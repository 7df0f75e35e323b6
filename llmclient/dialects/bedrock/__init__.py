"""Amazon Bedrock: Converse for the models of all vendors, and what it has beside that; each difference is a field."""

from __future__ import annotations

from llmclient.dialects.bedrock.chat import BedrockConverse
from llmclient.dialects.bedrock.counting import BedrockCountTokens
from llmclient.dialects.bedrock.embeddings import BedrockEmbeddings
from llmclient.dialects.bedrock.listing import BedrockModels
from llmclient.dialects.bedrock.messages import BedrockMessages

__all__ = ["BedrockConverse", "BedrockCountTokens", "BedrockEmbeddings", "BedrockMessages", "BedrockModels"]
