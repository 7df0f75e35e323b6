"""Which models a server has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs

from llmclient.dialects import failure
from llmclient.dialects.bodies import lacking, parse
from llmclient.dialects.listing import ModelList, named_models
from llmclient.dialects.shapes import is_array, is_object
from llmclient.errors import ProviderError
from llmclient.types.listing import ListModelsResponse
from llmclient.types.messages import EMPTY


@attrs.frozen(kw_only=True)
class OllamaModels(ModelList):
    """Ask for the list of models. Each field is a quirk; its default is what Ollama does."""

    name: ClassVar[str] = "ollama_models"

    path: str = "/api/tags"
    error_codes: Mapping[str, failure.Kind] = attrs.field(default=EMPTY, hash=False)
    """The provider's own error codes -> what they mean."""

    def decode(self, raw: bytes, model: str, request_id: str) -> ListModelsResponse:
        """Return the list, which may be empty on a new server; raises ResponseParsingError when there is none, or the error that the body reports."""
        value = parse(raw)
        error = failure.find_failure(value, codes=self.error_codes)
        if error is not None:
            raise error
        if not is_object(value) or "models" not in value or not (value["models"] is None or is_array(value["models"])):
            raise lacking(raw, "list of models")
        return ListModelsResponse(models=named_models(value["models"] or ()))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return (never raise) the error that a status other than 2xx means."""
        return failure.map_failure(status, headers, body, codes=self.error_codes)
