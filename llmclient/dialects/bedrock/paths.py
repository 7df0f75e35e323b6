"""Where a model's id stands in the address."""

from __future__ import annotations

from urllib.parse import quote

from llmclient.errors import InvalidRequestError


def fill_model(path: str, model: str) -> str:
    """Return the path with `{model}` replaced, the colons and slashes of an id or ARN encoded, as the signature wants them.

    Raises InvalidRequestError for an id that would change the path.
    """
    if not model or model in (".", ".."):
        raise InvalidRequestError("", f"{model!r} is no model id", param="model", model=model)
    return path.replace("{model}", quote(model, safe=""))
