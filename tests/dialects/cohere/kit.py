"""What the tests of Cohere's dialect share."""

import json

from llmclient.dialects.cohere import CohereChat
from llmclient.types.chat import ChatRequest
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext

MODEL = "command-a-03-2025"
REASONER = "command-a-reasoning-08-2025"
TOOL = {"type": "function", "function": {"name": "add", "description": "Add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
USER = {"role": "user", "content": "hi"}
CALL = {"id": "add_1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}


def context(provider="acme", *, stream=False):
    """Return a context of a made-up provider."""
    return RequestContext(provider=provider, config=ProviderConfig(provider=provider), stream=stream)


def encode(messages="hi", dialect=None, model=MODEL, *, stream=False, **options):
    """Return what a call with these arguments sends."""
    return (dialect or CohereChat(provider="acme")).encode(ChatRequest.make(model, messages, **options), context(stream=stream))


def params(dialect=None, model=MODEL, **options):
    """Return the body without model and messages, after a passage through JSON."""
    body = json.loads(json.dumps(encode("hi", dialect, model, **options).body))
    del body["model"], body["messages"]
    return body


def sent(*messages, dialect=None, **options):
    """Return the messages that go out."""
    return json.loads(json.dumps(encode(list(messages), dialect, **options).body))["messages"]


def notes(messages="hi", dialect=None, model=MODEL, **options):
    """Return kind and parameter of each warning."""
    return [(warning.kind, warning.param) for warning in encode(messages, dialect, model, **options).warnings]


def answer(*content, finish="COMPLETE", usage=None, message=None, **top):
    """Return a parsed answer; a string is a part of text."""
    parts = [{"type": "text", "text": part} if isinstance(part, str) else part for part in content]
    usage = {"tokens": {"input_tokens": 3.0, "output_tokens": 5.0}} if usage is None else usage
    return {"id": "c1", "finish_reason": finish, "message": {"role": "assistant", "content": parts, **(message or {})}, "usage": usage, **top}


def decode(value, dialect=None, model="m"):
    """Return the answer in a parsed or raw body."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return (dialect or CohereChat(provider="acme")).decode(raw, model, "req")


def events(value):
    """Return the events that stream an answer: texts in two pieces, arguments in three."""
    message = value["message"]
    out = [{"type": "message-start", "id": value["id"], "delta": {"message": {"role": "assistant", "content": [], "tool_calls": [], "citations": []}}}]
    out += [said("tool-plan-delta", {"tool_plan": piece}) for piece in halves(message.get("tool_plan") or "")]
    for index, part in enumerate(message.get("content") or []):
        kind = part["type"]
        out.append(said("content-start", {"content": {**part, kind: ""} if kind in ("text", "thinking") else part}, index))
        if kind in ("text", "thinking"):
            out += [said("content-delta", {"content": {kind: piece}}, index) for piece in halves(part[kind])]
        out.append({"type": "content-end", "index": index})
    for index, call in enumerate(message.get("tool_calls") or []):
        out.append(said("tool-call-start", {"tool_calls": {**call, "function": {**call["function"], "arguments": ""}}}, index))
        text = call["function"]["arguments"]
        out += [said("tool-call-delta", {"tool_calls": {"function": {"arguments": piece}}}, index) for piece in (text[:2], text[2:3], text[3:]) if piece]
        out.append({"type": "tool-call-end", "index": index})
    for index, citation in enumerate(message.get("citations") or []):
        out += [said("citation-start", {"citations": citation}, index), {"type": "citation-end", "index": index}]
    return [*out, {"type": "message-end", "delta": {"finish_reason": value["finish_reason"], "usage": value["usage"]}}]


def said(kind, message, index=None):
    """Return an event with a delta of the message."""
    event = {"type": kind, "delta": {"message": message}}
    return event if index is None else {**event, "index": index}


def halves(text):
    """Return a text in two pieces, or none if it is empty."""
    return [piece for piece in (text[: len(text) // 2], text[len(text) // 2 :]) if piece]


def wire(*given, done=True):
    """Return events as the API sends them; bytes go as they are."""
    body = b"".join(event if isinstance(event, bytes) else f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in given)
    return body + (b"data: [DONE]\n\n" if done else b"")


def run(raw, dialect=None, size=1 << 20):
    """Return the decoder after these bytes, fed in pieces of a size, and all chunks."""
    decoder = (dialect or CohereChat(provider="acme")).stream("m", "req")
    chunks = []
    for start in range(0, len(raw), size):
        chunks += decoder.feed(raw[start : start + size])
    return decoder, chunks + decoder.finish()
