"""All numbered quirks of those who speak OpenAI's dialect, as cases: what each call becomes, and what each answer means."""

from __future__ import annotations

from typing import Final

from tests.quirks.cases import Case
from tests.quirks.hosts import HOSTS, SERVERS
from tests.quirks.makers import CHINA, OPENAI

CASES: Final[tuple[Case, ...]] = (*OPENAI, *CHINA, *HOSTS, *SERVERS)
