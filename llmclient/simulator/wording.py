"""Why a prompt gets no answer, and how a dialect with words of its own puts it."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from typing import NamedTuple

from llmclient.simulator.exchange import Failure


class Unanswered(Failure):
    """A prompt that gets no answer, in OpenAI's words; `facts` is what other words may name."""

    def __init__(self, kind: str, status: int, message: str, *, type: str, code: str | None = None, param: str | None = None, **facts: object) -> None:
        super().__init__(status, message, type=type, code=code, param=param)
        self.kind = kind
        """unknown (there is no such model), broken (the model always fails), long (the prompt is), or schema (it cannot be satisfied)."""
        self.facts: dict[str, object] = {"message": message, **facts}


class Wording(NamedTuple):
    """One failure in a dialect's words.

    The braces of its message may hold `message`, that of OpenAI; `model` where that is unknown; `given` and `longest`, the tokens of a
    long prompt.
    """

    status: int
    message: str
    type: str | None = None
    code: str | None = None


@contextlib.contextmanager
def rephrased(wordings: Mapping[str, Wording]) -> Generator[None, None, None]:
    """Let what is unanswered leave in a dialect's words, which stand by kind; a kind without any keeps OpenAI's."""
    try:
        yield
    except Unanswered as failure:
        said = wordings.get(failure.kind)
        if said is None:
            raise
        raise Failure(said.status, said.message.format_map(failure.facts), type=said.type, code=said.code) from None
