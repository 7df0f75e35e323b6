"""What the simulator says, whatever the dialect: the model's name chooses the behaviour, and the same prompt gets the same answer.

    echo       the last user's text, verbatim; with tools, a call of the first tool, or of those that the prompt names
    canned     an answer from a short list of questions, else a fixed sentence
    lorem      meaningless words: `max_tokens` tokens and the finish reason `length`, or 200 tokens
    reasoner   reasoning first, then what echo says
    embed      embeddings; as a chat model it is an echo
    fail       always an error

Any other name behaves like echo, and a name that begins with `missing` is not found.

Tokens are counted by one rule, in prompts, answers, streams and embeddings: a token is a run of at most sixteen characters that
are not blank, with the blanks before it; blanks at the end are a token of their own. A message costs three tokens more than its
text, a prompt three more than its messages; an image costs 85, a piece of audio 25, a file 100, whatever their size.
"""

from __future__ import annotations

import dataclasses
import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from llmclient.simulator.schema import sample
from llmclient.simulator.wording import Unanswered

MODELS = ("canned", "echo", "embed", "fail", "lorem", "reasoner")
CONTEXT = 128_000
"""Tokens in the longest prompt."""
IMAGE_TOKENS = 85
AUDIO_TOKENS = 25
FILE_TOKENS = 100

_TOKEN = re.compile(r"\s*\S{1,16}|\s+")
_LOREM_TOKENS = 200
_MESSAGE_TOKENS = 3
_PIECE = 6
_CACHE_LEAST = 1_024
_CACHE_STEP = 128
_BAD_SCHEMA = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError, re.error)
_LOREM = (
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua "
    "enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo consequat"
).split()
_CANNED = {
    "what is the capital of france": "The capital of France is Paris.",
    "why is the sky blue": "Air scatters short waves of light more than long ones, so blue reaches us from everywhere.",
    "what is 2 + 2": "2 + 2 is 4.",
    "who are you": "I am a simulator, and I know only a few answers.",
    "hello": "Hello! How can I help you?",
}
_FALLBACK = "I am a simulator and have no answer to that."
_THOUGHTS = ("The user wrote {words} words. ", "I only have to say them again. ", "Nothing may be added, and nothing left out. ")
_EFFORTS = {"none": 0, "minimal": 1, "low": 1, "medium": 2, "high": 3, "xhigh": 3, "max": 3}


class Turn(NamedTuple):
    """One message of a prompt, reduced to what answers depend on."""

    role: str
    """system, user, assistant or tool."""
    text: str
    media_tokens: int = 0
    audio_tokens: int = 0


class Tool(NamedTuple):
    """One function that may be called."""

    name: str
    parameters: Mapping[str, Any]


class Call(NamedTuple):
    """One call of a tool; `arguments` is JSON."""

    id: str
    name: str
    arguments: str

    @property
    def parsed(self) -> dict[str, Any]:
        """The arguments as an object; those of a call that was cut off are lost, as an object cannot be half one."""
        try:
            value: dict[str, Any] = orjson.loads(self.arguments)
        except orjson.JSONDecodeError:
            return {}
        return value


@dataclasses.dataclass(frozen=True, slots=True)
class Prompt:
    """A request for an answer, without its dialect."""

    model: str
    turns: Sequence[Turn]
    digest: str
    """What ids are made of."""
    seed: int = 0
    tools: Sequence[Tool] = ()
    tool_choice: str = "auto"
    """auto, none, required, or "=" and the name of a tool."""
    parallel: bool = True
    shape: Mapping[str, Any] | bool | None = None
    """The JSON Schema of the answer; True for any JSON object."""
    max_tokens: int | None = None
    stop: Sequence[str] = ()
    effort: str | None = None

    @property
    def question(self) -> str:
        """The last user's text."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One answer; its token lists, joined, are its text and its reasoning."""

    text: list[str]
    reasoning: list[str]
    calls: list[Call]
    finish: str
    """stop, length or tool_calls."""

    @property
    def tokens(self) -> int:
        """How many tokens it took, reasoning and calls included."""
        return len(self.text) + len(self.reasoning) + sum(len(tokens(call.name)) + len(tokens(call.arguments)) for call in self.calls)


class Usage(NamedTuple):
    """Tokens of a prompt and of its answers."""

    prompt: int
    completion: int
    cached: int
    reasoning: int
    audio: int


def tokens(text: str) -> list[str]:
    """Cut a text into tokens, which joined are the text again."""
    return _TOKEN.findall(text)


def pieces(arguments: str) -> list[str]:
    """Cut a call's arguments into what the events of a stream carry of them."""
    return [arguments[start : start + _PIECE] for start in range(0, len(arguments), _PIECE)]


def usage_of(prompt: Prompt, answers: Sequence[Answer]) -> Usage:
    """Count the tokens; a prompt of 1,024 tokens and more counts as cached up to its last message, in steps of 128.

    Raises Unanswered when the prompt is longer than the context.
    """
    sizes = [_MESSAGE_TOKENS + len(tokens(turn.text)) + turn.media_tokens + turn.audio_tokens for turn in prompt.turns]
    tools = sum(len(tokens(tool.name)) + len(tokens(orjson.dumps(tool.parameters).decode())) for tool in prompt.tools)
    total = _MESSAGE_TOKENS + tools + sum(sizes)
    if total > CONTEXT:
        message = (
            f"This model's maximum context length is {CONTEXT} tokens. However, your messages resulted in {total} tokens. "
            "Please reduce the length of the messages."
        )
        raise Unanswered("long", 400, message, code="context_length_exceeded", type="invalid_request_error", param="messages", given=total, longest=CONTEXT)
    cached = (total - sizes[-1]) // _CACHE_STEP * _CACHE_STEP if sizes and total >= _CACHE_LEAST else 0
    completion, reasoning = sum(answer.tokens for answer in answers), sum(len(answer.reasoning) for answer in answers)
    return Usage(total, completion, cached, reasoning, sum(turn.audio_tokens for turn in prompt.turns))


