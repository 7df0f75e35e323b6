"""Everything that can go wrong in a call, as one tree.

    ProviderError
    ├── AuthenticationError          the key is missing, wrong or expired
    │   └── PermissionDeniedError    the key is valid, but not for this
    ├── RateLimitError               slow down; wait `retry_after` seconds            (retryable)
    │   └── QuotaExceededError       the budget is used up; waiting will not help
    ├── InvalidRequestError          the request itself is wrong
    │   ├── ContextLengthExceededError
    │   ├── ContentFilteredError
    │   └── ModelNotFoundError
    ├── NetworkError                 no answer came, or not all of it                 (retryable)
    ├── RequestTimeoutError          a deadline passed; also a TimeoutError           (retryable)
    │   └── PoolTimeoutError         every pooled connection stayed busy
    ├── ProviderUnavailableError     overloaded, starting or down                     (retryable)
    ├── ApiError                     any other failure that has a status
    ├── ResponseParsingError         the answer is not what the dialect says it is
    ├── StreamingError               a stream failed after it had begun
    │   └── StreamTruncatedError     a stream ended before its end; see `partial`
    ├── NotSupportedError            also a NotImplementedError
    ├── ConfigurationError           also a ValueError
    ├── TransformationError          a message or schema cannot be expressed in the dialect
    ├── CancelledError               somebody closed the call
    └── RoutingError                 no provider could take the call

The class is the same whether the failure came as a status, inside a 200 body, or in the middle of a stream.
Every error pickles, and none holds an API key.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self

if TYPE_CHECKING:
    from llmclient.types.chat import ChatResponse

RETRIED_STATUSES: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""The statuses after which the same call may succeed; a quota that is used up is told apart by its code."""

_ELLIPSIS = "…"
_MESSAGE_LIMIT = 2_000


class Attempt(NamedTuple):
    """One try of a call: what came of it and how long it took."""

    number: int
    """1 for the first."""
    status: int | None
    """The HTTP status, or None when no answer came."""
    error: str | None
    """The name of the error class, or None for the attempt that succeeded."""
    seconds: float
    """From sending to the answer's headers, or to the failure."""
    waited: float
    """Seconds slept before this attempt."""


