"""What the tests of the Responses API's dialect share."""

import json

from llmclient.dialects.responses import OpenAIResponses
from llmclient.types.chat import ChatRequest
from llmclient.types.config import ProviderConfig
from llmclient.types.context import RequestContext
from llmclient.types.messages import FunctionCall, Message, ProviderState, ToolCall

TOOL = {"type": "function", "function": {"name": "add", "description": "Add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
USER = {"role": "user", "content": "hi"}
REASONING = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "gAAA"}
CALL = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'}
OURS = OpenAIResponses(provider="acme")


def context(provider="acme", *, stream=False):
    """Return a context of a made-up provider."""
    return RequestContext(provider=provider, config=ProviderConfig(provider=provider), stream=stream)


def encode(messages="hi", dialect=OURS, model="m", *, stream=False, **options):
    """Return what a call with these arguments sends."""
    return dialect.encode(ChatRequest.make(model, messages, **options), context(stream=stream))


def body(messages="hi", dialect=OURS, model="m", *, stream=False, **options):
    """Return the body after a passage through JSON, without the model."""
    out = json.loads(json.dumps(encode(messages, dialect, model, stream=stream, **options).body))
    out.pop("model")
    return out


def params(dialect=OURS, model="m", **options):
    """Return the body without model and input."""
    out = body("hi", dialect, model, **options)
    del out["input"]
    return out


def items(*messages, dialect=OURS, **options):
    """Return the items that go out."""
    return body(list(messages), dialect, **options)["input"]


def notes(messages="hi", dialect=OURS, model="m", **options):
    """Return kind and parameter of each warning."""
    return [(warning.kind, warning.param) for warning in encode(messages, dialect, model, **options).warnings]


def message(*parts, identity="msg_1", **more):
    """Return an item of what the assistant says; a string is a part of text."""
    content = [{"type": "output_text", "text": part, "annotations": [], "logprobs": []} if isinstance(part, str) else part for part in parts]
    return {"id": identity, "type": "message", "status": "completed", "role": "assistant", "content": content, **more}


def response(*output, status="completed", **top):
    """Return a parsed answer; a string is a message."""
    usage = {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 1},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 8,
    }
    whole = {"id": "resp_1", "object": "response", "created_at": 1_700_000_000, "status": status, "error": None, "incomplete_details": None, "model": "m-1"}
    given = [message(item, identity=f"msg_{index}") if isinstance(item, str) else item for index, item in enumerate(output)]
    return {**whole, "output": given, "usage": usage, **top}


def decode(value, dialect=OURS, model="m"):
    """Return the answer in a parsed or raw body."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return dialect.decode(raw, model, "req")


def turn(*output, provider="acme", dialect="responses"):
    """Return the assistant's turn that an output is."""
    given = [message(item) if isinstance(item, str) else item for item in output]
    text = "".join(part["text"] for item in given if item["type"] == "message" for part in item["content"])
    calls = tuple(
        ToolCall(item["call_id"], FunctionCall(item["name"], item.get("arguments", item.get("input"))), "custom" if "input" in item else "function")
        for item in given
        if item["type"] in ("function_call", "custom_tool_call")
    )
    return Message("assistant", text or None, tool_calls=calls, provider_state=ProviderState(provider, dialect, {"items": given}))


def result(identity="call_1", content="2"):
    """Return a tool's message."""
    return {"role": "tool", "tool_call_id": identity, "content": content}


def events(value):
    """Return the events that stream a response: text, reasoning and arguments in two pieces, all else whole."""
    begun = {**value, "status": "in_progress", "output": [], "usage": None}
    out = [{"type": "response.created", "response": begun}, {"type": "response.in_progress", "response": begun}]
    for index, item in enumerate(value["output"]):
        out.append({"type": "response.output_item.added", "output_index": index, "item": begin(item)})
        out += pieces(index, item)
        out.append({"type": "response.output_item.done", "output_index": index, "item": item})
    out.append({"type": f"response.{value['status']}", "response": value})
    return [{**event, "sequence_number": number} for number, event in enumerate(out)]


def begin(item):
    """Return an item as a stream begins it."""
    empty = {"message": {"content": []}, "reasoning": {"summary": []}, "function_call": {"arguments": ""}, "custom_tool_call": {"input": ""}}
    out = {**item, **empty.get(item["type"], {})}
    return {**out, "status": "in_progress"} if "status" in item else out


def pieces(index, item):
    """Return the deltas of an item."""
    place = {"output_index": index, "item_id": item.get("id")}
    match item["type"]:
        case "message":
            return [{**place, **event} for number, part in enumerate(item["content"]) for event in part_pieces(number, part)]
        case "reasoning":
            parts = [("response.reasoning_summary_text.delta", "summary_index", number, part) for number, part in enumerate(item.get("summary") or [])]
            parts += [("response.reasoning_text.delta", "content_index", number, part) for number, part in enumerate(item.get("content") or [])]
            return [{**place, "type": kind, name: number, "delta": half} for kind, name, number, part in parts for half in halves(part["text"])]
        case "function_call":
            return [{**place, "type": "response.function_call_arguments.delta", "delta": half} for half in halves(item["arguments"])]
        case "custom_tool_call":
            return [{**place, "type": "response.custom_tool_call_input.delta", "delta": half} for half in halves(item["input"])]
        case _:
            return []


def part_pieces(number, part):
    """Return the deltas of a part of a message."""
    if part["type"] == "refusal":
        return [{"type": "response.refusal.delta", "content_index": number, "delta": half} for half in halves(part["refusal"])]
    texts = [{"type": "response.output_text.delta", "content_index": number, "delta": half, "logprobs": []} for half in halves(part["text"])]
    cited = [{"type": "response.output_text.annotation.added", "content_index": number, "annotation": item} for item in part.get("annotations") or []]
    return texts + cited


def halves(text):
    """Return a text in two pieces."""
    return text[: len(text) // 2], text[len(text) // 2 :]


def wire(*given, named=True):
    """Return events as the API sends them; bytes go as they are."""
    lines = [event if isinstance(event, bytes) else b"data: " + json.dumps(event).encode() + b"\n\n" for event in given]
    return b"".join(
        f"event: {event.get('type')}\n".encode() + line if named and not isinstance(event, bytes) else line for event, line in zip(given, lines, strict=True)
    )


def run(raw, dialect=OURS, size=1 << 20):
    """Return the decoder after these bytes, fed in pieces of a size, and all chunks."""
    decoder = dialect.stream("m", "req")
    chunks = []
    for start in range(0, len(raw), size):
        chunks += decoder.feed(raw[start : start + size])
    return decoder, chunks + decoder.finish()
