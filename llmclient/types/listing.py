"""Which models a provider says that it serves."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import attrs

from llmclient.types.answer import Answer
from llmclient.types.messages import EMPTY, JSONObject


@attrs.frozen(kw_only=True)
class ListModelsRequest:
    """Ask for the models that this key may use."""

    operation: ClassVar[str] = "list_models"

    model: str = ""
    extra: Mapping[str, Any] = EMPTY
    headers: Mapping[str, str] = attrs.field(default=EMPTY, repr=False)


@attrs.frozen(kw_only=True)
class ListedModel:
    """A model as its provider lists it."""

    id: str
    created: datetime.datetime | None = None
    owned_by: str | None = None
    extra: JSONObject = attrs.field(default=EMPTY, repr=False)


@attrs.frozen(kw_only=True)
class ListModelsResponse(Answer):
    """The models that this key may use; iterating gives their ids."""

    models: tuple[ListedModel, ...] = ()

    def __iter__(self) -> Iterator[str]:
        return (model.id for model in self.models)

    def __len__(self) -> int:
        return len(self.models)
