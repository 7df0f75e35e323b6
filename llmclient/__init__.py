"""A synchronous, thread-safe client for language models of every provider.

    import llmclient

    llmclient.chat("openai/gpt-4o-mini", "Why is the sky blue?").text

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmclient._version import __version__

if TYPE_CHECKING:
    from llmclient import errors as errors
    from llmclient.client import Client, chat, default_client, embed, get_available_models, get_model_info, map, stream
    from llmclient.deadline import Timeout
    from llmclient.errors import ProviderError
    from llmclient.models import ModelInfo, Price
    from llmclient.provider import Capability, HealthStatus, Provider, ProviderConfig, RequestContext
    from llmclient.registry import names as providers
    from llmclient.registry import register
    from llmclient.retry import Retry
    from llmclient.streaming import ChatStream
    from llmclient.types.chat import ChatChunk, ChatRequest, ChatResponse
    from llmclient.types.embeddings import EmbeddingRequest, EmbeddingResponse
    from llmclient.types.messages import Audio, File, FunctionCall, Image, Message, ReasoningBlock, Refusal, Text, Tool, ToolCall
    from llmclient.types.usage import Usage

_HOMES = {
    "client": "Client chat default_client embed get_available_models get_model_info map stream",
    "deadline": "Timeout",
    "errors": "ProviderError",
    "models": "ModelInfo Price",
    "provider": "Capability HealthStatus Provider ProviderConfig RequestContext",
    "registry": "register",
    "retry": "Retry",
    "streaming": "ChatStream",
    "types.chat": "ChatChunk ChatRequest ChatResponse",
    "types.embeddings": "EmbeddingRequest EmbeddingResponse",
    "types.messages": "Audio File FunctionCall Image Message ReasoningBlock Refusal Text Tool ToolCall",
    "types.usage": "Usage",
}
_NAMES = {name: (home, name) for home, names in _HOMES.items() for name in names.split()}
_NAMES["providers"] = ("registry", "names")

__all__ = [
    "Audio",
    "Capability",
    "ChatChunk",
    "ChatRequest",
    "ChatResponse",
    "ChatStream",
    "Client",
    "EmbeddingRequest",
    "EmbeddingResponse",
    "File",
    "FunctionCall",
    "HealthStatus",
    "Image",
    "Message",
    "ModelInfo",
    "Price",
    "Provider",
    "ProviderConfig",
    "ProviderError",
    "ReasoningBlock",
    "Refusal",
    "RequestContext",
    "Retry",
    "Text",
    "Timeout",
    "Tool",
    "ToolCall",
    "Usage",
    "__version__",
    "chat",
    "default_client",
    "embed",
    "errors",
    "get_available_models",
    "get_model_info",
    "map",
    "providers",
    "register",
    "stream",
]


def __getattr__(name: str) -> object:
    import importlib

    if name == "errors":
        return importlib.import_module("llmclient.errors")
    if name not in _NAMES:
        raise AttributeError(f"module 'llmclient' has no attribute {name!r}")
    home, inner = _NAMES[name]
    value = getattr(importlib.import_module(f"llmclient.{home}"), inner)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
