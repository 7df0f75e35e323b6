"""Reads recorded answers of Ollama's own API on its own, without the library: what the comparison holds the library to."""

import json

FINISH = {"stop": "stop", "length": "length", "load": "stop", "unload": "stop"}


def lines_of(text):
    """Return the lines of a stream."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def gather(lines):
    """Return the plain answer that a stream adds up to."""
    message = {"role": "assistant", "content": "", "thinking": "", "tool_calls": []}
    for line in lines:
        message["content"] += line["message"].get("content") or ""
        message["thinking"] += line["message"].get("thinking") or ""
        message["tool_calls"] += line["message"].get("tool_calls") or []
    return {**lines[-1], "message": message}


def of_answer(answer):
    """Return what an answer says."""
    message = answer["message"]
    calls = [(call.get("id"), call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls") or []]
    counts = (answer.get("prompt_eval_count"), answer.get("eval_count"))
    known = [count for count in counts if count is not None]
    return {
        "model": answer["model"],
        "created": answer["created_at"][:19],
        "text": message.get("content") or "",
        "reasoning": message.get("thinking") or "",
        "calls": calls,
        "finish": "tool_calls" if calls else FINISH.get(answer.get("done_reason"), "unknown"),
        "finish_raw": answer.get("done_reason"),
        "usage": (*counts, sum(known) if known else None),
    }
