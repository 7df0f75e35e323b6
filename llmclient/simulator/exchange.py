"""What the server and the dialects say to each other: a request, a reply, a failure, and what a dialect is.

To add a dialect, write a module with a `DIALECT`, and name it in `dialects.py`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

import orjson

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\n\n"
"""What ends a stream of events, in dialects that say so."""
CREATED = 1_700_000_000
"""The time of every answer, unless the simulator was given a clock."""


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def object_in(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object of a JSON object, empty when there is none of that name."""
    found = value.get(name)
    return found if is_dict(found) else {}


def event_of(value: object) -> bytes:
    """Return a JSON value as an event of a stream."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def named_event(value: Mapping[str, Any]) -> bytes:
    """Return a JSON object as an event of a stream that is named by its type."""
    return f"event: {value['type']}\n".encode() + event_of(value)


class Failure(Exception):
    """A request that is answered with an error; each dialect writes it in its own shape."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, type: str | None = None, param: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.type = type
        self.param = param
        self.headers = dict(headers or {})


class Request:
    """One request, as it came."""

    __slots__ = ("_digest", "_json", "body", "headers", "method", "params", "path", "query", "salt")

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes, salt: bytes = b"") -> None:
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        """Names are lower case."""
        self.body = body
        self.salt = salt
        self.params: dict[str, str] = {}
        """What stood in the braces of the route."""
        self._json: Any = None
        self._digest = ""

    @property
    def json(self) -> dict[str, Any]:
        """The body, which must be a JSON object; raises Failure when it is none. It belongs to the journal: never change it."""
        if self._json is None:
            try:
                self._json = orjson.loads(self.body)
            except orjson.JSONDecodeError as error:
                raise Failure(400, f"We could not parse the JSON body of your request: {error}.", type="invalid_request_error") from None
        value = self._json
        if not is_dict(value):
            raise Failure(400, "The body of your request must be a JSON object.", type="invalid_request_error")
        return value

    @property
    def digest(self) -> str:
        """24 hexadecimal digits that only the same request to a simulator with the same seed has."""
        if not self._digest:
            text = b"\0".join((self.method.encode(), self.path.encode(), self.body))
            self._digest = hashlib.blake2b(text, digest_size=12, key=self.salt).hexdigest()
        return self._digest

    @property
    def model(self) -> str:
        """The model that the path or the body names, "" when neither does."""
        if "model" in self.params:
            return self.params["model"]
        value = self._json
        name = value.get("model") if is_dict(value) else None
        return name if isinstance(name, str) else ""

    @property
    def base(self) -> str:
        """The address under which the client reached the simulator."""
        return "http://" + self.headers.get("host", "127.0.0.1")


@dataclasses.dataclass(slots=True)
class Reply:
    """What to answer: a body, or a stream of events each of which is sent as one chunk."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    events: list[bytes] | None = None
    """The events of a stream before the one that says why it ended; None for a plain body."""
    closing: list[bytes] = dataclasses.field(default_factory=list[bytes])
    """The events of a stream that say why it ended, and its usage."""
    end: bytes = b""
    """The marker after the last event, in dialects that have one."""

    @classmethod
    def of(cls, value: object, status: int = 200, **headers: str) -> Reply:
        """Answer with a JSON value; headers are given with underscores for hyphens."""
        return cls(status, orjson.dumps(value), headers={name.replace("_", "-"): text for name, text in headers.items()})


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """What a simulator was told about itself."""

    seed: int = 0
    clock: Callable[[], float] | None = None

    @property
    def created(self) -> int:
        """The time to put into answers, in seconds."""
        return CREATED if self.clock is None else int(self.clock())


Handler = Callable[[Request, Setting], Reply]


class Route:
    """One method and path; `{name}` in the path matches anything, slashes too."""

    __slots__ = ("handler", "method", "path", "pattern")

    def __init__(self, method: str, path: str, handler: Handler) -> None:
        self.method = method
        self.path = path
        self.handler = handler
        parts = re.split(r"\{(\w+)\}", path)
        pattern = "".join(f"(?P<{part}>.+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
        self.pattern = re.compile(pattern) if len(parts) > 1 else None
        """None for a path without braces."""


def bearer(request: Request) -> str:
    """Return the key in the Authorization header, "" when there is none."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


@dataclasses.dataclass(frozen=True, slots=True)
class Dialect:
    """One provider's way of speaking HTTP."""

    name: str
    routes: tuple[Route, ...]
    failure: Callable[[Failure], Reply]
    """An error as a whole answer."""
    failure_event: Callable[[Failure], bytes]
    """An error inside a stream."""
    key: Callable[[Request], str] = bearer
    """Where the key stands."""
    heartbeat: bytes = b": keep-alive\n\n"
    """What keeps a stream alive without saying anything."""
    garbage: bytes = b'data: {"id": oops\n\n'
    """An event that cannot be parsed."""
