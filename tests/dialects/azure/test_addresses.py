"""13: where requests go on Azure, whatever form the address and the version have."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from llmclient import registry
from llmclient.dialects.azure import AzureChat, AzureEmbeddings, AzureModels, AzureResponses, FoundryChat, FoundryEmbeddings, surface
from llmclient.errors import ConfigurationError, InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.config import ProviderConfig
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.listing import ListModelsRequest

DATED = {"api_version": "2024-10-21"}
OPENAI = "https://r.openai.azure.com"
FOUNDRY = "https://r.services.ai.azure.com"
SERVERLESS = "https://n.eastus.models.ai.azure.com"
PREVIEW = "?api-version=2024-05-01-preview"


def where(name: str, request: Any, **settings: Any) -> str:
    """Return the whole address that a request goes to."""
    provider = registry.adapter(name)({"api_key": "k", **settings})
    wire = provider.transform_request(request)
    query = "".join(f"?{key}={value}" for key, value in wire.query.items())
    return provider.address(provider.dialect_for(request).base_url) + wire.path + query


def chat(model: str = "dep", **options: Any) -> ChatRequest:
    """Return a question."""
    return ChatRequest.make(model, "hi", **options)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "/openai/v1/chat/completions"),
        ({"api_version": "v1"}, "/openai/v1/chat/completions"),
        ({"api_version": "preview"}, "/openai/v1/chat/completions?api-version=preview"),
        ({"api_version": "latest"}, "/openai/v1/chat/completions?api-version=latest"),
        (DATED, "/openai/deployments/dep/chat/completions?api-version=2024-10-21"),
        ({"api_version": "2025-04-01-preview"}, "/openai/deployments/dep/chat/completions?api-version=2025-04-01-preview"),
    ],
)
@pytest.mark.parametrize(("name", "host"), [("azure_openai", OPENAI), ("azure_cognitive_services", "https://r.cognitiveservices.azure.com")])
def test_a_version_chooses_the_surface(name: str, host: str, settings: dict[str, str], path: str) -> None:
    """A date names the deployment in the path; v1, or nothing, in the body."""
    assert host + path == where(name, chat(), resource="r", **settings)


@pytest.mark.parametrize("end", ["", "/", "/openai", "/openai/"])
def test_addresses_are_taken_in_every_form(end: str) -> None:
    """As the portal shows them, and as SDKs want them."""
    assert f"{OPENAI}/openai/deployments/dep/chat/completions?api-version=2024-10-21" == where("azure_openai", chat(), api_base=OPENAI + end, **DATED)
    assert f"{OPENAI}/openai/v1/chat/completions" == where("azure_openai", chat(), api_base=OPENAI + end)


@pytest.mark.parametrize("end", ["/openai/v1", "/openai/v1/"])
def test_an_address_of_the_v1_surface_takes_no_date(end: str) -> None:
    """Even where the environment has a version for others."""
    assert f"{OPENAI}/openai/v1/chat/completions" == where("azure_openai", chat(), api_base=OPENAI + end, **DATED)
    assert f"{OPENAI}/openai/v1/chat/completions?api-version=preview" == where("azure_openai", chat(), api_base=OPENAI + end, api_version="preview")


def test_a_gateway_keeps_its_own_path() -> None:
    """Only what names a surface is taken off."""
    assert "https://gw.example/llm/openai/v1/chat/completions" == where("azure_openai", chat(), api_base="https://gw.example/llm/openai")
    assert "https://gw.example/v1/openai/v1/chat/completions" == where("azure_openai", chat(), api_base="https://gw.example/v1")


def test_a_deployment_cannot_change_the_path() -> None:
    """Its name is quoted, and must be one."""
    assert "/deployments/a%2Fb%3F%20c/chat" in where("azure_openai", chat("a/b? c"), resource="r", **DATED)
    with pytest.raises(InvalidRequestError, match="is no model name"):
        where("azure_openai", chat(".."), resource="r", **DATED)


@pytest.mark.parametrize("version", ["2024", "21-10-2024", "v2", "2024-10-21&x=1", "2024-10-21-a b"])
def test_a_version_is_a_date_or_a_word(version: str) -> None:
    """Anything else is a mistake, and told before anything is sent."""
    with pytest.raises(ConfigurationError, match="api_version must be"):
        where("azure_openai", chat(), resource="r", api_version=version)


@pytest.mark.parametrize(
    ("request_", "v1", "dated"),
    [
        (EmbeddingRequest(model="dep", input=("a",)), "/openai/v1/embeddings", "/openai/deployments/dep/embeddings"),
        (ListModelsRequest(), "/openai/v1/models", "/openai/models"),
        (chat(api="responses"), "/openai/v1/responses", "/openai/responses"),
    ],
    ids=["embed", "list_models", "responses"],
)
def test_other_operations(request_: Any, v1: str, dated: str) -> None:
    """Some name their deployment in the body on either surface."""
    assert OPENAI + v1 == where("azure_openai", request_, resource="r")
    assert f"{OPENAI}{dated}?api-version=2024-10-21" == where("azure_openai", request_, resource="r", **DATED)


def test_what_a_caller_adds_to_the_query_stays() -> None:
    """The version goes beside it."""
    provider = registry.adapter("azure_openai")({"resource": "r", **DATED})
    assert {"limit": "5", "api-version": "2024-10-21"} == provider.transform_request(ListModelsRequest(extra={"limit": 5})).query


# Foundry.


@pytest.mark.parametrize("settings", [{"resource": "r"}, {"api_base": FOUNDRY}, {"api_base": FOUNDRY + "/models"}, {"api_base": FOUNDRY + "/models/"}])
def test_models_of_all_vendors_are_at_one_address(settings: dict[str, str]) -> None:
    """With a version that is always the same."""
    assert f"{FOUNDRY}/models/chat/completions{PREVIEW}" == where("azure_ai", chat(), **settings)
    assert f"{FOUNDRY}/models/embeddings{PREVIEW}" == where("azure_ai", EmbeddingRequest(model="m", input=("a",)), **settings)


@pytest.mark.parametrize("settings", [{"resource": "r", "api_version": "v1"}, {"api_base": FOUNDRY + "/openai/v1"}])
def test_foundry_has_the_v1_surface_too(settings: dict[str, str]) -> None:
    """Chosen by the version or by the address."""
    assert f"{FOUNDRY}/openai/v1/chat/completions" == where("azure_ai", chat(), **settings)


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_serverless_deployments_take_no_version(end: str) -> None:
    """They refuse one."""
    assert f"{SERVERLESS}/v1/chat/completions" == where("azure_ai", chat(), api_base=SERVERLESS + end)
    assert f"{SERVERLESS}/v1/embeddings" == where("azure_ai", EmbeddingRequest(model="m", input=("a",)), api_base=SERVERLESS + end, **DATED)


# Claude.


@pytest.mark.parametrize(
    ("name", "settings", "host"),
    [
        ("azure_openai", {"resource": "r"}, FOUNDRY),
        ("azure_openai", {"api_base": OPENAI + "/openai/v1/"}, FOUNDRY),
        ("azure_cognitive_services", {"api_base": "https://r.cognitiveservices.azure.com"}, FOUNDRY),
        ("azure_ai", {"resource": "r"}, FOUNDRY),
        ("azure_ai", {"api_base": FOUNDRY + "/models"}, FOUNDRY),
        ("azure_openai", {"api_base": "http://127.0.0.1:9/gw/openai"}, "http://127.0.0.1:9/gw"),
    ],
)
def test_claude_is_beside_the_others(name: str, settings: dict[str, str], host: str) -> None:
    """At another host of the same resource; a gateway of the caller's own stands for both."""
    assert host + "/anthropic/v1/messages" == where(name, chat("claude-sonnet-5"), **settings)


