"""Reads recorded exchanges of the Responses API in the plainest way, so that the library has something to agree with.

Written apart from the library on purpose: nothing of it is imported here, and where the two differ one of them is wrong.
"""

import json


def rows(folder, api="responses"):
    """Return the index rows of the exchanges of this API, or of its failures."""
    with (folder / "wire" / "index.jsonl").open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    if api == "error":
        return [row for row in found if row["api"] == "error" and row["operation"].startswith("responses")]
    return [row for row in found if row["api"] == api]


def exchange(folder, row):
    """Return one recorded exchange."""
    return json.loads((folder / "wire" / row["path"]).read_text(encoding="utf-8"))


def events(body):
    """Return the parsed events of a recorded stream."""
    found = []
    for block in body.replace("\r\n", "\n").split("\n\n"):
        data = "".join(line[5:].strip() for line in block.split("\n") if line.startswith("data:"))
        if data and data != "[DONE]":
            found.append(json.loads(data))
    return found


def final(body):
    """Return the response object that a stream ends with; output that is only told by its events is put in."""
    told = events(body)
    end = next(event for event in told if event["type"] in ("response.completed", "response.incomplete", "response.failed"))
    response = end["response"]
    if not response["output"]:
        response = {**response, "output": [event["item"] for event in told if event["type"] == "response.output_item.done"]}
    return response


def pieces(body):
    """Return the text and the reasoning that the deltas of a stream add up to, until the first response is complete."""
    text, reasoning = "", ""
    last = None
    for event in events(body):
        if event["type"] == "response.completed":
            break
        if event["type"] == "response.output_text.delta":
            text += event["delta"]
        if event["type"] in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            place = (event["output_index"], event.get("summary_index"))
            reasoning += ("\n\n" if last is not None and last[0] == place[0] and last != place else "") + event["delta"]
            last = place
    return text, reasoning


def answer(response):
    """Return what a response object says, as a dict of plain values."""
    output = response["output"]
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    usage = response.get("usage") or {}
    status = response["status"]
    return {
        "id": response["id"],
        "model": response["model"],
        "text": "".join(part.get("text", "") for part in parts),
        "refusal": "".join(part.get("refusal", "") for part in parts) or None,
        "annotations": [annotation for part in parts for annotation in part.get("annotations") or []],
        "calls": [(item["call_id"], item["name"], arguments(item["arguments"])) for item in output if item["type"] == "function_call"],
        "thoughts": [(item.get("id"), thought(item), item.get("encrypted_content")) for item in output if item["type"] == "reasoning"],
        "others": [item["type"] for item in output if item["type"] not in ("message", "reasoning", "function_call")],
        "raw": response["incomplete_details"]["reason"] if status == "incomplete" else status,
        "prompt": usage.get("input_tokens"),
        "completion": usage.get("output_tokens"),
        "total": usage.get("total_tokens"),
        "cached": (usage.get("input_tokens_details") or {}).get("cached_tokens"),
        "reasoning": (usage.get("output_tokens_details") or {}).get("reasoning_tokens"),
    }


def thought(item):
    """Return the readable part of a reasoning item."""
    texts = [part["text"] for part in (item.get("summary") or []) + (item.get("content") or [])]
    return "\n\n".join(texts)


def arguments(text):
    """Return a call's arguments parsed, or as they are when they were cut off."""
    try:
        return json.loads(text)
    except ValueError:
        return text
