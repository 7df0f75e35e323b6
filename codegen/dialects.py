"""Which class a dialect's name in a TOML file means: one line a dialect and slot. A slot is an operation of Provider."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

DIALECTS: Final[Mapping[str, Mapping[str, str]]] = {
    "chat": {
        "anthropic": "llmclient.dialects.anthropic:AnthropicMessages",
        "azure": "llmclient.dialects.azure:AzureChat",
        "azure_foundry": "llmclient.dialects.azure:FoundryChat",
        "azure_responses": "llmclient.dialects.azure:AzureResponses",
        "bedrock": "llmclient.dialects.bedrock:BedrockConverse",
        "bedrock_messages": "llmclient.dialects.bedrock:BedrockMessages",
        "cohere": "llmclient.dialects.cohere:CohereChat",
        "gemini": "llmclient.dialects.gemini:GeminiChat",
        "mistral": "llmclient.dialects.mistral:MistralChat",
        "mistral_fim": "llmclient.dialects.mistral:MistralFIM",
        "ollama": "llmclient.dialects.ollama:OllamaChat",
        "openai": "llmclient.dialects.openai:OpenAIChat",
        "responses": "llmclient.dialects.responses:OpenAIResponses",
    },
    "embed": {
        "azure": "llmclient.dialects.azure:AzureEmbeddings",
        "azure_foundry": "llmclient.dialects.azure:FoundryEmbeddings",
        "bedrock": "llmclient.dialects.bedrock:BedrockEmbeddings",
        "cohere": "llmclient.dialects.cohere:CohereEmbeddings",
        "gemini": "llmclient.dialects.gemini:GeminiEmbeddings",
        "ollama": "llmclient.dialects.ollama:OllamaEmbeddings",
        "openai": "llmclient.dialects.openai:OpenAIEmbeddings",
    },
    "rerank": {
        "cohere": "llmclient.dialects.cohere:CohereRerank",
    },
    "image": {},
    "edit_image": {},
    "speech": {},
    "transcribe": {},
    "translate_audio": {},
    "moderate": {},
    "list_models": {
        "anthropic": "llmclient.dialects.anthropic:AnthropicModels",
        "azure": "llmclient.dialects.azure:AzureModels",
        "bedrock": "llmclient.dialects.bedrock:BedrockModels",
        "cohere": "llmclient.dialects.cohere:CohereModels",
        "gemini": "llmclient.dialects.gemini:GeminiModels",
        "ollama": "llmclient.dialects.ollama:OllamaModels",
        "openai": "llmclient.dialects.openai:OpenAIModels",
    },
    "count_tokens": {
        "anthropic": "llmclient.dialects.anthropic:AnthropicCountTokens",
        "bedrock": "llmclient.dialects.bedrock:BedrockCountTokens",
        "gemini": "llmclient.dialects.gemini:GeminiCountTokens",
    },
    "files": {},
    "batches": {},
}

BASES: Final[Mapping[str, str]] = {
    "provider": "llmclient.provider:Provider",
    "azure": "llmclient.azure:AzureProvider",
    "simulator": "llmclient.simulator.provider:SimulatorProvider",
    "vertex": "llmclient.vertex:VertexProvider",
}
"""What an adapter is a subclass of; another than the first where finding the address needs code."""

AUTHS: Final[Mapping[str, str]] = {
    "anthropic": "llmclient.dialects.anthropic:AnthropicKey",
    "azure": "llmclient.auth_azure:AzureAD",
    "basic": "llmclient.auth:Basic",
    "bearer": "llmclient.auth:Bearer",
    "github_copilot": "llmclient.auth_exchange:CopilotToken",
    "google": "llmclient.auth_google:GoogleADC",
    "header": "llmclient.auth:HeaderKey",
    "ibm": "llmclient.auth_exchange:IBMToken",
    "none": "llmclient.auth:NoAuth",
    "query": "llmclient.auth:QueryKey",
    "sigv4": "llmclient.auth_aws:SigV4",
}


def load(place: str) -> type[Any]:
    """Return the class at "module:Class"; raises ImportError or AttributeError for a line of the tables that is wrong."""
    module, _, name = place.partition(":")
    found: type[Any] = getattr(importlib.import_module(module), name)
    return found
