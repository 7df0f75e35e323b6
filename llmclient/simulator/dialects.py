"""The dialects that a simulator speaks: the first whose route fits answers, and the first of all answers what fits none."""

from __future__ import annotations

import dataclasses
import urllib.parse

from llmclient.simulator.anthropic import DIALECT as ANTHROPIC
from llmclient.simulator.azure import DIALECT as AZURE
from llmclient.simulator.bedrock import DIALECT as BEDROCK
from llmclient.simulator.cohere import DIALECT as COHERE
from llmclient.simulator.exchange import Dialect, Failure, Request, Route
from llmclient.simulator.gemini import DIALECT as GEMINI
from llmclient.simulator.mistral import DIALECT as MISTRAL
from llmclient.simulator.ollama import DIALECT as OLLAMA
from llmclient.simulator.openai import DIALECT as OPENAI
from llmclient.simulator.responses import DIALECT as RESPONSES

DIALECTS: tuple[Dialect, ...] = (OPENAI, ANTHROPIC, GEMINI, RESPONSES, BEDROCK, COHERE, OLLAMA, MISTRAL, AZURE)


@dataclasses.dataclass(slots=True)
class Router:
    """Finds who answers a request."""

    dialects: tuple[Dialect, ...]
    exact: dict[tuple[str, str], tuple[Dialect, Route]] = dataclasses.field(default_factory=dict[tuple[str, str], tuple[Dialect, Route]])

    def __post_init__(self) -> None:
        """Most paths have no braces, and are found at once."""
        for dialect in reversed(self.dialects):
            self.exact.update({(route.method, route.path): (dialect, route) for route in dialect.routes if route.pattern is None})

    def find(self, request: Request) -> tuple[Dialect, Route | Failure]:
        """Return the dialect and its route, and fill the request's `params`; or the failure of a path or method that is not known."""
        found = self.exact.get((request.method, request.path)) or self._search(request)
        if found is not None:
            return found
        for dialect in self.dialects:
            if any(_fits(route, request.path) is not None for route in dialect.routes):
                return dialect, Failure(405, f"Not allowed to {request.method} on {request.path}.", type="invalid_request_error", code="method_not_allowed")
        return self.dialects[0], Failure(404, f"Invalid URL ({request.method} {request.path})", type="invalid_request_error")

    def _search(self, request: Request) -> tuple[Dialect, Route] | None:
        for dialect in self.dialects:
            for route in dialect.routes:
                params = _fits(route, request.path) if route.method == request.method else None
                if params is not None:
                    request.params = params
                    return dialect, route
        return None


def _fits(route: Route, path: str) -> dict[str, str] | None:
    """Return what stands in the braces of the route, None when the path is another."""
    if route.pattern is None:
        return {} if route.path == path else None
    match = route.pattern.fullmatch(path)
    return match and {name: urllib.parse.unquote(value) for name, value in match.groupdict().items()}
