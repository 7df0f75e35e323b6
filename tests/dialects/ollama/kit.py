"""What the tests of Ollama's dialect share."""

import json

from llmclient.dialects.ollama import OllamaChat
from llmclient.types.chat import ChatRequest
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext

TOOL = {"type": "function", "function": {"name": "add", "description": "Add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
USER = {"role": "user", "content": "hi"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
TIME = "2025-08-20T13:48:23.241046123Z"


def context(provider="acme", *, stream=False):
    """Return a context of a made-up provider."""
    return RequestContext(provider=provider, config=ProviderConfig(provider=provider), stream=stream)


def encode(messages="hi", dialect=None, *, stream=False, **options):
    """Return what a call with these arguments sends."""
    return (dialect or OllamaChat(provider="acme")).encode(ChatRequest.make("m", messages, **options), context(stream=stream))


def params(dialect=None, **options):
    """Return the body without model, messages and stream, after a passage through JSON."""
    body = json.loads(json.dumps(encode("hi", dialect, **options).body))
    del body["model"], body["messages"], body["stream"]
    return body


def sent(*messages, **options):
    """Return the messages that go out."""
    return json.loads(json.dumps(encode(list(messages), **options).body))["messages"]


def notes(messages="hi", dialect=None, **options):
    """Return kind and parameter of each warning."""
    return [(warning.kind, warning.param) for warning in encode(messages, dialect, **options).warnings]


def answer(text="", reason="stop", *, thinking=None, calls=(), **top):
    """Return a parsed answer."""
    message = {"role": "assistant", "content": text}
    if thinking is not None:
        message["thinking"] = thinking
    if calls:
        message["tool_calls"] = list(calls)
    ended = {"done": True, "done_reason": reason, "total_duration": 9, "prompt_eval_count": 3, "eval_count": 5}
    return {"model": "m:latest", "created_at": TIME, "message": message, **ended, **top}


def call(name="add", arguments=None, **more):
    """Return a parsed call."""
    return {"function": {"name": name, "arguments": {"a": 1} if arguments is None else arguments}, **more}


def decode(value, dialect=None):
    """Return the answer in a parsed or raw body."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return (dialect or OllamaChat(provider="acme")).decode(raw, "m", "req")


def lines(value):
    """Return the lines that stream an answer: texts in two pieces, calls each in a line of its own."""
    message = value["message"]
    said = [{"content": "", "thinking": piece} for piece in halves(message.get("thinking") or "")]
    said += [{"content": piece} for piece in halves(message["content"])]
    said += [{"content": "", "tool_calls": [one]} for one in message.get("tool_calls") or ()]
    head = {"model": value["model"], "created_at": value["created_at"]}
    out = [{**head, "message": {"role": "assistant", **piece}, "done": False} for piece in said]
    return [*out, {**value, "message": {"role": "assistant", "content": ""}}]


def halves(text):
    """Return a text in two pieces, or none if it is empty."""
    return [piece for piece in (text[: len(text) // 2], text[len(text) // 2 :]) if piece]


def wire(*given):
    """Return lines as the server sends them; bytes go as they are."""
    return b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in given)


def run(raw, dialect=None, size=1 << 20):
    """Return the decoder after these bytes, fed in pieces of a size, and all chunks."""
    decoder = (dialect or OllamaChat(provider="acme")).stream("m", "req")
    chunks = []
    for start in range(0, len(raw), size):
        chunks += decoder.feed(raw[start : start + size])
    return decoder, chunks + decoder.finish()
