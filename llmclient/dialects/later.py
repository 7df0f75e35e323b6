"""Dialects of chat that few calls ask for: each is imported when it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from llmclient.dialects.base import ChatDialect
from llmclient.loading import load


@attrs.frozen(eq=False, slots=False)
class Apis(Mapping[str, ChatDialect]):
    """Dialects by the name of their API."""

    places: Mapping[str, tuple[str, Mapping[str, Any]]]
    """API -> `module:Class` of its dialect, and the quirks that differ from the class's defaults."""
    _made: dict[str, ChatDialect] = attrs.field(init=False, repr=False, factory=dict[str, ChatDialect])

    def __getitem__(self, api: str) -> ChatDialect:
        made = self._made.get(api)
        if made is None:
            place, quirks = self.places[api]
            made = self._made.setdefault(api, load(place)(**quirks))
        return made

    def __contains__(self, api: object) -> bool:
        return api in self.places

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)
