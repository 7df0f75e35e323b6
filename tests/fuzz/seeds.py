"""What a fuzzer begins with: the simulator's answers in every dialect, and the failures that the fault matrix plays."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import requests

import llmclient
from llmclient.retry import Retry
from llmclient.simulator import Simulator
from tests.faults.wires import WIRES, dump

TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}
CHATS = ("openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash", "bedrock/amazon.nova-lite-v1:0", "mistral/mistral-small-latest", "cohere/command-a-03-2025", "ollama/llama3.2")


def seeds() -> list[bytes]:
    """Return bodies and streams as they come, whole answers of HTTP, and compressed ones."""
    bodies = [*of_simulator(), *(wire.body() for wire in WIRES), *(b"".join(wire.frames()) for wire in WIRES)]
    bodies += [dump(wire.failure) for wire in WIRES] + [b"".join(wire.frames()[:2]) + wire.stream_failure for wire in WIRES]
    shortest = min(bodies, key=len)
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (shortest[:10], shortest[10:])) + b"0\r\n\r\n"
    return [
        *dict.fromkeys(bodies),
        gzip.compress(shortest, mtime=0),
        gzip.compress(shortest, mtime=0) * 2,
        zlib.compress(shortest),
        raw.compress(shortest) + raw.flush(),
        head + b"Content-Length: %d\r\n\r\n" % len(shortest) + shortest,
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
        head + b"\r\n" + shortest,
        b"HTTP/1.1 100 Continue\r\n\r\n" + head + b"Connection: close\r\n\r\n" + shortest,
    ]


def of_simulator() -> list[bytes]:
    """Ask the simulator everything, and return the bodies of its answers."""
    found: list[bytes] = []
    session = requests.Session()
    session.hooks["response"].append(lambda response, *args, **options: found.append(response.content))
    with Simulator() as simulator, llmclient.Client(session=session, retry=Retry(max_attempts=1), providers=_providers(simulator.url)) as client:
        for model in CHATS:
            for options in ({}, {"tools": [TOOL], "tool_choice": "required"}, {"max_tokens": 1}):
                _ask(client.chat, model, "Hello!", **options)
                _ask(lambda *args, **more: client.stream(*args, **more).read(), model, "Hello!", **options)
        _ask(client.chat, "openai/gpt-4o-mini", "Hello!", api="responses")
        _ask(lambda: client.stream("openai/gpt-4o-mini", "Hello!", api="responses").read())
        for model in ("openai/text-embedding-3-small", "gemini/gemini-embedding-001", "cohere/embed-v4.0", "mistral/mistral-embed", "ollama/all-minilm", "bedrock/amazon.titan-embed-text-v2:0"):
            _ask(client.embed, model, "Hello!", dimensions=4)
            _ask(client.embed, model, "Hello!")
        _ask(client.rerank, "cohere/rerank-v3.5", "a", ["a", "b"])
        for model in CHATS:
            _ask(client.list_models, model.partition("/")[0])
            _ask(client.count_tokens, model, "Hello!")
    # Vectors of a thousand numbers teach nothing that short ones do not.
    return [body for body in found if 0 < len(body) < 8_000]


def _providers(url: str) -> dict[str, Any]:
    bases = {"openai": "/v1", "anthropic": "/anthropic", "gemini": "", "bedrock": "", "mistral": "/mistral/v1", "cohere": "/cohere", "ollama": ""}
    options = {"bedrock": {"region": "us-east-1"}}
    return {name: {"api_key": "any", "api_base": url + base, **options.get(name, {})} for name, base in bases.items()}


def _ask(call: Callable[..., Any], *args: Any, **options: Any) -> None:
    """Make a call; a refusal is a seed as well."""
    try:
        call(*args, **options)
    except llmclient.ProviderError:
        return
