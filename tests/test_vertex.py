"""Vertex AI's addresses, and the adapters of Google."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient import registry
from llmclient.auth import HeaderKey
from llmclient.auth_google import GoogleADC
from llmclient.errors import ConfigurationError
from llmclient.provider import Provider
from llmclient.types.chat import ChatRequest
from llmclient.types.context import Capability
from llmclient.vertex import VertexProvider


def provider(name: str, **settings: Any) -> Provider:
    """Return a provider of Google's."""
    return registry.adapter(name)(settings)


def where(made: Provider, model: str) -> str:
    """Return the whole address of a chat."""
    return made.address(made.chat_dialect(model).base_url) + made.transform_request(ChatRequest.make(model, "hi")).path


@pytest.mark.parametrize(
    ("region", "host", "place"),
    [
        (None, "aiplatform.googleapis.com", "global"),
        ("global", "aiplatform.googleapis.com", "global"),
        ("us-central1", "us-central1-aiplatform.googleapis.com", "us-central1"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com", "europe-west4"),
        ("us", "aiplatform.us.rep.googleapis.com", "us"),
        ("eu", "aiplatform.eu.rep.googleapis.com", "eu"),
    ],
)
def test_a_region_has_its_host(region: str | None, host: str, place: str) -> None:
    """A region, a continent, or the world; the path names it, too."""
    made = provider("vertex_ai", project="p", **({"region": region} if region else {}))
    base = f"https://{host}/v1/projects/p/locations/{place}"
    assert f"{base}/publishers/google/models/gemini-2.5-flash:generateContent" == where(made, "gemini-2.5-flash")
    assert f"{base}/publishers/anthropic/models/claude-opus-4-6@default:rawPredict" == where(made, "claude-opus-4-6@default")
    assert f"{base}/endpoints/openapi/chat/completions" == where(made, "meta/llama-4-scout-17b-16e-instruct-maas")


def test_an_address_of_the_callers_own_stays() -> None:
    """Whatever the region."""
    made = provider("vertex_ai", project="p", region="us-central1", api_base="http://127.0.0.1:9")
    assert "http://127.0.0.1:9/v1/projects/p/locations/us-central1/publishers/google/models/m:generateContent" == where(made, "m")


@pytest.mark.parametrize("region", ["evil.test/", "a b", "..", "x@evil.test"])
def test_a_region_cannot_move_the_request(region: str) -> None:
    """Nor the token in it."""
    made = provider("vertex_ai", project="p", region=region)
    with pytest.raises(ConfigurationError, match="region"):
        made.address()


def test_express_mode_needs_a_key_only() -> None:
    """No project, and the host of the world."""
    assert "https://aiplatform.googleapis.com/v1/publishers/google/models/m:generateContent" == where(provider("vertex_ai", api_key="k"), "m")


def test_a_project_is_needed_otherwise() -> None:
    """The error names it."""
    with pytest.raises(ConfigurationError, match="project is not set"):
        where(provider("vertex_ai"), "m")


def test_the_environment_is_read() -> None:
    """Under the names of Google's SDK and of others."""
    made = registry.adapter("vertex_ai").from_env({"GOOGLE_CLOUD_PROJECT": "p", "VERTEXAI_LOCATION": "us-east5", "VERTEXAI_CREDENTIALS": "/a.json"})
    assert ("p", "us-east5", "/a.json") == (made.config.project, made.config.region, made.config.get("credentials"))


def test_the_gemini_api_takes_version_and_address() -> None:
    """The version is a setting, unless the address holds one."""
    base = "https://generativelanguage.googleapis.com"
    assert f"{base}/v1beta/models/m:generateContent" == where(provider("gemini", api_key="k"), "m")
    assert f"{base}/v1/models/m:generateContent" == where(provider("gemini", api_key="k", api_version="v1"), "m")
    assert f"{base}/v1alpha/models/m:generateContent" == where(provider("gemini", api_key="k", api_base=f"{base}/v1alpha/"), "m")


def test_the_adapters_sign_as_google_wants_it() -> None:
    """A header for the key; never the address."""
    assert HeaderKey("x-goog-api-key") == registry.adapter("gemini").auth
    assert GoogleADC() == registry.adapter("vertex_ai").auth
    assert issubclass(registry.adapter("vertex_ai"), VertexProvider)


@pytest.mark.parametrize("name", ["gemini", "vertex_ai"])
def test_the_adapters_offer_the_same_operations(name: str) -> None:
    """Chat, embeddings, the list of models, and counts of tokens."""
    wanted = {Capability.CHAT_COMPLETION, Capability.CHAT_COMPLETION_STREAM, Capability.EMBEDDINGS, Capability.LIST_MODELS, Capability.COUNT_TOKENS}
    assert wanted <= provider(name).capabilities
