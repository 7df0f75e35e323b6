"""Failures in the words of the Responses API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects import failure
from llmclient.dialects.shapes import is_object
from llmclient.errors import ApiError, ProviderError
from llmclient.types.messages import JSONObject

_PICTURES: Final = """
    invalid_image invalid_image_format invalid_base64_image invalid_image_url image_too_large image_too_small image_parse_error invalid_image_mode
    image_file_too_large unsupported_image_media_type empty_image_file failed_to_download_image image_file_not_found
"""
_CODES: Final[Mapping[str, failure.Kind]] = {
    **dict.fromkeys(_PICTURES.split(), "invalid"),
    "image_content_policy_violation": "content_filter",
    "misalignment_policy_violation": "content_filter",
    "bio_policy": "content_filter",
    "vector_store_timeout": "timeout",
}


def codes_of(own: Mapping[str, failure.Kind]) -> Mapping[str, failure.Kind]:
    """Return what the codes of the API mean, and those of a provider's own, which go before."""
    return {**_CODES, **own} if own else _CODES


def find(value: Any, model: str, own: Mapping[str, failure.Kind]) -> ProviderError | None:
    """Return the error that a parsed body or an event reports, None when it reports none."""
    return failure.find_failure(value, model=model, codes=codes_of(own))


def of_response(value: JSONObject, model: str, own: Mapping[str, failure.Kind]) -> ProviderError | None:
    """Return the error that a response object reports, None when it reports none."""
    error = value.get("error")
    found = find({"error": error}, model, own) if error else None
    if found is None and value.get("status") == "failed":
        return ApiError("", "the response failed, and nothing more was said", code="failed", model=model)
    return found


def of_event(event: JSONObject, model: str, own: Mapping[str, failure.Kind]) -> ProviderError:
    """Return the error of an event of type `error`, whose facts stand in it or one level deeper."""
    found = find(event if is_object(event.get("error")) else {"error": {**event, "type": None}}, model, own)
    return found or ApiError("", "the stream reports a failure without saying which", model=model)
