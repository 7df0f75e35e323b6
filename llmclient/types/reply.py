"""The answer to a request that no operation covers."""

from __future__ import annotations

import attrs

from llmclient.types.answer import Answer


@attrs.frozen(kw_only=True)
class Reply(Answer):
    """A body as it came: see `raw`, `json()`, `headers` and `request_id`."""
