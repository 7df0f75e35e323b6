"""Reads recorded Converse traffic with nothing of the library's: what the dialect is held against."""

import base64
import json
import struct
import zlib

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}


def of_exchange(exchange):
    """Return what a recorded answer says: text, thoughts, calls, citations, finish reason and usage."""
    response = exchange["response"]
    if response["body_kind"] == "json":
        return of_answer(json.loads(response["body_text"]))
    return of_answer(gather(events_of(base64.b64decode(response["body_base64"]))))


def events_of(body):
    """Return the events of Amazon's binary stream, each with its type."""
    return [(headers[":event-type"], json.loads(payload)) for headers, payload in frames(body)]


def frames(body):
    """Return headers and payload of each message; all headers are texts in what was recorded."""
    for frame in cut(body):
        total, length = struct.unpack(">II", frame[:8])
        headers, place = {}, 12
        while place < 12 + length:
            name = frame[place + 1 : place + 1 + frame[place]].decode()
            place += 2 + frame[place]
            size = struct.unpack(">H", frame[place : place + 2])[0]
            headers[name] = frame[place + 2 : place + 2 + size].decode()
            place += 2 + size
        yield headers, frame[place : total - 4]


def cut(body):
    """Return the messages as bytes; the checksums must hold."""
    start = 0
    while start < len(body):
        total = struct.unpack(">I", body[start : start + 4])[0]
        frame = body[start : start + total]
        assert zlib.crc32(frame[:-4]) == struct.unpack(">I", frame[-4:])[0]
        yield frame
        start += total


def gather(events):
    """Return the answer that a plain call would have given; the input of a call is parsed where that is possible."""
    answer, blocks, cited = {}, {}, {}
    for kind, event in events:
        index = event.get("contentBlockIndex")
        if kind == "contentBlockStart":
            name, start = next(iter(event["start"].items()))
            blocks[index] = {name: {**start, "input": ""}} if name == "toolUse" else {name: start}
        elif kind == "contentBlockDelta":
            grow(blocks.setdefault(index, {}), event["delta"], cited.setdefault(index, []))
        elif kind in ("messageStop", "metadata"):
            answer.update({key: value for key, value in event.items() if key != "p"})
    for index, citations in cited.items():
        if citations:
            blocks[index] = {"citationsContent": {"content": [{"text": blocks[index]["text"]}], "citations": citations}}
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = arguments(block["toolUse"]["input"] or "{}")
    content = [blocks[index] for index in sorted(blocks)]
    return {**answer, "output": {"message": {"role": "assistant", "content": content}}}


def grow(block, delta, citations):
    """Add one delta to its block."""
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    elif "toolUse" in delta:
        block["toolUse"]["input"] += delta["toolUse"]["input"]
    elif "citation" in delta:
        citations.append(delta["citation"])
    elif "redactedContent" in delta.get("reasoningContent", {}):
        block["reasoningContent"] = {"redactedContent": delta["reasoningContent"]["redactedContent"]}
    elif "reasoningContent" in delta:
        told = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})["reasoningText"]
        for key, value in delta["reasoningContent"].items():
            told[key] = told.get(key, "") + value


def of_answer(answer):
    """Return what a whole answer says."""
    blocks = answer["output"]["message"]["content"]
    used = [block["toolUse"] for block in blocks if "toolUse" in block and block["toolUse"].get("type") != "server_tool_use"]
    thoughts = [block["reasoningContent"] for block in blocks if "reasoningContent" in block]
    cited = [block["citationsContent"] for block in blocks if "citationsContent" in block]
    finish = FINISH.get(answer["stopReason"], "unknown")
    return {
        "text": "".join(block.get("text", "") + "".join(part["text"] for part in block.get("citationsContent", {}).get("content", [])) for block in blocks),
        "reasoning": [(told["reasoningText"]["text"], told["reasoningText"].get("signature")) for told in thoughts if "reasoningText" in told],
        "redacted": [told["redactedContent"] for told in thoughts if "redactedContent" in told],
        "calls": [(call["toolUseId"], call["name"], arguments(call["input"])) for call in used],
        "citations": [citation for block in cited for citation in block["citations"]],
        "finish": "tool_calls" if used and finish in ("stop", "unknown") else finish,
        "finish_raw": answer["stopReason"],
        "usage": usage(answer.get("usage")),
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
    """Return prompt, completion, total, cached and written; the prompt counts what is cached."""
    if value is None:
        return None
    read, written = value.get("cacheReadInputTokens"), value.get("cacheWriteInputTokens")
    prompt = value["inputTokens"] + (read or 0) + (written or 0) if "inputTokens" in value else None
    return (prompt, value["outputTokens"], value.get("totalTokens", value["outputTokens"]), read, written)
