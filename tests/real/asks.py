"""What every server is asked, through the library, and what must come back. An ask returns what came back; a wrong answer raises WrongError."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import attrs

import llmclient
from llmclient import errors
from llmclient.types.rerank import RerankRequest

HELLO = "Hello! How can I help you today?"
COUNT = " ".join(str(number) for number in range(1, 21))
UNICODE = "Grüße, 世界! 👋🏽 ¿Qué tal? Привет, мир. こんにちは 🎉🚀 naïve café — “quoted” … 한국어 🇫🇷 done."
TURNS = [{"role": "user", "content": "I live in Tokyo."}, {"role": "assistant", "content": "Tokyo, noted."}, {"role": "user", "content": "Where do I live?"}]
WEATHER = llmclient.Tool("get_weather", "Get the weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
QUESTION = "What is the weather in Paris?"
BOTH = "What is the weather in Paris and Rome?"
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name", "age"], "additionalProperties": False}
PERSON = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
NO_RETRY = llmclient.Retry(max_attempts=1)


class WrongError(Exception):
    """An answer is not what it should be."""


def expect(wanted: object, got: object) -> None:
    """Raise WrongError when two values differ."""
    if wanted != got:
        raise WrongError(f"wanted {wanted!r}, got {got!r}")


@attrs.frozen(kw_only=True)
class Front:
    """One dialect of a server: which adapter speaks it, with which settings and models, and what it is asked."""

    dialect: str
    adapter: str
    settings: Mapping[str, Any]
    asks: tuple[str, ...]
    model: str = "tiny-qwen3"
    embedder: str = "tiny-embed"
    reranker: str = "tiny-rerank"
    api: str | None = None
    """Another chat dialect of the adapter."""
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """What every chat is asked with."""
    known: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Asks that this server answers wrongly, and why; one that it answers well after all is a failure too."""


class Talk:
    """One front and a client for it; keeps what was noticed in the answers."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.client = llmclient.Client(providers={"real": {"adapter": front.adapter, **front.settings}}, retry=NO_RETRY, timeout=120)
        self.noticed: dict[str, None] = {}

    def chat(self, messages: Any, **options: Any) -> llmclient.ChatResponse:
        """Ask and wait for the whole answer."""
        response = self.client.chat(f"real/{self.front.model}", messages, **self.options(options))
        self.look(response)
        return response

    def stream(self, messages: Any, **options: Any) -> tuple[llmclient.ChatResponse, int]:
        """Ask and take the answer as it comes; returns it and the number of its chunks."""
        with self.client.stream(f"real/{self.front.model}", messages, **self.options(options)) as chunks:
            pieces = [chunk.text for chunk in chunks]
        if any("\ud800" <= letter <= "\udfff" for piece in pieces for letter in piece):
            self.note("streamed: a letter came in two halves, each in an event of its own")
        self.look(chunks.response, "streamed: ")
        return chunks.response, len(pieces)

    def options(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of a chat."""
        return {"api": self.front.api, **self.front.options, **options}

    def note(self, words: str) -> None:
        """Keep something noticed, once."""
        self.noticed[words] = None

    def look(self, response: llmclient.ChatResponse, how: str = "") -> None:
        """Notice what is unusual in an answer."""
        for warning in response.warnings:
            self.note(f"{how}{warning.kind} {warning.param}: {warning.message}")
        if response.usage is None or response.usage.total_tokens is None:
            self.note(f"{how}no usage")
        if not response.id:
            self.note(f"{how}no id")
        if not response.model:
            self.note(f"{how}no model")
        if not how and response.raw.lstrip().startswith((b"data:", b"event:")):
            self.note("answers a plain call by a stream")
        if response.extra:
            self.note(f"{how}fields of its own: {', '.join(f'`{name}`' for name in sorted(response.extra))}")

    def look_inside(self, streamed: llmclient.ChatResponse) -> None:
        """Send the request of a stream once more, and notice how the events are framed."""
        provider, sent = self.client.provider("real"), streamed.request
        if sent is None or not sent.url.endswith(("/chat/completions", "/responses", "/messages")):
            return
        raw = self.client.request("real", "POST", sent.url.removeprefix(provider.address()), json=sent.json()).raw
        if sent.url.endswith("/chat/completions"):
            if b"data: [DONE]" not in raw:
                self.note("streamed: no `[DONE]` at the end")
        elif b"event: " not in raw:
            self.note("streamed: no `event:` lines")

    def look_at(self, error: errors.ProviderError) -> None:
        """Notice an error in an unusual shape."""
        try:
            body = json.loads(error.body or "")
        except ValueError:
            self.note(f"status {error.status}: the body is no JSON")
            return
        if not isinstance(body, dict):
            self.note(f"status {error.status}: the body is a JSON {type(body).__name__}")
        elif not isinstance(body.get("error"), dict):
            self.note(f"status {error.status}: a body of {', '.join(f'`{key}`: {type(value).__name__}' for key, value in body.items())}")


