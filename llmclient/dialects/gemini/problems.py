"""What failures mean at Google, the same whether they come with a status, in a 200 body or within a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects import failure
from llmclient.dialects.shapes import is_object
from llmclient.errors import ProviderError
from llmclient.wire import jsons

CODES: Final[Mapping[str, failure.Kind]] = {
    "ACCESS_TOKEN_EXPIRED": "authentication",
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": "authentication",
    "API_KEY_EXPIRED": "authentication",
    "API_KEY_INVALID": "authentication",
    "CREDENTIALS_MISSING": "authentication",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "permission",
    "API_KEY_SERVICE_BLOCKED": "permission",
    "API_KEY_HTTP_REFERRER_BLOCKED": "permission",
    "API_KEY_IP_ADDRESS_BLOCKED": "permission",
    "CONSUMER_INVALID": "permission",
    "CONSUMER_SUSPENDED": "permission",
    "IAM_PERMISSION_DENIED": "permission",
    "SERVICE_DISABLED": "permission",
    "USER_PROJECT_DENIED": "permission",
    "BILLING_DISABLED": "quota",
}
"""The reasons in `google.rpc.ErrorInfo` that tell more than the status (https://cloud.google.com/apis/design/errors)."""
_OF_A_MODEL: Final[Mapping[str, failure.Kind]] = {**CODES, "NOT_FOUND": "model_not_found"}
_OTHERS: Final = (b"achedContent", b"files/", b"fileSearchStores/")


def map_failure(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """Return (never raise) the error that a status other than 2xx means."""
    return failure.map_failure(status, headers, body, codes=_codes(body))


def find_failure(value: Any, model: str) -> ProviderError | None:
    """Return the error that a parsed 200 body, or an event of a stream, reports; None when it reports none."""
    if is_object(value) and not value.get("error"):
        return None
    return failure.find_failure(value, model=model, codes=_codes(jsons.rewrite(value)))


def _codes(body: bytes) -> Mapping[str, failure.Kind]:
    """What was not found is the model, which the address names, unless the body speaks of something else."""
    return CODES if any(word in body for word in _OTHERS) else _OF_A_MODEL
