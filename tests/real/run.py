"""Talk to a real model server on this machine: llama.cpp with a tiny home-made model that knows a few answers by heart.

Started by `make real`. Prints what the server says, and ends with status 1 at the first answer that is not as it should be.
"""

from __future__ import annotations

import json
import math
import sys
import time
from typing import Any

import llmclient
from llmclient import errors
from tests.real.asks import COUNT, HELLO, PERSON, TURNS, UNICODE, WEATHER, ask
from tests.real.fronts import llama_fronts
from tests.real.servers import KEY, MODEL, llama_chat, llama_embed, llama_version


def expect(what: str, wanted: object, got: object) -> None:
    """Print one result; end the program when it is wrong."""
    if wanted != got:
        sys.exit(f"{what}: wanted {wanted!r}, got {got!r}")
    print(f"  {what:<28} {got}")


def client_of(url: str, key: str = KEY) -> llmclient.Client:
    """Return a client that calls the server `tiny`."""
    return llmclient.Client(providers={"tiny": {"adapter": "openai_compatible", "api_key": key, "api_base": url + "/v1"}})


def chat(client: llmclient.Client) -> None:
    """Ask what the model knows by heart."""
    answer = client.chat("tiny/tiny-qwen3", "Hello", temperature=0)
    expect("chat", HELLO, answer.text)
    expect("finish reason", "stop", answer.finish_reason)
    expect("tokens", 22, answer.usage and answer.usage.total_tokens)
    expect("unicode", UNICODE, client.chat("tiny/tiny-qwen3", "Show me unicode", temperature=0).text)
    thought = client.chat("tiny/tiny-qwen3", "Think: what is 2 + 2?", temperature=0)
    expect("reasoning", ("Two plus two is four.", "The answer is 4."), ((thought.reasoning or "").strip(), thought.text))
    cut = client.chat("tiny/tiny-qwen3", "Tell me a long story", temperature=0, max_tokens=12)
    expect("cut by max_tokens", ("length", True), (cut.finish_reason, cut.truncated))
    expect("several turns", "You live in Tokyo.", client.chat("tiny/tiny-qwen3", TURNS, temperature=0).text)


def stream(client: llmclient.Client) -> None:
    """Take an answer as it comes."""
    with client.stream("tiny/tiny-qwen3", "Count from 1 to 20", temperature=0) as chunks:
        pieces = [chunk.text for chunk in chunks if chunk.text]
    expect("stream", COUNT, "".join(pieces))
    expect("several pieces", True, len(pieces) > 10)
    whole = chunks.response
    expect("assembled", (COUNT, "stop", 70), (whole.text, whole.finish_reason, whole.usage and whole.usage.total_tokens))
    with client.stream("tiny/tiny-qwen3", "What is the weather in Paris?", tools=[WEATHER], temperature=0) as chunks:
        list(chunks)
    expect("streamed tool call", {"city": "Paris"}, json.loads(chunks.response.tool_calls[0].function.arguments))


def tools(client: llmclient.Client) -> None:
    """Let the model call a tool, and answer from its result."""
    question = "What is the weather in Paris?"
    asked = client.chat("tiny/tiny-qwen3", question, tools=[WEATHER], temperature=0)
    call = asked.tool_calls[0]
    expect("tool call", ("tool_calls", "get_weather", {"city": "Paris"}), (asked.finish_reason, call.function.name, json.loads(call.function.arguments)))
    turns: list[Any] = [{"role": "user", "content": question}, asked.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "sunny, 22 C"}]
    told = client.chat("tiny/tiny-qwen3", turns, tools=[WEATHER], temperature=0).text
    expect("answer from its result", True, "Paris" in told and "sunny" in told)


def structured(client: llmclient.Client) -> None:
    """Ask for JSON that satisfies a schema; the server enforces it by a grammar."""
    answer = client.chat("tiny/tiny-qwen3", "Give me a person as JSON", response_format=PERSON, temperature=0)
    expect("JSON by schema", {"name": "Ada", "age": 36}, json.loads(answer.text))


def fan_out(client: llmclient.Client) -> None:
    """Ask 200 times, 16 at once; every answer must belong to its question."""
    started = time.perf_counter()
    wanted = {"Hello": HELLO, "What is the capital of France?": "The capital of France is Paris."}
    prompts = list(wanted) * 100
    items = list(client.map("tiny/tiny-qwen3", prompts, workers=16, temperature=0))
    for prompt, item in zip(prompts, items, strict=True):
        if not item.ok or item.response is None or item.response.text != wanted[prompt]:
            sys.exit(f"map: prompt {item.index} ({prompt}) got {item.response or item.error!r}")
    print(f"  {'map':<28} 200 of 200 right, {200 / (time.perf_counter() - started):.0f} calls a second")


def refusals(client: llmclient.Client, url: str) -> None:
    """See the server's refusals as this library's errors."""
    try:
        client_of(url, "wrong").chat("tiny/tiny-qwen3", "Hello")
    except errors.AuthenticationError as error:
        expect("a wrong key", 401, error.status)
    else:
        sys.exit("a wrong key was accepted")
    try:
        client.chat("tiny/tiny-qwen3", "Hello " * 5000)
    except errors.ContextLengthExceededError as error:
        expect("too long a prompt", 400, error.status)
    else:
        sys.exit("a prompt longer than the context was accepted")


def embed(client: llmclient.Client) -> None:
    """Turn texts into vectors; equal texts give equal ones."""
    answer = client.embed("tiny/tiny-embed", ["a cat", "a cat", "the sea"])
    first, again, other = (list(vector) for vector in answer.vectors)
    expect("vectors of length 1", [True] * 3, [math.isclose(math.hypot(*vector), 1, abs_tol=1e-3) for vector in (first, again, other)])
    expect("equal texts are equal", True, math.dist(first, again) < 1e-3 < math.dist(first, other))
    expect("tokens", 10, answer.usage and answer.usage.total_tokens)


def dialects() -> None:
    """Ask the same things in every dialect that the server speaks."""
    with llama_fronts() as fronts:
        for front in fronts:
            print(front.dialect)
            for name in front.asks:
                outcome = ask(front, name)
                if outcome.failed:
                    sys.exit(f"{front.dialect}, {name}: {outcome.words}")
                print(f"  {name:<28} {outcome.result}: {outcome.words[:200]}")


def main() -> None:
    """Run the whole round."""
    print(f"llama.cpp server, {llama_version()}; llmclient {llmclient.__version__}, Python {sys.version.split()[0]}")
    with llama_chat() as url, client_of(url) as client:
        print(f"{url}: {MODEL.name}")
        for part in (chat, stream, tools, structured, fan_out):
            part(client)
        refusals(client, url)
    with llama_embed() as url, client_of(url) as client:
        print(f"{url}: {MODEL.name}, embeddings")
        embed(client)
    dialects()
    print("all answers are as they should be")


if __name__ == "__main__":
    main()
