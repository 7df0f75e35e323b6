"""What `make audit` makes of pip-audit's answers."""

from __future__ import annotations

import importlib.util
import json
import pathlib
from typing import Any

import pytest

PATH = pathlib.Path(__file__).parent.parent.parent / ".ci" / "audit.py"


@pytest.fixture(scope="module")
def audit() -> Any:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("audit", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CLEAN = {"name": "requests", "version": "2.34.2", "vulns": []}
HOLE = {"name": "urllib3", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.0"], "description": "x"}]}
UNKNOWN = {"name": "attrs", "skip_reason": "Dependency not found on PyPI and could not be audited: attrs (26.1.0)"}


def answer(*dependencies: Any) -> str:
    """Return pip-audit's JSON."""
    return json.dumps({"dependencies": dependencies, "fixes": []})


@pytest.mark.parametrize(
    ("code", "out", "err", "expected", "word"),
    [
        (0, answer(CLEAN), "", 0, "1 distributions audited"),
        (1, answer(CLEAN, HOLE), "Found 1 known vulnerability", 1, "VULNERABLE: urllib3 1.0: PYSEC-1, fixed in 2.0"),
        (0, answer(UNKNOWN), "", 0, "NOT AUDITED"),
        (0, answer(UNKNOWN, CLEAN), "", 0, "attrs: Dependency not found"),
        (1, answer(UNKNOWN, HOLE), "", 1, "VULNERABLE"),
        (1, "", "Traceback\nrequests.exceptions.ConnectionError: Max retries exceeded", 0, "NOT AUDITED"),
        (1, "", "Traceback\nrequests.exceptions.SSLError: HTTPSConnectionPool(host='pypi.org', port=443): Max retries exceeded", 0, "NOT AUDITED"),
        (1, "", "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed", 0, "NOT AUDITED"),
        (1, "", "ERROR:pip_audit._cli:invalid requirement", 1, "invalid requirement"),
        (1, "", "Traceback\nKeyError: 'ConnectionErrors'", 1, "KeyError"),
        (2, "", "usage: pip-audit", 2, "usage"),
        (0, "", "", 1, "neither"),
        (0, "[]", "odd", 1, "odd"),
    ],
)
def test_only_a_list_that_cannot_be_had_is_forgiven(audit: Any, code: int, out: str, err: str, expected: int, word: str) -> None:
    """A vulnerability fails, and so does every other failure; what was not audited is said."""
    found, said = audit.judge(code, out, err)
    assert expected == found
    assert word in "\n".join(said)


def test_what_is_audited_is_what_users_install(audit: Any) -> None:
    """The five dependencies and theirs, without the extras."""
    found = audit.installed("llmclient")
    assert {"requests", "urllib3", "attrs", "cattrs", "orjson", "certifi", "idna"} <= set(found)
    assert not {"botocore", "pytest", "rich"} & set(found)
