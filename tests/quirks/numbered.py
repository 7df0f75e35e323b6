"""All numbered quirks as cases: what each call becomes, and what each answer means; and the table that names them."""

from __future__ import annotations

import pathlib
import tomllib
from typing import Final

import attrs

from tests.quirks.cases import Case
from tests.quirks.claude import CLAUDE
from tests.quirks.clouds import AZURE, BEDROCK
from tests.quirks.google import GOOGLE
from tests.quirks.hosts import HOSTS, SERVERS
from tests.quirks.makers import CHINA, OPENAI
from tests.quirks.travel import TRAVEL
from tests.quirks.vendors import COHERE, MISTRAL, OLLAMA, RESPONSES

CASES: Final[tuple[Case, ...]] = (
    *OPENAI, *RESPONSES, *AZURE, *CLAUDE, *GOOGLE, *BEDROCK, *MISTRAL, *COHERE, *CHINA, *HOSTS, *SERVERS, *OLLAMA, *TRAVEL,
)  # fmt: skip
"""Each numbered quirk, at the provider that has it."""
TABLE: Final = pathlib.Path(__file__).parent / "numbers.toml"
ELSEWHERE: Final = frozenset({74})
"""Numbers whose tests need a socket, and undo the quirk themselves."""


@attrs.frozen
class Row:
    """One quirk of the table."""

    number: int
    who: str
    name: str
    tests: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    """Those besides the cases: the file, two colons, and the function."""


def read_table() -> tuple[Row, ...]:
    """Return the rows of the table in its order."""
    return tuple(Row(**row) for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["quirk"])
