"""What this vendor's failures mean, where its words are not everybody's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llmclient.dialects import failure, hints
from llmclient.dialects.shapes import is_object
from llmclient.errors import ProviderError
from llmclient.wire import jsons

_CODES: Final[Mapping[str, failure.Kind]] = {
    "billing_error": "quota",
    "contract_spend_limit_reached": "quota",
    "enforced_spend_limit_reached": "quota",
    "linked_organization_billing_unavailable": "quota",
    "linked_organization_spend_limit_reached": "quota",
    "organization_on_hold": "permission",
    "ramp_limit_exceeded": "rate_limit",
    "storage_quota_exceeded": "quota",
    "cmek_key_unreachable": "unavailable",
    "request_body_timeout": "timeout",
}
"""`error.details.error_code` (https://platform.claude.com/docs/en/api/errors)."""


def of_status(status: int, headers: Mapping[str, str], body: bytes, own: Mapping[str, failure.Kind]) -> ProviderError:
    """Return the error that a status other than 2xx means."""
    value = hints.read_body(body)
    lifted = _lift_code(value)
    error = failure.map_failure(status, headers, body if lifted is value else jsons.rewrite(lifted), codes=_codes(own))
    if lifted is not value:
        error.body = failure.map_failure(status, headers, body).body
    return error


def of_body(value: Any, model: str, own: Mapping[str, failure.Kind]) -> ProviderError | None:
    """Return the error that a parsed 200 body, or an event, reports; None when it reports none."""
    return failure.find_failure(_lift_code(value), model=model or None, codes=_codes(own))


def _codes(own: Mapping[str, failure.Kind]) -> Mapping[str, failure.Kind]:
    return {**_CODES, **own} if own else _CODES


def _lift_code(value: Any) -> Any:
    """Put the code where the shared mapping looks for one."""
    error = value.get("error") if is_object(value) else None
    details = error.get("details") if is_object(error) else None
    code = details.get("error_code") if is_object(details) else None
    if not isinstance(code, str) or not is_object(error) or "code" in error:
        return value
    return {**value, "error": {**error, "code": code}}
