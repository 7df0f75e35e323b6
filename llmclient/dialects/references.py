"""References within schemas: what they point to, and what a schema grows to when they are replaced by that."""

from __future__ import annotations

from typing import Any, Final

from llmclient.dialects.shapes import is_object
from llmclient.errors import InvalidRequestError, TransformationError
from llmclient.types.messages import JSONObject

NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose value maps names of the caller's own to schemas: those names are no keywords."""
VALUES: Final = frozenset({"enum", "const", "default", "examples", "example", "required"})
"""Keywords whose value is data."""
MOST: Final = 10_000
"""How many nodes the references of one schema may add to it."""


class Growth:
    """Counts the nodes that references add: a small schema, each of whose parts refers to the next one twice, stands for a huge one."""

    def __init__(self, param: str) -> None:
        self._param = param
        self._count = 0

    def add(self) -> None:
        """Count one node; raises InvalidRequestError, which names the parameter, when there are too many."""
        self._count += 1
        if self._count > MOST:
            problem = f"the references of the schema in {self._param} add more than {MOST} nodes when they are written out; make it smaller"
            raise InvalidRequestError("", problem, param=self._param)


def resolve(pointer: Any, root: JSONObject) -> JSONObject:
    """Return what a local reference points to; raises TransformationError when there is no such place."""
    found: Any = root
    if isinstance(pointer, str) and pointer.startswith("#"):
        for step in pointer[1:].split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if is_object(found) else None
        if is_object(found):
            return found
    raise TransformationError("", f"the schema refers to {pointer}, which is not in it")
