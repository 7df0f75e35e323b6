"""Where a model's name stands in the address."""

from __future__ import annotations

from llmclient.errors import InvalidRequestError


def fill_model(path: str, model: str) -> str:
    """Return the path with `{model}` replaced; raises InvalidRequestError for a name that would change the path."""
    if "{model}" not in path:
        return path
    if not model or model in (".", ".."):
        raise InvalidRequestError("", f"{model!r} is no model name", param="model", model=model)
    from urllib.parse import quote

    return path.replace("{model}", quote(model, safe=""))
