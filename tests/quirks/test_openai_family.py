"""Each numbered quirk of OpenAI's family, at the provider that has it."""

from __future__ import annotations

import pytest

from llmclient import registry
from tests.quirks.openai_family import CASES
from tests.quirks.probes import ready

NUMBERS = {*range(1, 13), *range(52, 68)} - {10}
"""Those of OpenAI's dialect; 10 is about the Responses API, a dialect of its own."""


@pytest.mark.parametrize("case", CASES, ids=[f"{case.number}-{case.adapter}-{case.says}" for case in CASES])
def test_a_quirk_is_handled(case):
    """The call becomes what this provider takes, and its answer means what it should."""
    case.check(ready(registry.adapter(case.adapter)))


def test_every_number_has_a_case():
    """No quirk of the family is left out."""
    assert {case.number for case in CASES} == NUMBERS