def calls_of(response: llmclient.ChatResponse) -> list[tuple[str, Any]]:
    """Return name and arguments of each tool call."""
    return [(call.function.name, json.loads(call.function.arguments)) for call in response.tool_calls]


def tokens_of(response: llmclient.ChatResponse) -> int | None:
    """Return the total of the usage, or None."""
    return None if response.usage is None else response.usage.total_tokens


def chat(talk: Talk) -> str:
    """A greeting, known by heart."""
    answer = talk.chat("Hello")
    expect((HELLO, "stop"), (answer.text, answer.finish_reason))
    return f"{answer.text} ({tokens_of(answer)} tokens)"


def several_turns(talk: Talk) -> str:
    """A question about an earlier turn."""
    answer = talk.chat(TURNS)
    expect("You live in Tokyo.", answer.text)
    return answer.text


def unicode(talk: Talk) -> str:
    """Accents, emoji with modifiers, flags; plain and in pieces."""
    expect(UNICODE, talk.chat("Show me unicode").text)
    expect(UNICODE, talk.stream("Show me unicode")[0].text)
    return UNICODE


def stream(talk: Talk) -> str:
    """A stream, held against the plain answer to the same question."""
    whole = talk.chat("Count from 1 to 20")
    streamed, pieces = talk.stream("Count from 1 to 20")
    expect((COUNT, "stop"), (whole.text, whole.finish_reason))
    expect((whole.text, whole.finish_reason), (streamed.text, streamed.finish_reason))
    if pieces < 3:
        raise WrongError(f"the whole answer came in {pieces} chunks")
    talk.look_inside(streamed)
    if tokens_of(whole) != tokens_of(streamed):
        talk.note(f"usage differs: {tokens_of(whole)} tokens plain, {tokens_of(streamed)} streamed")
    if whole.choices[0].finish_reason_raw != streamed.choices[0].finish_reason_raw:
        talk.note(f"finish reason `{whole.choices[0].finish_reason_raw}` plain, `{streamed.choices[0].finish_reason_raw}` streamed")
    return f"the same {len(COUNT)} characters, in {pieces} chunks"


def reasoning(talk: Talk) -> str:
    """Thoughts and answer apart, plain and streamed."""
    for answer in (talk.chat("Think: what is 2 + 2?"), talk.stream("Think: what is 2 + 2?")[0]):
        expect(("Two plus two is four.", "The answer is 4."), ((answer.reasoning or "").strip(), answer.text.strip()))
    return "thoughts and answer apart, plain and streamed"


def cut(talk: Talk) -> str:
    """An answer that max_tokens cuts off, plain and streamed."""
    for answer in (talk.chat("Count from 1 to 20", max_tokens=16), talk.stream("Count from 1 to 20", max_tokens=16)[0]):
        expect(("length", True), (answer.finish_reason, answer.truncated))
    return "`length`, plain and streamed"


