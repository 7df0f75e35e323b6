"""What the tests of Amazon Bedrock's dialects share."""

import json
import struct
import zlib

from llmclient.dialects.bedrock import BedrockConverse
from llmclient.types.chat import ChatRequest
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-pro-v1:0"
LLAMA = "us.meta.llama3-3-70b-instruct-v1:0"
MISTRAL = "us.mistral.pixtral-large-2502-v1:0"
TOOL = {"type": "function", "function": {"name": "add", "description": "Add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
USER = {"role": "user", "content": "hi"}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "2"}
PNG = "data:image/png;base64,iVBORw0KGgo="
DIALECT = BedrockConverse(provider="acme")


def context(provider="acme", *, stream=False, **config):
    """Return a context of a made-up provider."""
    return RequestContext(provider=provider, config=ProviderConfig(provider=provider, **config), stream=stream)


def encode(messages="hi", model=CLAUDE, dialect=DIALECT, *, stream=False, **options):
    """Return what a call with these arguments sends."""
    return dialect.encode(ChatRequest.make(model, messages, **options), context(stream=stream))


def body(messages="hi", model=CLAUDE, dialect=DIALECT, **options):
    """Return the body after a passage through JSON."""
    return json.loads(json.dumps(encode(messages, model, dialect, **options).body))


def params(model=CLAUDE, dialect=DIALECT, **options):
    """Return the body without messages."""
    out = body("hi", model, dialect, **options)
    del out["messages"]
    return out


def turns(*messages, model=CLAUDE, dialect=DIALECT, **options):
    """Return the turns that go out."""
    return body(list(messages), model, dialect, **options)["messages"]


def notes(messages="hi", model=CLAUDE, dialect=DIALECT, **options):
    """Return kind and parameter of each warning."""
    return [(warning.kind, warning.param) for warning in encode(messages, model, dialect, **options).warnings]


def user(*blocks):
    """Return a user's turn; a string is a text."""
    return turn("user", *blocks)


def assistant(*blocks):
    """Return an assistant's turn; a string is a text."""
    return turn("assistant", *blocks)


def turn(role, *blocks):
    """Return a turn; a string is a text."""
    return {"role": role, "content": [{"text": block} if isinstance(block, str) else block for block in blocks]}


def answer(*blocks, stop="end_turn", **top):
    """Return a parsed answer; a string is a text."""
    usage = {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}
    return {"output": {"message": turn("assistant", *blocks)}, "stopReason": stop, "usage": usage, "metrics": {"latencyMs": 42}, **top}


def decode(value, dialect=DIALECT, model="m"):
    """Return the answer in a parsed or raw body."""
    return dialect.decode(value if isinstance(value, bytes) else json.dumps(value).encode(), model, "req")


def frame(payload, **headers):
    """Return one message of Amazon's event stream; underscores in names of headers stand for hyphens."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    names = {f":{name.replace('_', '-')}": value for name, value in headers.items()}
    block = b"".join(bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode() for name, value in names.items())
    prelude = struct.pack(">II", 16 + len(block) + len(data), len(block))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + data
    return message + struct.pack(">I", zlib.crc32(message))


def event(kind, payload):
    """Return one event of a stream, with the filler that the API adds."""
    filled = {**payload, "p": "abcd"} if isinstance(payload, dict) else payload
    return frame(filled, event_type=kind, content_type="application/json", message_type="event")


def failure(kind, message="no", **more):
    """Return the message of a stream that reports a failure."""
    return frame({"message": message, **more}, exception_type=kind, content_type="application/json", message_type="exception")


def events(value):
    """Return the messages that stream an answer: texts and arguments in two pieces, the rest whole."""
    out = [event("messageStart", {"role": "assistant"})]
    for index, block in enumerate(value["output"]["message"]["content"]):
        if "toolUse" in block or "toolResult" in block:
            kind = "toolUse" if "toolUse" in block else "toolResult"
            start = {key: item for key, item in block[kind].items() if key not in ("input", "content")}
            out.append(event("contentBlockStart", {"start": {kind: start}, "contentBlockIndex": index}))
        out += [event("contentBlockDelta", {"delta": delta, "contentBlockIndex": index}) for delta in deltas(block)]
        out.append(event("contentBlockStop", {"contentBlockIndex": index}))
    stop = {"stopReason": value["stopReason"]}
    if "additionalModelResponseFields" in value:
        stop["additionalModelResponseFields"] = value["additionalModelResponseFields"]
    rest = {key: item for key, item in value.items() if key not in ("output", "stopReason", "additionalModelResponseFields")}
    return [*out, event("messageStop", stop), event("metadata", rest)]


def deltas(block):
    """Return the deltas of a block."""
    kind, value = next(iter(block.items()))
    if kind == "text":
        return [{"text": value[:2]}, {"text": value[2:]}]
    if kind == "toolUse":
        text = json.dumps(value["input"]) if value["input"] else ""
        return [{"toolUse": {"input": piece}} for piece in (text[:3], text[3:])]
    if kind == "toolResult":
        return [{"toolResult": value["content"]}]
    if kind == "citationsContent":
        return [*({"citation": citation} for citation in value["citations"]), *({"text": part["text"]} for part in value["content"])]
    if "redactedContent" in value:
        return [{"reasoningContent": value}]
    told = value["reasoningText"]
    return [{"reasoningContent": {key: told[key]}} for key in ("text", "signature") if key in told]


def run(raw, dialect=DIALECT, size=1 << 20):
    """Return the decoder after these bytes, fed in pieces of a size, and all chunks."""
    decoder, chunks = dialect.stream("m", "req"), []
    for start in range(0, len(raw), size):
        chunks += decoder.feed(raw[start : start + size])
    return decoder, chunks + decoder.finish()