class ProviderError(Exception):
    """A call to a provider failed; the subclass says how, the attributes say where and why."""

    retryable: bool = False
    """Whether the same call may succeed if it is made again."""

    _default_status: ClassVar[int | None] = None

    def __init__(
        self,
        provider: str,
        message: str,
        *,
        model: str | None = None,
        status: int | None = None,
        code: str | None = None,
        type: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
        attempts: tuple[Attempt, ...] = (),
        body: str | None = None,
        cause: str | None = None,
    ) -> None:
        super().__init__(provider, message)
        self.provider = provider
        self.message = redact(message)
        self.model = model
        self.status = self._default_status if status is None else status
        self.code = code
        self.type = type
        self.param = param
        self.request_id = request_id
        self.retry_after = retry_after
        if retryable is not None:
            self.retryable = retryable
        self.attempts = attempts
        self.body = None if body is None else redact(body)
        self.cause = None if cause is None else redact(cause)
        self.args = (provider, self.message)

    def __str__(self) -> str:
        facts = [f"status {self.status}" if self.status is not None else "", f"model {self.model}" if self.model else ""]
        facts.append(f"request {self.request_id}" if self.request_id else "")
        tail = ", ".join(fact for fact in facts if fact)
        message = self.message if len(self.message) <= _MESSAGE_LIMIT else self.message[:_MESSAGE_LIMIT] + _ELLIPSIS
        return f"{self.provider}: {message}" + (f" ({tail})" if tail else "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.provider, self.message), self.__dict__

    @classmethod
    def authentication(cls, provider: str, message: str, **facts: Any) -> AuthenticationError:
        """The key is missing, wrong or expired."""
        return AuthenticationError(provider, message, **facts)

    @classmethod
    def permission_denied(cls, provider: str, message: str, **facts: Any) -> PermissionDeniedError:
        """The key is valid, but not for this."""
        return PermissionDeniedError(provider, message, **facts)

    @classmethod
    def rate_limit(cls, provider: str, retry_after: float | None = None, message: str = "rate limit reached", **facts: Any) -> RateLimitError:
        """The provider asks to wait `retry_after` seconds."""
        return RateLimitError(provider, message, retry_after=retry_after, **facts)

    @classmethod
    def quota_exceeded(cls, provider: str, message: str, **facts: Any) -> QuotaExceededError:
        """The account's budget is used up."""
        return QuotaExceededError(provider, message, **facts)

    @classmethod
    def model_not_found(cls, provider: str, model: str, message: str | None = None, **facts: Any) -> ModelNotFoundError:
        """The provider has no such model, or not for this key."""
        return ModelNotFoundError(provider, message or f"model {model!r} was not found", model=model, **facts)

    @classmethod
    def invalid_request(cls, provider: str, message: str, **facts: Any) -> InvalidRequestError:
        """The request itself is wrong."""
        return InvalidRequestError(provider, message, **facts)

    @classmethod
    def context_length_exceeded(
        cls, provider: str, limit: int | None = None, actual: int | None = None, message: str | None = None, **facts: Any
    ) -> ContextLengthExceededError:
        """The prompt, or prompt and answer together, are longer than the model's context."""
        if message is None:
            message = "the context length is exceeded" + (f": {actual} tokens, the limit is {limit}" if limit is not None else "")
        return ContextLengthExceededError(provider, message, limit=limit, actual=actual, **facts)

    @classmethod
    def content_filtered(cls, provider: str, message: str, **facts: Any) -> ContentFilteredError:
        """A content filter refused the prompt or the answer."""
        return ContentFilteredError(provider, message, **facts)

    @classmethod
    def network(cls, provider: str, message: str, **facts: Any) -> NetworkError:
        """No answer came, or not all of it."""
        return NetworkError(provider, message, **facts)

    @classmethod
    def timeout(cls, provider: str, message: str, **facts: Any) -> RequestTimeoutError:
        """A deadline passed."""
        return RequestTimeoutError(provider, message, **facts)

    @classmethod
    def provider_unavailable(cls, provider: str, message: str, **facts: Any) -> ProviderUnavailableError:
        """The provider is overloaded, starting or down."""
        return ProviderUnavailableError(provider, message, **facts)

    @classmethod
    def api_error(cls, provider: str, status: int | None, message: str, **facts: Any) -> ApiError:
        """The provider answered with a status that no other class covers."""
        return ApiError(provider, message, status=status, **facts)

    @classmethod
    def not_supported(cls, provider: str, message: str, **facts: Any) -> NotSupportedError:
        """The provider has no such operation."""
        return NotSupportedError(provider, message, **facts)

    @classmethod
    def configuration(cls, provider: str, message: str, **facts: Any) -> ConfigurationError:
        """A key, address or option is missing or malformed."""
        return ConfigurationError(provider, message, **facts)

    @classmethod
    def serialization(cls, provider: str, message: str, **facts: Any) -> InvalidRequestError:
        """The request cannot be written as JSON."""
        return InvalidRequestError(provider, message, **facts)

    @classmethod
    def response_parsing(cls, provider: str, message: str, **facts: Any) -> ResponseParsingError:
        """The answer is not what the dialect says it is."""
        return ResponseParsingError(provider, message, **facts)

    @classmethod
    def streaming(cls, provider: str, message: str, **facts: Any) -> StreamingError:
        """A stream failed after it had begun."""
        return StreamingError(provider, message, **facts)

    @classmethod
    def transformation(cls, provider: str, message: str, **facts: Any) -> TransformationError:
        """A message or schema cannot be expressed in the dialect."""
        return TransformationError(provider, message, **facts)

    @classmethod
    def cancelled(cls, provider: str, message: str = "the call was closed", **facts: Any) -> CancelledError:
        """Somebody closed the call."""
        return CancelledError(provider, message, **facts)

    @classmethod
    def routing(cls, provider: str, message: str, **facts: Any) -> RoutingError:
        """No provider could take the call."""
        return RoutingError(provider, message, **facts)

    def with_facts(self, **facts: Any) -> Self:
        """Fill in facts that are not known yet (None or empty), and return the same error."""
        for name, value in facts.items():
            if getattr(self, name) in (None, "", ()):
                setattr(self, name, value)
        self.args = (self.provider, self.message)
        return self


class AuthenticationError(ProviderError):
    """The key was refused; set a valid one, since repeating the call will not help."""


class PermissionDeniedError(AuthenticationError):
    """The key is valid but may not do this; ask for access, or use another model or region."""


class RateLimitError(ProviderError):
    """The provider asked us to slow down; wait `retry_after` seconds and try again."""

    retryable = True


class QuotaExceededError(RateLimitError):
    """The account's budget or daily quota is used up; waiting a moment will not help."""

    retryable = False


class InvalidRequestError(ProviderError):
    """The request is wrong; change it, since repeating it will not help."""


class ContextLengthExceededError(InvalidRequestError):
    """The prompt is longer than the model's context; shorten it, or choose another model."""

    def __init__(self, provider: str, message: str, *, limit: int | None = None, actual: int | None = None, **facts: Any) -> None:
        super().__init__(provider, message, **facts)
        self.limit = limit
        self.actual = actual


class ContentFilteredError(InvalidRequestError):
    """A content filter refused the prompt or the answer; change the prompt."""


class ModelNotFoundError(InvalidRequestError):
    """The provider does not know the model, or not for this key; see `list_models()`."""


class NetworkError(ProviderError):
    """No whole answer came; the call may be made again, though the provider may have billed it."""

    retryable = True


class RequestTimeoutError(ProviderError, TimeoutError):
    """A deadline of `Timeout` passed, or the provider reported one; allow more time or try again."""

    retryable = True

    limit: str | None = None
    """Which limit passed: connect, pool, read, first_event, idle or total; None if the provider said so."""

    def __str__(self) -> str:
        return ProviderError.__str__(self)


class PoolTimeoutError(RequestTimeoutError):
    """Every pooled connection to the host stayed busy; raise `max_connections` or lower the number of threads."""


class ProviderUnavailableError(ProviderError):
    """The provider is overloaded, starting or down; try again later or elsewhere."""

    retryable = True


class ApiError(ProviderError):
    """The provider answered with a failure that no other class covers; see `status` and `body`."""

    def __init__(self, provider: str, message: str, **facts: Any) -> None:
        super().__init__(provider, message, **facts)
        if facts.get("retryable") is None:
            self.retryable = self.status in RETRIED_STATUSES


class ResponseParsingError(ProviderError):
    """The answer is not what the dialect says it is; the address may be that of another service."""


class StreamingError(ProviderError):
    """A stream failed after it had begun; chunks that were handed over remain valid."""


class StreamTruncatedError(StreamingError):
    """The stream ended before the answer did; what had come is in `partial`."""

    partial: ChatResponse | None = None
    """The answer so far, never to be taken for a complete one."""


class NotSupportedError(ProviderError, NotImplementedError):
    """The provider has no such operation; see `capabilities`."""

    def __str__(self) -> str:
        return ProviderError.__str__(self)


class ConfigurationError(ProviderError, ValueError):
    """A key, address or option is missing or malformed; nothing was sent."""

    def __str__(self) -> str:
        return ProviderError.__str__(self)


class TransformationError(ProviderError):
    """A message or schema cannot be expressed in the provider's dialect; nothing was sent."""


class CancelledError(ProviderError):
    """The call was closed, from this thread or another, before it was over."""


class RoutingError(ProviderError):
    """No provider could take the call; nothing was sent."""


def _rebuild(kind: type[ProviderError], provider: str, message: str) -> ProviderError:
    return kind(provider, message)


@functools.cache
def _secrets() -> re.Pattern[str]:
    """Compile on first use: importing the tree costs no pattern."""
    return re.compile(
        r"""
        (?P<scheme>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}
        | (?P<token>\b(?:Token|Key)\s+)(?=\S*\d)[A-Za-z0-9._~+/=-]{16,}
        | \b(?:sk|pk|rk|gsk|xai|hf|nvapi|pplx|fw|r8|csk|AIza|AKIA|ASIA|ghp|gho|ghu|ghs|github_pat|xox[abprs]|tgp|dapi|esecret)
          (?:[-_][A-Za-z0-9*._-]{6,}|(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,})
        | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?
        | (?P<name>\b(?:api[-_]?key|access[-_]?token|secret|password|x-goog-api-key|signature)["']?\s*[=:]\s*["']?)[^\s"',;&}]{6,}
        | (?P<userinfo>://)[^/\s@:]+:[^/\s@]+@
        """,
        re.VERBOSE | re.IGNORECASE,
    )


def redact(text: str) -> str:
    """Return `text` with whatever looks like a key, token or password replaced by `***`."""
    return _secrets().sub(_mask, text)


def _mask(match: re.Match[str]) -> str:
    if match["userinfo"]:
        return "://***@"
    return (match["scheme"] or match["token"] or match["name"] or "") + "***"
