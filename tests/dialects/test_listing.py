"""What lists of models share."""

from __future__ import annotations

from llmclient.dialects.listing import ModelList, named_models, query_of
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext
from llmclient.types.listing import ListModelsRequest


def test_a_list_is_asked_for_by_a_get_whose_query_is_extra() -> None:
    """Values become texts."""
    wire = ModelList(path="/models").encode(ListModelsRequest(extra={"limit": 5}), RequestContext(provider="p", config=ProviderConfig()))
    assert ("GET", "/models", {"limit": "5"}) == (wire.method, wire.path, wire.query)
    assert {} == query_of(ListModelsRequest())


def test_a_list_takes_no_parameters() -> None:
    """No model changes that."""
    assert frozenset() == ModelList().supported_params("m")


def test_rows_with_a_name_are_models() -> None:
    """What else a row says is kept, but for nulls; a row without a name is no model."""
    (model,) = named_models([{"name": "a", "size": 1, "owner": None}, {"size": 2}, {"name": 3}, "b"])
    assert ("a", {"size": 1}) == (model.id, model.extra)
