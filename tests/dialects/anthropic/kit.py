"""What the tests of Anthropic's dialect share."""

import json

from llmclient.dialects.anthropic import AnthropicMessages
from llmclient.types.chat import ChatRequest
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext

MODEL = "claude-sonnet-4-5"
TOOL = {"type": "function", "function": {"name": "add", "description": "Add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
USER = {"role": "user", "content": "hi"}


def context(provider="acme", *, stream=False, **config):
    """Return a context of a made-up provider."""
    return RequestContext(provider=provider, config=ProviderConfig(provider=provider, **config), stream=stream)


def encode(messages="hi", dialect=None, model=MODEL, *, stream=False, config=None, **options):
    """Return what a call with these arguments sends."""
    dialect = dialect or AnthropicMessages(provider="acme")
    return dialect.encode(ChatRequest.make(model, messages, **options), context(stream=stream, **(config or {})))


def body(messages="hi", dialect=None, model=MODEL, **options):
    """Return the body after a passage through JSON, without the model."""
    out = json.loads(json.dumps(encode(messages, dialect, model, **options).body))
    out.pop("model", None)
    return out


def params(dialect=None, model=MODEL, **options):
    """Return the body without model and messages; max_tokens only where it is not the usual one."""
    out = body("hi", dialect, model, **options)
    del out["messages"]
    if out["max_tokens"] == 4096:
        del out["max_tokens"]
    return out


def turns(*messages, dialect=None, model=MODEL, **options):
    """Return the turns that go out."""
    return body(list(messages), dialect, model, **options)["messages"]


def notes(messages="hi", dialect=None, model=MODEL, **options):
    """Return kind and parameter of each warning."""
    return [(warning.kind, warning.param) for warning in encode(messages, dialect, model, **options).warnings]


def message(*blocks, stop="end_turn", **top):
    """Return a parsed answer; a string is a block of text."""
    content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    usage = {"input_tokens": 3, "output_tokens": 5}
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": content, "stop_reason": stop, "stop_sequence": None}
    return {**whole, "usage": usage, **top}


def decode(value, dialect=None, model="m"):
    """Return the answer in a parsed or raw body."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return (dialect or AnthropicMessages(provider="acme")).decode(raw, model, "req")


def events(value):
    """Return the events that stream a message: text in two pieces, arguments in three, the rest whole."""
    start = {**value, "content": [], "stop_reason": None, "usage": {**value["usage"], "output_tokens": 1}}
    out = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(value["content"]):
        out += [{"type": "content_block_start", "index": index, "content_block": begin(block)}, *pieces(index, block)]
        out.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": value["stop_reason"], "stop_sequence": value.get("stop_sequence")}
    return [*out, {"type": "message_delta", "delta": delta, "usage": {"output_tokens": value["usage"]["output_tokens"]}}, {"type": "message_stop"}]


def begin(block):
    """Return a block as a stream begins it."""
    empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}, "server_tool_use": {"input": {}}}
    out = {**block, **empty.get(block["type"], {})}
    if block["type"] == "text":
        out.pop("citations", None)
    return out


def pieces(index, block):
    """Return the deltas of a block."""
    kind = block["type"]
    deltas = []
    if kind == "text":
        text = block["text"]
        deltas = [{"type": "text_delta", "text": part} for part in (text[: len(text) // 2], text[len(text) // 2 :])]
        deltas += [{"type": "citations_delta", "citation": citation} for citation in block.get("citations") or []]
    elif kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": block["thinking"]}, {"type": "signature_delta", "signature": block["signature"]}]
    elif kind in ("tool_use", "server_tool_use"):
        text = json.dumps(block["input"]) if block["input"] else ""
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in ("", text[:3], text[3:])]
    return [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]


def wire(*given):
    """Return events as the API sends them; bytes go as they are."""
    return b"".join(event if isinstance(event, bytes) else f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in given)


def run(raw, dialect=None, size=1 << 20):
    """Return the decoder after these bytes, fed in pieces of a size, and all chunks."""
    decoder = (dialect or AnthropicMessages(provider="acme")).stream("m", "req")
    chunks = []
    for start in range(0, len(raw), size):
        chunks += decoder.feed(raw[start : start + size])
    return decoder, chunks + decoder.finish()