def answer(prompt: Prompt, index: int = 0) -> Answer:
    """Return the answer, or the one at `index` of several; raises Unanswered for the model `fail`, a missing model and a bad schema."""
    check_model(prompt.model)
    reasoning = tokens(_reasoning(prompt))
    tools = _chosen(prompt)
    try:
        calls = [_call(prompt, tool, index, position) for position, tool in enumerate(tools)]
        text = "" if calls else _text(prompt, index)
    except _BAD_SCHEMA as error:
        raise Unanswered("schema", 400, f"Invalid schema: {error}.", code="invalid_json_schema", type="invalid_request_error") from None
    if calls:
        return _within(prompt.max_tokens, Answer([], reasoning, calls, "tool_calls"))
    stops = [found for found in map(text.find, prompt.stop) if found >= 0]
    text = text[: min(stops)] if stops else text
    endless = prompt.model == "lorem" and prompt.shape is None and prompt.max_tokens is not None and not stops
    return _within(prompt.max_tokens, Answer(tokens(text), reasoning, [], "length" if endless else "stop"))


def check_model(model: str) -> None:
    """Raise Unanswered for a model that does not exist, and for the one that always fails."""
    if model.startswith("missing"):
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise Unanswered("unknown", 404, message, code="model_not_found", type="invalid_request_error", model=model)
    if model == "fail":
        raise Unanswered("broken", 500, "The server had an error while processing your request. Sorry about that!", type="server_error")


def identifier(*parts: object) -> str:
    """Return 24 letters and digits that depend on the parts."""
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=12).hexdigest()


def _within(limit: int | None, whole: Answer) -> Answer:
    """Cut an answer after `limit` tokens: reasoning comes first, and the last call loses the end of its arguments."""
    if limit is None or whole.tokens <= limit:
        return whole
    reasoning = whole.reasoning[:limit]
    left = limit - len(reasoning)
    text = whole.text[:left]
    calls: list[Call] = []
    for call in whole.calls:
        left -= len(tokens(call.name))
        if left < 0:
            break
        arguments = tokens(call.arguments)
        calls.append(call._replace(arguments="".join(arguments[:left])))
        left -= len(arguments)
        if left < 0:
            break
    return Answer(text, reasoning, calls, "length")


def _text(prompt: Prompt, index: int) -> str:
    if prompt.shape is not None and prompt.shape is not False:
        return _shaped(prompt.shape, prompt.question)
    if prompt.model == "lorem":
        count = _LOREM_TOKENS if prompt.max_tokens is None else prompt.max_tokens
        return _lorem(f"{prompt.seed} {index} {prompt.question}", count)
    if prompt.model == "canned":
        return _CANNED.get(re.sub(r"\s+", " ", prompt.question).strip(" ?!.").lower(), _FALLBACK)
    if prompt.turns and prompt.turns[-1].role == "tool":
        results = [turn.text for turn in prompt.turns if turn.role == "tool"]
        return "The tool says: " + results[-1]
    return prompt.question


def _shaped(shape: Mapping[str, Any] | bool, question: str) -> str:
    if shape is not True:
        return orjson.dumps(sample(shape, question)).decode()
    try:
        value = orjson.loads(question)
    except orjson.JSONDecodeError:
        value = None
    return question if isinstance(value, dict) else orjson.dumps({"echo": question}).decode()


def _lorem(seed: str, count: int) -> str:
    """Write sentences of eight words; each word is one token."""
    chance = random.Random(seed)  # noqa: S311 - the same words for the same seed
    words = [chance.choice(_LOREM) for _ in range(count)]
    marked = [
        (word.capitalize() if position % 8 == 0 else word) + ("." if position % 8 == 7 or position == count - 1 else "") for position, word in enumerate(words)
    ]
    return " ".join(marked)


def _reasoning(prompt: Prompt) -> str:
    if prompt.model != "reasoner":
        return ""
    count = _EFFORTS.get(prompt.effort or "medium", 2)
    return "".join(_THOUGHTS[:count]).format(words=len(prompt.question.split())).rstrip()


def _chosen(prompt: Prompt) -> list[Tool]:
    """Return the tools to call, in order; none when the answer is text."""
    choice, tools = prompt.tool_choice, list(prompt.tools)
    if choice.startswith("="):
        tools = [tool for tool in tools if tool.name == choice[1:]]
    elif choice == "none" or (choice == "auto" and not _is_asked(prompt)):
        return []
    words = set(re.findall(r"[\w-]+", prompt.question))
    named = [tool for tool in tools if tool.name in words]
    chosen = named or tools[:1]
    if len(chosen) == 1 and words & {"twice", "two"}:
        chosen *= 2
    return chosen if prompt.parallel else chosen[:1]


def _is_asked(prompt: Prompt) -> bool:
    return prompt.model not in ("lorem", "canned") and bool(prompt.turns) and prompt.turns[-1].role == "user"


def _call(prompt: Prompt, tool: Tool, index: int, position: int) -> Call:
    arguments = orjson.dumps(sample(tool.parameters or {"type": "object"}, prompt.question)).decode()
    return Call("call_" + identifier(prompt.digest, index, position), tool.name, arguments)
