"""Reads recorded answers of Cohere's API on its own, without the library: what the comparison holds the library to."""

import json

FINISH = {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls", "ERROR": "error", "TIMEOUT": "error"}


def events_of(text):
    """Return the events of a stream, without the mark at its end."""
    lines = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def gather(events):
    """Return the plain answer that a stream adds up to."""
    out = {"id": None, "message": {"role": "assistant", "content": [], "tool_calls": [], "citations": [], "tool_plan": ""}}
    message, parts, calls = out["message"], {}, {}
    for event in events:
        delta = event.get("delta", {}).get("message", {})
        match event["type"]:
            case "message-start":
                out["id"] = event["id"]
            case "content-start":
                parts[event["index"]] = dict(delta["content"])
            case "content-delta":
                for key, piece in delta["content"].items():
                    parts[event["index"]][key] += piece
            case "tool-plan-delta":
                message["tool_plan"] += delta["tool_plan"]
            case "tool-call-start":
                call = delta["tool_calls"]
                calls[event["index"]] = {**call, "function": dict(call["function"])}
            case "tool-call-delta":
                calls[event["index"]]["function"]["arguments"] += delta["tool_calls"]["function"]["arguments"]
            case "citation-start":
                message["citations"].append(delta["citations"])
            case "message-end":
                out.update({key: event["delta"][key] for key in ("finish_reason", "usage") if key in event["delta"]})
    message["content"], message["tool_calls"] = list(parts.values()), list(calls.values())
    return out


def of_answer(answer):
    """Return what an answer says."""
    message = answer["message"]
    content, usage = message.get("content") or [], answer.get("usage") or {}
    tokens = usage.get("tokens") or usage.get("billed_units") or {}
    calls = [(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"] or "{}")) for call in message.get("tool_calls") or []]
    return {
        "id": answer["id"],
        "text": "".join(part["text"] for part in content if part["type"] == "text"),
        "reasoning": "".join(part["thinking"] for part in content if part["type"] == "thinking") + (message.get("tool_plan") or ""),
        "calls": calls,
        "citations": message.get("citations") or [],
        "finish": "tool_calls" if calls else FINISH[answer["finish_reason"]],
        "finish_raw": answer["finish_reason"],
        "usage": (tokens.get("input_tokens"), tokens.get("output_tokens"), usage.get("cached_tokens"), tokens.get("reasoning_tokens")),
    }
