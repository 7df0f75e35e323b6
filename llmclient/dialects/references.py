"""What a schema grows to when its references are replaced by what they point to."""

from __future__ import annotations

from typing import Final

from llmclient.errors import InvalidRequestError

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
