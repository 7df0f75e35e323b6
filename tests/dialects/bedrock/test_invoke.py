"""Claude by InvokeModel: Anthropic's bodies, Amazon's addresses and frames."""

import base64
import json

import pytest

from llmclient import errors
from llmclient.dialects.anthropic import AnthropicMessages
from llmclient.dialects.bedrock import BedrockMessages
from llmclient.types.chat import ChatRequest
from tests.dialects.anthropic.kit import events, message
from tests.dialects.bedrock.kit import CLAUDE, PNG, context, event, failure, run

DIALECT = BedrockMessages(provider="acme")
VALUE = message({"type": "thinking", "thinking": "hm", "signature": "s"}, "hello", {"type": "tool_use", "id": "t", "name": "add", "input": {"a": 1}}, stop="tool_use")


def encode(messages="hi", *, stream=False, model=CLAUDE, **options):
    """Return what a call sends."""
    return DIALECT.encode(ChatRequest.make(model, messages, **options), context(stream=stream))


def wrapped(given):
    """Return an event of Anthropic's in a message of Amazon's."""
    return event("chunk", {"bytes": base64.b64encode(json.dumps(given).encode()).decode()})


FRAMES = [wrapped(one) for one in events(VALUE)]


def test_requests():
    """The model stands in the address, encoded; the version in the body; nothing in it asks for a stream."""
    plain, streamed = encode(max_tokens=5), encode(max_tokens=5, stream=True)
    assert {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]} == plain.body == streamed.body
    assert f"/model/{CLAUDE.replace(':', '%3A')}/invoke" == plain.path
    assert (plain.path + "-with-response-stream", True, {}) == (streamed.path, streamed.stream, streamed.headers)
    assert encode(model="arn:aws:bedrock:us-east-1:1:inference-profile/x").path.endswith("inference-profile%2Fx/invoke")


def test_long_answers_are_streamed_behind_the_scenes():
    """As Anthropic's own are."""
    wire = encode(max_tokens=50_000)
    assert (True, True) == (wire.stream, wire.path.endswith("/invoke-with-response-stream"))


def test_what_is_not_taken():
    """Addresses of pictures are refused, tiers dropped; betas stand in the body."""
    with pytest.raises(errors.InvalidRequestError, match="fetched"):
        encode([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}])
    assert "image" in str(encode([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}]).body)
    assert ["service_tier"] == [warning.param for warning in encode(service_tier="auto").warnings]
    assert ["x"] == encode(headers={"anthropic-beta": "x"}).body["anthropic_beta"]


@pytest.mark.parametrize("size", [1, 61, 1 << 20])
def test_streams(size):
    """The events in the frames give what Anthropic's own stream gives, and what the plain answer is."""
    decoder, chunks = run(b"".join(FRAMES), DIALECT, size)
    theirs = AnthropicMessages(provider="acme").stream("m", "req")
    wanted = theirs.feed(b"".join(f"data: {json.dumps(one)}\n\n".encode() for one in events(VALUE)))
    assert (wanted, theirs.response(), theirs.events) == (chunks, decoder.response(), decoder.events)
    assert (True, None) == (decoder.done, decoder.error)
    assert DIALECT.decode(json.dumps(VALUE).encode(), "m", "req").message.reasoning == decoder.response().message.reasoning


def test_a_stream_where_a_plain_answer_was_asked_for():
    """It is read all the same; one that is cut off is an error."""
    assert "hello" == DIALECT.decode(b"".join(FRAMES), "m", "req").text
    with pytest.raises(errors.StreamTruncatedError):
        DIALECT.decode(b"".join(FRAMES[:-1]), "m", "req")


@pytest.mark.parametrize("cut", range(len(FRAMES)))
def test_a_stream_that_ends_early_is_no_answer(cut):
    """At each border of messages."""
    decoder, _ = run(b"".join(FRAMES[:cut]), DIALECT)
    assert isinstance(decoder.error, errors.StreamTruncatedError)
    assert not decoder.done


def test_failures_within_a_stream():
    """After the chunks before it; nothing that comes later is read."""
    decoder, chunks = run(b"".join(FRAMES[:4]) + failure("throttlingException", "slow down") + b"".join(FRAMES[4:]), DIALECT)
    assert (errors.RateLimitError, "slow down", False) == (type(decoder.error), decoder.error.message, decoder.done)
    assert ("hm", [], []) == ("".join(chunk.reasoning or "" for chunk in chunks), decoder.feed(b"x"), decoder.finish())


def test_nothing_is_read_after_the_end():
    """A failure behind it does no harm."""
    decoder, _ = run(b"".join(FRAMES) + failure("internalServerException"), DIALECT)
    assert (True, None) == (decoder.done, decoder.error)


@pytest.mark.parametrize("raw", [event("chunk", {}), event("chunk", b"{"), event("chunk", {"bytes": 1}), event("chunk", {"bytes": "x"}), FRAMES[0][:-1] + b"x"])
def test_garbage(raw):
    """It is no answer."""
    decoder, _ = run(FRAMES[0] + raw, DIALECT)
    assert isinstance(decoder.error, errors.ResponseParsingError)


def test_a_text_where_a_stream_was_asked_for():
    """A whole message is one chunk, a failure an error."""
    decoder, chunks = run(json.dumps(VALUE).encode(), DIALECT, 7)
    assert (True, 1, "hello") == (decoder.done, len(chunks), decoder.response().text)


def test_failures():
    """Amazon's kinds, in its header."""
    headers = {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/"}
    assert errors.RateLimitError is type(DIALECT.error(429, headers, b'{"message": "slow down"}'))


def test_thoughts_of_converse_stay_out():
    """The two APIs are two dialects: what one signed is not sent by the other."""
    block = {"text": "hm", "signature": "s", "provider": "acme", "dialect": "bedrock"}
    sent = encode([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "reasoning_blocks": [block]}]).body["messages"][1]
    assert "b" == sent["content"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [("ThrottlingException", errors.RateLimitError), ("com.amazon.coral.service#AccessDeniedException", errors.PermissionDeniedError)],
)
def test_failures_that_come_as_an_answer(kind, error):
    """Amazon's kind tells the class, although the status is 200; in a whole body and where a stream was asked for."""
    raw = json.dumps({"__type": kind, "message": "no"}).encode()
    with pytest.raises(error, match="no") as caught:
        DIALECT.decode(raw, "m", "r")
    decoder, chunks = run(raw, DIALECT)
    assert (error, error, "m", []) == (caught.type, type(decoder.error), caught.value.model, chunks)


@pytest.mark.parametrize("raw", [b"", b"<html>", b'{"a": 1}', b"[]"])
def test_what_is_no_answer_and_no_failure(raw):
    """It is an error of reading."""
    with pytest.raises(errors.ResponseParsingError):
        DIALECT.decode(raw, "m", "r")
