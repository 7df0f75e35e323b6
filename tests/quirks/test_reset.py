"""Every quirk of every adapter is noticed by some case when it is set back to what the dialect does by default."""

from __future__ import annotations

import pytest

from llmclient import registry
from llmclient.dialects.openai import OpenAIChat
from llmclient.provider import Provider
from tests.quirks import reset
from tests.quirks.cases import Sends
from tests.quirks.numbered import CASES
from tests.quirks.probes import PROBES, Target, ready


class Acme(Provider):
    """A provider with a quirk of each kind."""

    name = "acme"
    base_url = "https://acme.test/v1"
    chat = OpenAIChat(unsupported=frozenset({"seed", "user"}), max_tokens_field="max_tokens", body={"a": 1, "b": 2}, efforts=("low", "high"))
    chat_by_model = (("x-[0-9]*", OpenAIChat(top_k=True)), ("x-1*", OpenAIChat(merge_system=True)))
    chat_apis = {"other": OpenAIChat(drop_message_name=True)}


@pytest.fixture
def acme(monkeypatch, tmp_path):
    monkeypatch.setattr(reset, "FOLDER", tmp_path)
    monkeypatch.setattr(registry, "adapter", lambda name: Acme)
    return Acme


@pytest.mark.parametrize("name", sorted(registry.names()))
def test_a_quirk_that_is_set_back_is_noticed(name):
    """No quirk could be lost from the TOML without a case that fails, no case fails as things are, and each family has its models."""
    report = reset.examine(name, CASES)
    assert ((), (), ()) == (report.failing, report.unnoticed, report.unreachable)


def test_each_quirk_is_set_back_whole_and_by_member():
    """A set, a table and a list of words lose one member at a time."""
    chat, *others = reset.places(Acme)
    assert [str(mutation) for mutation in reset.mutations(chat)] == [
        "chat.unsupported", "chat.unsupported.seed", "chat.unsupported.user", "chat.max_tokens_field", "chat.body", "chat.body.a", "chat.body.b",
        "chat.efforts", "chat.efforts.low", "chat.efforts.high",
    ]  # fmt: skip
    assert [(place.where, place.target) for place in others] == [
        ("chat_by_model.0", Target("chat", "x-01")),
        ("chat_by_model.1", None),
        ("chat_apis.other", Target("chat", api="other")),
    ]


def test_a_mutated_provider_differs_in_one_thing():
    """The dialect is replaced where it stands, and everything else stays."""
    for place in reset.places(Acme):
        plain = OpenAIChat()
        other = type(reset.mutated(Acme, place, plain))
        changed = [a != b for a, b in zip(reset.places(Acme), reset.places(other), strict=True)]
        assert changed.count(True) == 1
        assert plain in [found.dialect for found in reset.places(other)]


def test_without_cases_nothing_is_noticed(acme):
    """The report names what is missing: a table that is empty proves nothing."""
    report = reset.examine("acme")
    assert "chat.max_tokens_field" in report.unnoticed
    assert report.unreachable == ("chat_by_model.1",)
    assert (report.quirks, report.by_hand) == (len(report.unnoticed), 0)


def test_a_numbered_case_notices(acme):
    """It counts for the quirk that it is about, and for no other."""
    case = Sends(1, "acme", "", "m", {"max_tokens": 9}, options={"max_tokens": 9})
    report = reset.examine("acme", [case])
    assert "chat.max_tokens_field" not in report.unnoticed
    assert (report.failing, report.by_hand) == ((), 1)


def test_a_case_that_fails_is_reported(acme):
    """A table that is wrong is no proof."""
    case = Sends(1, "acme", "", "m", {"max_tokens": 8}, options={"max_tokens": 9})
    assert reset.examine("acme", [case]).failing == (str(case),)


def test_probes_are_written_and_notice_everything_that_can_be_reached(acme):
    """What `--write` writes is read back, and leaves only the family that no model has."""
    reset.write_pins("acme", reset.find_pins(acme))
    assert reset.read_pins("acme") == reset.find_pins(acme)
    assert reset.examine("acme").unnoticed == ("chat_by_model.1.merge_system",)
    reset.write_pins("acme", ())
    assert reset.read_pins("acme") == ()


def test_the_files_of_probes_are_up_to_date():
    """Writing one anew changes nothing."""
    assert reset.read_pins("groq") == reset.find_pins(registry.adapter("groq"))


def test_no_file_of_probes_is_left_over():
    """Each belongs to an adapter that has quirks."""
    assert {path.stem for path in reset.FOLDER.iterdir()} <= set(registry.names())


def test_quirks_of_a_parameter_that_is_refused_cannot_show():
    """A family that refuses the temperature inherits its range to no effect."""
    place = next(reset.places(type("Still", (Acme,), {"chat": OpenAIChat(unsupported=frozenset({"temperature"}), temperature_range=(0, 1))})))
    assert [mutation.quirk for mutation in reset.mutations(place)] == ["unsupported"]


def test_the_command_reports_and_counts(acme, capsys):
    """It ends with 1 while there is something to report."""
    assert reset.main(["acme"]) == 1
    out = capsys.readouterr().out
    assert "acme: unnoticed: chat.max_tokens_field\n" in out
    assert "acme: unreachable: chat_by_model.1\n" in out
    assert reset.main(["acme", "--write"]) == 1
    assert "acme: unnoticed: chat.max_tokens_field\n" not in capsys.readouterr().out


def test_every_probe_runs_on_every_adapter():
    """A probe ends with an outcome, whatever the provider is, never with an error of ours."""
    for name in ("anthropic", "gemini", "openai", "vertex_ai"):
        provider = ready(registry.adapter(name))
        for place in reset.places(type(provider)):
            assert all(probe.run(provider, place.target) for probe in PROBES.values() if probe.slot == place.target.slot)
