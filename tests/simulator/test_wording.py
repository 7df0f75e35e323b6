"""Failures in a dialect's own words, without HTTP."""

import pytest

from llmclient.simulator.answers import CONTEXT, Prompt, Tool, Turn, answer, check_model, usage_of
from llmclient.simulator.exchange import Failure
from llmclient.simulator.wording import Wording, rephrased

WORDINGS = {
    "unknown": Wording(400, "no {model} here", "invalid_model", "1500"),
    "broken": Wording(503, "sorry; {message}"),
    "long": Wording(413, "{given} of {longest}"),
    "schema": Wording(422, "no: {message}"),
}


def failed(ask, wordings):
    """Return the failure that leaves."""
    with pytest.raises(Failure) as caught, rephrased(wordings):
        ask()
    return caught.value


def unsatisfiable():
    """Ask for arguments that no text can satisfy."""
    tool = Tool("f", {"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}, "required": ["a"]})
    return answer(Prompt("echo", [Turn("user", "Hi")], "d", tools=[tool], tool_choice="required"))


def overlong():
    """Count the tokens of a prompt that is three tokens of the conversation and three of the message too long."""
    return usage_of(Prompt("echo", [Turn("user", " x" * CONTEXT)], "d"), [])


@pytest.mark.parametrize(
    ("ask", "status", "start"),
    [
        (lambda: check_model("missing-one"), 400, "no missing-one here"),
        (lambda: check_model("fail"), 503, "sorry; The server had an error"),
        (overlong, 413, f"{CONTEXT + 6} of {CONTEXT}"),
        (unsatisfiable, 422, "no: Invalid schema: "),
    ],
    ids=["unknown", "broken", "long", "schema"],
)
def test_each_kind_leaves_in_the_words_of_the_dialect(ask, status, start):
    """The words may name the model, the tokens, and what OpenAI says."""
    failure = failed(ask, WORDINGS)
    assert (status, True) == (failure.status, failure.message.startswith(start))


def test_words_have_a_type_and_a_code_of_their_own():
    """What OpenAI would give does not shine through."""
    unknown, broken = failed(lambda: check_model("missing"), WORDINGS), failed(lambda: check_model("fail"), WORDINGS)
    assert ("invalid_model", "1500", None, None) == (unknown.type, unknown.code, broken.type, broken.code)


def test_a_kind_without_words_keeps_those_of_openai():
    """Status, type and code are OpenAI's, too."""
    failure = failed(lambda: check_model("missing"), {})
    assert (404, "invalid_request_error", "model_not_found") == (failure.status, failure.type, failure.code)


def test_other_failures_pass():
    """A request that the dialect itself refuses has its words already."""
    refused = Failure(404, "no such thing")

    def refuse():
        raise refused

    assert refused is failed(refuse, WORDINGS)


def test_braces_in_the_name_of_a_model_stay():
    """Only the words are a template, never what stands in them."""
    assert "no missing{message} here" == failed(lambda: check_model("missing{message}"), WORDINGS).message