# The pieces.


@pytest.mark.parametrize(
    ("name", "variable"),
    [("azure_openai", "AZURE_OPENAI_ENDPOINT"), ("azure_ai", "AZURE_AI_API_BASE"), ("azure_cognitive_services", "AZURE_COGNITIVE_SERVICES_API_BASE")],
)
def test_a_resource_or_an_address_is_needed(name: str, variable: str) -> None:
    """Which is told with the variable; and a resource may not lead to another host."""
    with pytest.raises(ConfigurationError, match=f"there is no address; set {variable}, or pass api_base=, or Client"):
        registry.adapter(name)().address()
    with pytest.raises(ConfigurationError, match="resource may hold"):
        registry.adapter(name)({"resource": "evil.example/#"}).address()


def test_a_provider_without_variables_is_no_crash() -> None:
    """Such as one that a user has written."""
    own = type("Own", (registry.adapter("azure_openai"),), {"name": "own", "env": {}})
    with pytest.raises(ConfigurationError, match="there is no address; pass api_base=, or Client"):
        own().address()


@pytest.mark.parametrize(
    ("address", "root"),
    [
        (OPENAI, OPENAI),
        (OPENAI + "/openai", OPENAI),
        (OPENAI + "/openai/v1", OPENAI),
        (OPENAI + "/v1", OPENAI + "/v1"),
        (FOUNDRY + "/models", FOUNDRY),
        (SERVERLESS + "/v1", SERVERLESS),
        ("https://n.westus.inference.ai.azure.com/v1", "https://n.westus.inference.ai.azure.com"),
    ],
)
def test_the_root_of_an_address(address: str, root: str) -> None:
    """What requests bring along is taken off, and nothing else."""
    assert root == surface.root_of(address)


@pytest.mark.parametrize("cls", [AzureChat, AzureEmbeddings, AzureModels, AzureResponses, FoundryChat, FoundryEmbeddings])
def test_the_usual_version_is_a_quirk(cls: type[Any]) -> None:
    """A provider that has an older one says so."""
    dialect = cls(api_version="2024-10-21")
    config = ProviderConfig(provider="acme")
    assert "2024-10-21" == surface.version_of(config, dialect.api_version)
    assert "v1" == surface.version_of(attrs.evolve(config, api_version="v1"), dialect.api_version)
