"""Where Google's models are."""

from __future__ import annotations

from typing import Any

import pytest

from llmclient.dialects.gemini.paths import bare, fill, resource
from llmclient.errors import ConfigurationError, InvalidRequestError
from llmclient.types.config import ProviderConfig
from tests.dialects.gemini.kit import encode

VERTEX = "/{api_version}/projects/{project}/locations/{region}/{model}:m"


@pytest.mark.parametrize(
    ("model", "publisher", "sent"),
    [
        ("gemini-2.5-flash", "", "models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "", "models/gemini-2.5-flash"),
        ("tunedModels/mine-1", "", "tunedModels/mine-1"),
        ("a/b", "", "models/a%2Fb"),
        ("a?b#c", "", "models/a%3Fb%23c"),
        ("gemini-2.5-flash", "google", "publishers/google/models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "google", "publishers/google/models/gemini-2.5-flash"),
        ("meta/llama-4", "google", "publishers/meta/models/llama-4"),
        ("publishers/google/models/x@001", "google", "publishers/google/models/x%40001"),
        ("endpoints/123", "google", "endpoints/123"),
        ("projects/p/locations/l/endpoints/1", "google", "projects/p/locations/l/endpoints/1"),
    ],
)
def test_a_model_is_a_resource(model: str, publisher: str, sent: str) -> None:
    """Each step of its name is quoted."""
    assert sent == resource(model, publisher)


@pytest.mark.parametrize("model", ["", ".", "..", "models/", "models/../x", "tunedModels/..", "publishers/google/models/."])
@pytest.mark.parametrize("publisher", ["", "google"])
def test_a_name_that_would_change_the_path_is_refused(model: str, publisher: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidRequestError, match="no model name"):
        resource(model, publisher)


def test_a_models_own_name_tells_its_family() -> None:
    """Whatever stands before it."""
    assert "x" == bare("projects/p/locations/l/publishers/google/models/x") == bare("models/x") == bare("x")


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ({"project": "p"}, "/v1/projects/p/locations/global/M:m"),
        ({"project": "p", "region": "us-central1", "api_version": "v1beta1"}, "/v1beta1/projects/p/locations/us-central1/M:m"),
        ({"project": "p", "api_base": "http://h/v1"}, "/projects/p/locations/global/M:m"),
        ({"project": "p", "api_base": "http://h/v1beta1/"}, "/projects/p/locations/global/M:m"),
        ({"project": "p", "api_base": "http://h/v1x"}, "/v1/projects/p/locations/global/M:m"),
        ({"api_base": "http://h/v1/projects/p/locations/l"}, "/M:m"),
        ({"project": "a/../b"}, "/v1/projects/a%2F..%2Fb/locations/global/M:m"),
    ],
)
def test_a_path_is_filled_from_the_settings(settings: dict[str, Any], sent: str) -> None:
    """An address that holds the version, or the project, keeps its own."""
    assert sent == fill(VERTEX, ProviderConfig(**settings), model="M", api_version="v1", region="global")


def test_a_model_with_its_project_needs_no_other() -> None:
    """It names all of it."""
    assert "/v1/projects/q/locations/l/endpoints/1:m" == fill(VERTEX, ProviderConfig(), model="projects/q/locations/l/endpoints/1", api_version="v1")


@pytest.mark.parametrize("settings", [{}, {"project": ""}, {"project": ".."}, {"project": 7}])
def test_a_missing_or_odd_project_is_told(settings: dict[str, Any]) -> None:
    """By name, before anything is sent."""
    with pytest.raises(ConfigurationError, match="project"):
        fill(VERTEX, ProviderConfig(**settings), model="M", api_version="v1", region="global")


def test_a_chat_is_sent_to_a_tuned_model() -> None:
    """Under its own folder."""
    assert "/v1beta/tunedModels/mine:generateContent" == encode(model="tunedModels/mine").path
