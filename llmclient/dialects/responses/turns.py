"""Messages on their way out: each becomes one or more items of `input`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from llmclient.dialects.base import Notes
from llmclient.dialects.responses import parts, replay
from llmclient.dialects.turns import MessageWriter
from llmclient.errors import InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.messages import JSONObject, Message, Part, ReasoningBlock, Refusal, Text, ToolCall

if TYPE_CHECKING:
    from llmclient.dialects.responses.chat import OpenAIResponses

Item = JSONObject
Wire = dict[str, Any]

_ELSEWHERE: Final = ("prompt", "conversation", "previous_response_id")
"""Fields that bring messages which the provider holds."""


def write(dialect: OpenAIResponses, request: ChatRequest, provider: str, body: Wire, notes: Notes) -> None:
    """Add `input`, and `instructions` where system messages go there; raises InvalidRequestError for a part that cannot be carried."""
    stored = request.extra.get("store", body.get("store") if request.store is None else request.store)
    writer = _Writer(dialect, provider, stored is not False, notes)
    messages: Sequence[Message] = request.messages
    if dialect.system == "instructions":
        instructions, messages = _split_instructions(request)
        if instructions is not None:
            body["instructions"] = instructions
    for message in messages:
        writer.add(message)
    body["input"] = writer.items


def check(body: Wire) -> None:
    """Raise InvalidRequestError for a request that says nothing, which the API refuses."""
    if body.get("input") in ([], "", None) and not any(body.get(name) for name in _ELSEWHERE):
        raise InvalidRequestError("", "there is no message with anything in it", param="messages")


def _split_instructions(request: ChatRequest) -> tuple[str | None, Sequence[Message]]:
    """Return the text of the system messages at the beginning, and the messages after them."""
    messages = request.messages
    count = next((index for index, message in enumerate(messages) if not _is_instruction(message)), len(messages))
    if not count or count == len(messages):
        return None, messages
    if (request.response_format or {}).get("type") == "json_object" and not _speaks_of_json(messages[count:]):
        # The API wants the word in the input, and instructions are no part of that.
        return None, messages
    return "\n\n".join(message.text for message in messages[:count]), messages[count:]


def _is_instruction(message: Message) -> bool:
    plain = not message.extra and message.name is None
    return plain and message.role in ("system", "developer") and all(isinstance(part, Text) for part in message.parts)


def _speaks_of_json(messages: Sequence[Message]) -> bool:
    return any("json" in message.text.lower() for message in messages)


class _Writer(MessageWriter["OpenAIResponses"]):
    """Writes the messages of one request, and says each warning once."""

    def __init__(self, dialect: OpenAIResponses, provider: str, stored: bool, notes: Notes) -> None:
        super().__init__(dialect, provider, notes)
        self.items: list[Item] = []
        self._stored = stored
        self._open: list[str] = []
        self._custom: set[str] = set()

    def add(self, message: Message) -> None:
        if message.role == "assistant":
            self._add_assistant(message)
        elif message.role == "tool":
            self._add_result(message)
        else:
            self._add_message(message)

    # What users, systems and tools say.

    def _add_message(self, message: Message) -> None:
        roles = {"system": self._dialect.system_role, "developer": self._dialect.developer_role}
        role = roles.get(message.role, message.role)
        content = message.content
        if not isinstance(content, tuple):
            self._add_spoken(role, content or "", message)
            return
        run: list[JSONObject] = []
        for part in content:
            item = parts.as_item(part)
            if item is None:
                run.append(parts.write_input(self._dialect, part))
                continue
            self._add_run(role, run, message)
            self.items.append(item)
            run = []
        self._add_run(role, run, message)

    def _add_run(self, role: str, run: list[JSONObject], message: Message) -> None:
        if run:
            self._add_spoken(role, run, message)

    def _add_spoken(self, role: str, content: str | list[JSONObject], message: Message) -> None:
        if message.name is not None:
            self._drop_once("messages.name", "names of speakers are not taken here")
        # Of an assistant some hosts want to be told what the item is, whatever they want of others.
        kind = {"type": "message"} if self._dialect.item_type or role == "assistant" else {}
        self.items.append({**kind, "role": role, "content": content, **self._extra(message)})

    def _add_result(self, message: Message) -> None:
        identity = self._answered(message.tool_call_id or "")
        content = message.content
        if isinstance(content, tuple) and len(content) == 1 and (item := parts.as_item(content[0])) is not None:
            # The result of a call that is no function's, in the form that the API gives it.
            self.items.append(item)
            return
        kind = "custom_tool_call_output" if identity in self._custom else "function_call_output"
        self.items.append({"type": kind, "call_id": identity, "output": self._result(content), **self._extra(message)})

    def _result(self, content: str | tuple[Part, ...] | None) -> str | list[JSONObject]:
        if not isinstance(content, tuple):
            return content or ""
        if all(isinstance(part, Text) and not part.extra for part in content):
            return "".join(part.text for part in content if isinstance(part, Text))
        return [parts.write_input(self._dialect, part) for part in content]

    def _answered(self, given: str) -> str:
        """Return the id of the call that a result answers; one without an id answers the first that is open."""
        if not given and not self._open:
            raise InvalidRequestError("", "a tool's message needs a tool_call_id", param="messages")
        identity = self._open[0] if not given else given if given in self._open else self._identify(given)
        if identity in self._open:
            self._open.remove(identity)
        return identity

    # What the assistant said.

    def _add_assistant(self, message: Message) -> None:
        ours = replay.is_ours(message, self._provider, self._dialect.name)
        kept = replay.kept(message, ours, self._dialect, stored=self._stored)
        if kept is not None:
            self._note_calls(kept)
            self.items += kept
            return
        self.items += replay.thoughts(message, self._provider, self._dialect)
        self._add_content(message)
        for call in message.tool_calls:
            self.items.append(self._call(call, foreign=ours is False))
        self._note_calls(self.items[len(self.items) - len(message.tool_calls) :] if message.tool_calls else ())

    def _note_calls(self, items: Sequence[Item]) -> None:
        calls = [item for item in items if item.get("type") in replay.CALLS]
        self._open = [item["call_id"] for item in calls]
        self._custom |= {item["call_id"] for item in calls if item["type"] == "custom_tool_call"}

    def _add_content(self, message: Message) -> None:
        content = message.content
        if message.audio is not None:
            self._drop_once("messages.audio", "spoken answers are sent back as text here")
            transcript = message.audio.get("transcript")
            content = content or (transcript if isinstance(transcript, str) else None)
        if isinstance(content, tuple):
            content = self._lift(content)
        refusal = [] if message.refusal is None else [parts.write_output(Refusal(message.refusal))]
        written = content if isinstance(content, str) and not refusal else [parts.write_output(part) for part in _as_parts(content)] + refusal
        if written:
            self._add_spoken("assistant", written, message)

    def _lift(self, content: tuple[Part, ...]) -> tuple[Part, ...]:
        """Write the items among the parts, which come before what was said, and return the rest."""
        self.items += [item for part in content if (item := parts.as_item(part)) is not None]
        return tuple(part for part in content if not isinstance(part, ReasoningBlock) and parts.as_item(part) is None)

    def _call(self, call: ToolCall, *, foreign: bool) -> Item:
        identity = self._identify(call.id or f"{len(self.items)}/{call.function.name}")
        extra = call.extra
        if extra and foreign:
            self._drop_once("tool_calls.extra", "it came from another provider")
            extra = {}
        if call.type == "custom":
            return {"type": "custom_tool_call", "call_id": identity, "name": call.function.name, "input": call.function.arguments, **extra}
        return {"type": "function_call", "call_id": identity, "name": call.function.name, "arguments": call.function.arguments, **extra}

    def _identify(self, given: str) -> str:
        """Return an id that the API takes; another provider's may be longer."""
        if len(given) <= self._dialect.call_id_max:
            return given
        return f"call_{hashlib.sha256(given.encode()).hexdigest()[:24]}"

    # Odd fields.

    def _extra(self, message: Message) -> JSONObject:
        if not message.extra:
            return {}
        extra = {key: value for key, value in message.extra.items() if value is not None}
        if not extra or replay.is_ours(message, self._provider, self._dialect.name) is not False:
            return extra
        self._drop_once("messages.extra", f"{', '.join(sorted(extra))} came from another provider")
        return {}


def _as_parts(content: str | tuple[Part, ...] | None) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    return content or ()