def tool(talk: Talk) -> str:
    """A tool call, plain and streamed, and the answer from its result."""
    asked = talk.chat(QUESTION, tools=[WEATHER])
    streamed, _ = talk.stream(QUESTION, tools=[WEATHER])
    expect(("tool_calls", [("get_weather", {"city": "Paris"})]), (asked.finish_reason, calls_of(asked)))
    expect((asked.finish_reason, calls_of(asked)), (streamed.finish_reason, calls_of(streamed)))
    result = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "sunny, 22 C"}
    told = talk.chat([{"role": "user", "content": QUESTION}, asked.choices[0].message, result], tools=[WEATHER])
    if "Paris" not in told.text or "sunny" not in told.text:
        raise WrongError(f"from the tool's result it made {told.text!r}")
    return f"`get_weather(city=Paris)`, plain and streamed; then: {told.text}"


def two_tools(talk: Talk) -> str:
    """Two tool calls at once, plain and streamed."""
    wanted = [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})]
    for answer in (talk.chat(BOTH, tools=[WEATHER]), talk.stream(BOTH, tools=[WEATHER])[0]):
        expect(wanted, calls_of(answer))
        expect(2, len({call.id for call in answer.tool_calls}))
    return "two calls with ids of their own, plain and streamed"


def schema(talk: Talk) -> str:
    """JSON by a schema. The models know this JSON by heart, so that it shows what is taken and read, not whether the server enforces it."""
    answer = talk.chat("Give me a person as JSON", response_format=PERSON)
    expect({"name": "Ada", "age": 36}, json.loads(answer.text))
    return f"`{answer.text}`"


def image(talk: Talk) -> str:
    """An image is taken; the tiny models have no idea of what is on it."""
    answer = talk.chat([{"role": "user", "content": [{"type": "text", "text": "Hello"}, llmclient.Image(data=PIXEL, media_type="image/png")]}], max_tokens=16)
    return f"taken ({tokens_of(answer)} tokens)"


def count(talk: Talk) -> str:
    """The length of a prompt, held against the usage of a chat."""
    counted = talk.client.count_tokens(f"real/{talk.front.model}", "Hello")
    usage = talk.chat("Hello").usage
    if usage is not None and usage.prompt_tokens != counted.tokens:
        talk.note(f"counts {counted.tokens} tokens of a prompt that it bills as {usage.prompt_tokens}")
    expect(True, counted.tokens > 0)
    return f"{counted.tokens} tokens"


def embed(talk: Talk) -> str:
    """Vectors; equal texts give equal ones."""
    answer = talk.client.embed(f"real/{talk.front.embedder}", ["a cat", "a cat", "the sea"])
    expect(3, len(answer.vectors))
    first, again = (list(vector) for vector in answer.vectors[:2])
    expect(True, math.dist(first, again) < 1e-3)
    if answer.usage is None:
        talk.note("embeddings: no usage")
    return f"3 vectors of {len(first)} numbers"


def rerank(talk: Talk) -> str:
    """Documents in the order of their relevance."""
    request = RerankRequest(model=talk.front.reranker, query="Where do cats sleep?", documents=("the sea", "cats sleep on sofas", "a boat"), top_n=2)
    answer = talk.client.provider("real").perform(request)
    expect(2, len(answer.results))
    expect(True, answer.results[0].score >= answer.results[1].score)
    return f"2 of 3 documents, scores {answer.results[0].score:.3g} and {answer.results[1].score:.3g}"


def models(talk: Talk) -> str:
    """The list of models."""
    ids = list(talk.client.list_models("real"))
    expect(True, bool(ids))
    return f"{len(ids)}, the first is `{ids[0].rsplit('/', 1)[-1]}`"


def raised(talk: Talk, kind: type[errors.ProviderError], act: Callable[[], object]) -> str:
    """Return the error that an act raises, in words; raises WrongError when it raises none or another."""
    try:
        act()
    except errors.ProviderError as error:
        talk.look_at(error)
        if type(error) is not kind:
            raise WrongError(f"wanted {kind.__name__}, got {describe(error)}") from None
        return describe(error)
    raise WrongError(f"wanted {kind.__name__}, got an answer")


