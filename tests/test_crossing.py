"""One conversation goes on with another provider: what anyone may know is carried, and nothing that only the first understands."""

from __future__ import annotations

import base64
import json

import pytest

from llmclient import registry
from llmclient.errors import ConfigurationError, InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.messages import File, Image, Message, Text, Tool
from llmclient.wire import jsons
from tests.crossing import ARGUMENTS, NAME, PARTIES, SPOKEN, THOUGHT, Party
from tests.quirks.probes import ready

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
MEDIA = {"image": (Image(data=PNG, media_type="image/png"), PNG), "file": (File(data=PDF, filename="trip.pdf", media_type="application/pdf"), PDF)}
QUESTION = "What is the weather where these were taken?"
RESULTS = ("12 degrees in Paris", "3 degrees in Oslo")
THANKS = "Thank you, and in Rome?"
TOOL = Tool(NAME, "Tells the weather.", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})


def provider_of(party: Party):
    """Return the provider, or None where it is not there or does not speak this dialect."""
    try:
        cls = registry.adapter(party.adapter)
    except ConfigurationError:
        return None
    return ready(cls) if party.api is None or party.api in cls.chat_apis else None


HERE = [name for name, party in PARTIES.items() if provider_of(party) is not None]
PAIRS = [(first, second) for first in HERE for second in HERE]
pairs = pytest.mark.parametrize(("first", "second"), PAIRS, ids=[f"{first} to {second}" for first, second in PAIRS])
everyone = pytest.mark.parametrize("name", HERE)


def answer(party: Party) -> Message:
    """Return what the provider says, read from its wire."""
    provider = provider_of(party)
    dialect = provider.chat_dialect(party.model, party.api)
    (choice,) = dialect.decode(json.dumps(party.answer).encode(), party.model, "req-1").choices
    return choice.message


def conversation(party: Party, *kinds: str) -> list[Message]:
    """Return a conversation in which the provider has asked for two calls; the results come in another order than the calls."""
    reply = answer(party)
    asked = Message("user", (Text(QUESTION), *(MEDIA[kind][0] for kind in kinds)))
    results = [Message("tool", text, tool_call_id=call.id) for call, text in zip(reply.tool_calls, RESULTS, strict=True)]
    return [Message("system", "Be brief."), asked, reply, *reversed(results), Message("user", THANKS)]


def send(party: Party, messages: list):
    """Return the body that the provider is sent, as bytes, and what the request warns of."""
    request = ChatRequest.make(party.model, messages, tools=[TOOL], max_tokens=4000, api=party.api)
    wire = provider_of(party).transform_request(request)
    return jsons.dumps(wire.body), wire.warnings


def accepted(party: Party) -> list[str]:
    """Return the kinds of media that the provider takes."""
    found = []
    for kind, (part, _) in MEDIA.items():
        try:
            send(party, [Message("user", (Text(QUESTION), part))])
        except InvalidRequestError:
            continue
        found.append(kind)
    return found


def test_everyone_is_here():
    """At least OpenAI's, Anthropic's and Google's dialects take part, and nobody twice."""
    assert {"openai", "anthropic", "gemini"} <= set(HERE)
    assert len({(party.adapter, party.api) for party in PARTIES.values()}) == len(PARTIES)


@everyone
def test_the_answer_is_worth_crossing_with(name):
    """It is read as two calls, a text and thoughts."""
    message = answer(PARTIES[name])
    assert [(call.function.name, call.parse()) for call in message.tool_calls] == [(NAME, arguments) for arguments in ARGUMENTS]
    assert message.text == SPOKEN
    assert THOUGHT in (message.reasoning_text or "")


@pairs
def test_calls_and_results_stay_together(first, second):
    """Each result answers its own call, by an id that both share or by the order of the calls."""
    body, _ = send(PARTIES[second], conversation(PARTIES[first]))
    sent = PARTIES[second].read(json.loads(body))
    assert [(name, arguments) for _, name, arguments in sent.calls] == [(NAME, arguments) for arguments in ARGUMENTS]
    ids = [identity for identity, _, _ in sent.calls]
    if None in ids:
        assert PARTIES[second].by_name
        assert [name for name, _ in sent.results] == [NAME, NAME]
        assert [text in content for text, (_, content) in zip(RESULTS, sent.results, strict=True)] == [True, True]
    else:
        assert len(set(ids)) == len(sent.results) == 2
        found = dict(sent.results)
        assert [text in found[identity] for identity, text in zip(ids, RESULTS, strict=True)] == [True, True]


@pairs
def test_every_word_is_carried(first, second):
    """Questions, answers and the system message go out, each once."""
    body, _ = send(PARTIES[second], conversation(PARTIES[first]))
    for text in ("Be brief.", QUESTION, SPOKEN, *RESULTS, THANKS):
        assert body.count(json.dumps(text)[1:-1].encode()) == 1, text


@pairs
def test_nothing_goes_to_a_stranger(first, second):
    """No thought, signature, encrypted block or id of an item leaves for a provider that did not write it."""
    if PARTIES[first].adapter == PARTIES[second].adapter:
        pytest.skip("it is no stranger")
    body, _ = send(PARTIES[second], conversation(PARTIES[first]))
    assert [] == [secret for secret in (THOUGHT, *PARTIES[first].secrets) if secret.encode() in body]


@everyone
def test_everything_comes_back_to_its_own(name):
    """The provider that thought gets back what it needs to go on, unchanged."""
    party = PARTIES[name]
    body, _ = send(party, conversation(party))
    assert [] == [secret for secret in party.own if secret.encode() not in body]


@pytest.mark.parametrize(
    ("first", "second"), [("anthropic", "azure_anthropic"), ("anthropic", "vertex_ai_anthropic"), ("openai", "deepseek"), ("gemini", "vertex_ai")]
)
def test_another_host_of_the_same_dialect_is_a_stranger_too(first, second):
    """Signatures of one cloud are refused by the other, though they speak alike."""
    messages = conversation(PARTIES[first])
    model = "claude-sonnet-4-5" if first == "anthropic" else PARTIES[first].model
    wire = ready(registry.adapter(second)).transform_request(ChatRequest.make(model, messages, tools=[TOOL], max_tokens=4000))
    assert [] == [secret for secret in PARTIES[first].own if secret.encode() in jsons.dumps(wire.body)]


@pytest.mark.parametrize("kind", MEDIA)
@pairs
def test_media_are_carried_or_refused(first, second, kind):
    """The very bytes go out, or the error says which kind is not taken: never are they lost in silence."""
    try:
        body, _ = send(PARTIES[second], conversation(PARTIES[first], kind))
    except InvalidRequestError as error:
        refused = error
    else:
        assert base64.b64encode(MEDIA[kind][1]) in body
        return
    assert kind not in accepted(PARTIES[second])
    assert refused.param == "messages"
    assert kind in refused.message.lower() or (kind == "file" and "document" in refused.message.lower())


@pairs
def test_a_stored_conversation_crosses_alike(first, second):
    """Written as dicts, kept as JSON and read again it becomes the same request."""
    messages = conversation(PARTIES[first], *accepted(PARTIES[second]))
    stored = [message.to_dict() for message in messages]
    again = json.loads(jsons.dumps(stored))
    assert send(PARTIES[second], messages)[0] == send(PARTIES[second], again)[0]


@pairs
def test_nothing_is_changed_in_place(first, second):
    """The conversation is the caller's: crossing leaves it as it was."""
    messages = conversation(PARTIES[first])
    before = [jsons.dumps(message.to_dict()) for message in messages]
    send(PARTIES[second], messages)
    assert [jsons.dumps(message.to_dict()) for message in messages] == before
