"""Reads recorded Messages traffic with nothing of the library's: what the dialect is held against."""

import base64
import json
import re
import struct

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "content_filter",
}


def of_exchange(exchange):
    """Return what a recorded answer says: text, thoughts, calls, finish reason and usage."""
    response = exchange["response"]
    if response["body_kind"] == "json":
        return of_message(json.loads(response["body_text"]))
    return of_message(gather(events_of(exchange)))


def events_of(exchange):
    """Return the parsed events of a recorded stream, up to the end of its first message."""
    response = exchange["response"]
    texts = payloads(response["body_text"]) if response["body_kind"] == "sse" else frames(base64.b64decode(response["body_base64"]))
    events = []
    for text in texts:
        events.append(json.loads(text))
        if events[-1]["type"] == "message_stop":
            break
    return events


def payloads(body):
    """Return the data of each event of a text/event-stream."""
    for block in re.split(r"(?:\r?\n){2,}", body):
        data = [line.removeprefix("data:").strip() for line in block.splitlines() if line.startswith("data:")]
        if data:
            yield "\n".join(data)


def frames(body):
    """Return the inner JSON of each frame of Amazon's binary stream."""
    start = 0
    while start < len(body):
        total, headers = struct.unpack(">II", body[start : start + 8])
        inner = json.loads(body[start + 12 + headers : start + total - 4])
        yield base64.b64decode(inner["bytes"]).decode()
        start += total


def gather(events):
    """Return the message that a plain call would have given; the input of a call is parsed."""
    message, blocks, inputs = {}, {}, {}
    for event in events:
        kind = event["type"]
        if kind == "message_start":
            message = json.loads(json.dumps(event["message"]))
            message["usage"] = dict(message["usage"])
        elif kind == "content_block_start":
            blocks[event["index"]] = json.loads(json.dumps(event["content_block"]))
        elif kind == "content_block_delta":
            grow(blocks[event["index"]], event["delta"], inputs.setdefault(event["index"], []))
        elif kind == "message_delta":
            message.update({key: value for key, value in event["delta"].items() if value is not None})
            message["usage"].update({key: value for key, value in event["usage"].items() if value is not None})
    for index, pieces in inputs.items():
        if "input" in blocks[index] and "".join(pieces):
            blocks[index]["input"] = "".join(pieces)
    message["content"] = [blocks[index] for index in sorted(blocks)]
    return message


def grow(block, delta, pieces):
    """Add one delta to its block."""
    kind = delta["type"]
    if kind == "text_delta":
        block["text"] += delta["text"]
    elif kind == "thinking_delta":
        block["thinking"] += delta["thinking"]
    elif kind == "signature_delta":
        block["signature"] = delta["signature"]
    elif kind == "input_json_delta":
        pieces.append(delta["partial_json"])
    elif kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or []), delta["citation"]]


def of_message(message):
    """Return what a whole message says."""
    blocks = message["content"]
    calls = [(block["id"], block["name"], arguments(block["input"])) for block in blocks if block["type"] == "tool_use"]
    raw = message.get("stop_reason")
    finish = FINISH.get(raw, "unknown")
    return {
        "id": message["id"],
        "model": message["model"],
        "text": "".join(block["text"] for block in blocks if block["type"] == "text"),
        "reasoning": [(block["thinking"], block.get("signature") or None) for block in blocks if block["type"] == "thinking"],
        "redacted": [block["data"] for block in blocks if block["type"] == "redacted_thinking"],
        "calls": calls,
        "citations": [citation for block in blocks if block["type"] == "text" for citation in block.get("citations") or []],
        "finish": "tool_calls" if calls and finish in ("stop", "unknown") else finish,
        "finish_raw": raw,
        "usage": usage(message["usage"]),
    }


def arguments(value):
    """Return the arguments of a call, parsed where that is possible: an answer that was cut off holds half an object."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def usage(value):
    """Return prompt, completion, cached, written, written for an hour, thought; the prompt counts what is cached."""
    read, written = value.get("cache_read_input_tokens"), value.get("cache_creation_input_tokens")
    prompt = value["input_tokens"] + (read or 0) + (written or 0)
    hour = (value.get("cache_creation") or {}).get("ephemeral_1h_input_tokens")
    thought = (value.get("output_tokens_details") or {}).get("thinking_tokens")
    return (prompt, value["output_tokens"], read, written, hour, thought)