def describe(error: errors.ProviderError) -> str:
    """Return an error's class, status, code and the beginning of its message."""
    facts = ", ".join(str(fact) for fact in (error.status, error.code or error.type) if fact)
    return f"{type(error).__name__} ({facts or 'no status'}): {error.message[:100]}"


def wrong_key(talk: Talk) -> str:
    """A key that is not the server's."""
    return raised(talk, errors.AuthenticationError, lambda: talk.chat("Hello", api_key="a-wrong-key"))


def unknown_model(talk: Talk) -> str:
    """A model that the server does not have."""
    return raised(talk, errors.ModelNotFoundError, lambda: talk.client.chat("real/no-such-model", "Hello", **talk.options({})))


def too_long(talk: Talk) -> str:
    """A prompt beyond the context."""
    return raised(talk, errors.ContextLengthExceededError, lambda: talk.chat("Hello " * 5000, max_tokens=16))


def too_long_stream(talk: Talk) -> str:
    """The same, of a stream."""
    return raised(talk, errors.ContextLengthExceededError, lambda: talk.stream("Hello " * 5000, max_tokens=16))


def rate_limit(talk: Talk) -> str:
    """A refusal with a hint how long to wait."""
    try:
        talk.chat("please fail with 429")
    except errors.RateLimitError as error:
        expect(7, error.retry_after)
        return describe(error) + f"; retry_after {error.retry_after:g}"
    raise WrongError("wanted RateLimitError, got an answer")


def no_hint(talk: Talk) -> str:
    """A refusal without a hint."""
    return raised(talk, errors.RateLimitError, lambda: talk.chat("Hello"))


def failing(talk: Talk) -> str:
    """A failure of the server's own."""
    return raised(talk, errors.ProviderUnavailableError, lambda: talk.chat("please fail with 503"))


def broken_stream(talk: Talk) -> str:
    """A stream that ends in the middle must not pass for a whole answer."""
    try:
        answer, _ = talk.stream("please break off")
    except (errors.StreamTruncatedError, errors.NetworkError) as error:
        partial = getattr(error, "partial", None)
        return f"{type(error).__name__}, after {partial.text!r}" if partial is not None else type(error).__name__
    raise WrongError(f"{answer.text!r} passed for a whole answer")


ASKS: Mapping[str, Callable[[Talk], str]] = {
    "chat": chat,
    "several turns": several_turns,
    "unicode": unicode,
    "stream": stream,
    "reasoning": reasoning,
    "cut by max_tokens": cut,
    "tool call": tool,
    "two tool calls": two_tools,
    "JSON by schema": schema,
    "image": image,
    "count_tokens": count,
    "embed": embed,
    "rerank": rerank,
    "list_models": models,
    "wrong key": wrong_key,
    "unknown model": unknown_model,
    "too long a prompt": too_long,
    "too long, streamed": too_long_stream,
    "status 429": rate_limit,
    "status 429, no hint": no_hint,
    "status 503": failing,
    "broken stream": broken_stream,
}


@attrs.frozen
class Outcome:
    """What became of one ask."""

    ask: str
    result: str
    words: str
    noticed: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether this is not what we expect of the server."""
        return self.result in ("WRONG", "MENDED")


def ask(front: Front, name: str) -> Outcome:
    """Ask one thing; never raises for what the server or the library does."""
    talk = Talk(front)
    try:
        words = ASKS[name](talk)
        result = "yes" if name not in front.known else "MENDED"
    except Exception as error:  # an exception of any other kind is a defect of the library, and a result like the others
        words = describe(error) if isinstance(error, errors.ProviderError) else str(error) if isinstance(error, WrongError) else repr(error)
        result, words = ("no", f"{front.known[name]} ({words})") if name in front.known else ("WRONG", words)
    finally:
        talk.client.close()
    return Outcome(name, result, words, tuple(talk.noticed))
