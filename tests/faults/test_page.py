"""The table in the documents is the one that is played."""

from __future__ import annotations

from tests.faults import page


def test_the_page_of_faults_is_up_to_date() -> None:
    """`python -m tests.faults.page` writes it anew."""
    assert page.render() == page.PAGE.read_text(encoding="utf-8")
