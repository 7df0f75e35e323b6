"""A provider: where it is, how it wants to be spoken to, and the calls.

An adapter is a subclass that fills the slots, one dialect an operation. The way of a request: `encode` (pure) makes
what is to be sent, the transport sends it, `decode` (pure) makes the answer, `error` (pure) makes the failure.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar, cast

import attrs

from llmclient.auth import Auth, Bearer
from llmclient.dialects.failure import request_id
from llmclient.endpoints import Endpoint, base_address, make_endpoint, retirement, whole_address
from llmclient.errors import InvalidRequestError, NotSupportedError, ProviderError
from llmclient.models import ModelInfo, ModelRow, cost_of, find_row
from llmclient.redaction import Hidden, of_account
from llmclient.sending import NoRequest, PlainDialect, Sender, is_constant
from llmclient.types.answer import Answer, Meta, attach
from llmclient.types.chat import PARAMS, ChatRequest, ChatResponse
from llmclient.types.config import Option, ProviderConfig, Retired
from llmclient.types.context import OPERATIONS, Capability, HealthStatus, RequestContext, WireRequest, capabilities_of
from llmclient.types.embeddings import EmbeddingRequest, EmbeddingResponse
from llmclient.types.listing import ListModelsRequest, ListModelsResponse
from llmclient.types.making import maker
from llmclient.types.media import JSONObject, is_object
from llmclient.types.messages import Message
from llmclient.types.reply import Reply

if TYPE_CHECKING:
    import decimal

    from llmclient.deadline import Call, Timeout
    from llmclient.dialects.base import ChatDecoder, ChatDialect, Dialect
    from llmclient.policies import Policies
    from llmclient.retry import Gate, OnAttempt, Retry, Tries
    from llmclient.streaming import ChatStream, Reader
    from llmclient.transport import Exchange, Transport
    from llmclient.types.answer import Warning

__all__ = ["Capability", "HealthStatus", "Option", "Provider", "ProviderConfig", "RequestContext", "Retired"]

A = TypeVar("A", bound=Answer)
T = TypeVar("T")
AnyDialect = Any
"""A dialect of any operation; the slots give each its exact type."""

_make_meta: Final = maker(Meta)
_REMEMBERED_AT_MOST: Final = 1024


class Provider:
    """One provider as one caller uses it. Thread-safe; makes no connection and reads no environment before the first call."""

    name: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = ""
    docs: ClassVar[str] = ""
    status: ClassVar[str] = "listed"
    retired: ClassVar[Retired | None] = None
    base_url: ClassVar[str] = ""
    auth: ClassVar[Auth] = Bearer()
    env: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    options: ClassVar[tuple[Option, ...]] = ()
    headers: ClassVar[Mapping[str, str]] = {}
    setting_headers: ClassVar[Mapping[str, str]] = {}
    """Header -> the setting that is sent in it, where it is set."""
    default_port: ClassVar[int | None] = None
    """Where set, an address may be a bare host or port, as in OLLAMA_HOST; the rest is filled in."""
    idempotency_header: ClassVar[str | None] = None
    """The header in which the provider takes a key that makes a repeated POST harmless."""

    chat: ClassVar[ChatDialect | None] = None
    embed: ClassVar[Dialect[EmbeddingRequest, EmbeddingResponse] | None] = None
    rerank: ClassVar[AnyDialect] = None
    image: ClassVar[AnyDialect] = None
    edit_image: ClassVar[AnyDialect] = None
    speech: ClassVar[AnyDialect] = None
    transcribe: ClassVar[AnyDialect] = None
    translate_audio: ClassVar[AnyDialect] = None
    moderate: ClassVar[AnyDialect] = None
    list_models: ClassVar[Dialect[ListModelsRequest, ListModelsResponse] | None] = None
    count_tokens: ClassVar[AnyDialect] = None
    files: ClassVar[AnyDialect] = None
    batches: ClassVar[AnyDialect] = None
    chat_by_model: ClassVar[tuple[tuple[str, ChatDialect], ...]] = ()
    chat_apis: ClassVar[Mapping[str, ChatDialect]] = {}
    rows: ClassVar[tuple[ModelRow, ...]] = ()

    def __init__(
        self,
        config: ProviderConfig | Mapping[str, Any] | None = None,
        *,
        transport: Transport | None = None,
        timeout: Timeout | float | None = None,
        retry: Retry | None = None,
        gate: Gate | None = None,
        on_attempt: OnAttempt | None = None,
    ) -> None:
        """Use exactly these settings; `from_env` reads the environment too. Raises ConfigurationError for a malformed setting."""
        if not isinstance(config, ProviderConfig):
            config = ProviderConfig.of(self.name, config or {}, self.option_names())
        elif config.provider == "llmclient":
            config = attrs.evolve(config, provider=self.name)
        config = self.read_settings(config)
        config.validate()
        self.config = config
        self.label = config.provider
        """The name under which the caller uses it: the adapter's, or that of an instance."""
        self._transport = transport
        self._timeout = config.timeout if config.timeout is not None else timeout
        self._retry = retry
        self._gate = gate
        self._on_attempt = on_attempt
        self._endpoints: dict[tuple[str | None, Auth | None], Endpoint] = {}
        self._dialects: dict[tuple[str, str | None], ChatDialect] = {}
        self._bound: dict[int, AnyDialect] = {}
        self._infos: dict[str, ModelInfo | None] = {}
        self._policies: dict[str, Policies] = {}
        self._context = RequestContext(provider=self.name, config=config)
        self._secrets = of_account(config.api_key, config.extra, config.headers)
        self._fingerprint = str(hash(config.api_key))
        """Tells accounts apart in a table that never holds a key."""

    def with_config(self, config: ProviderConfig) -> Self:
        """Return the same provider for another account or address."""
        retry, gate, hook = self._retry, self._gate, self._on_attempt
        return type(self)(config, transport=self._transport, timeout=self._timeout, retry=retry, gate=gate, on_attempt=hook)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'label', self.name)!r}>"  # a traceback may show one that is not made yet

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.config,)

    @classmethod
    def option_names(cls) -> frozenset[str]:
        """Return the names of the provider's own settings."""
        return frozenset(option.name for option in cls.options)

    @classmethod
    def read_settings(cls, config: ProviderConfig) -> ProviderConfig:
        """Return the settings with the address made whole, where this provider lets parts of it be left out."""
        base, port = config.api_base, cls.default_port
        return attrs.evolve(config, api_base=whole_address(base, port)) if base and port else config

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Make a provider from the environment variables in `env`."""
        return cls(ProviderConfig.from_env(cls.name, cls.env, environ))

    # Facts.

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """What is known of the provider's models."""
        return tuple(ModelInfo.from_row(row, self.name) for row in self.rows)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the provider can do: an operation for each filled slot, and what any of its models can."""
        slots = [slot for slot in OPERATIONS if getattr(self, slot) is not None or (slot == "chat" and self.chat_by_model)]
        return capabilities_of(slots, {ability for info in self.models for ability in info.abilities})

    def model_info(self, model: str) -> ModelInfo | None:
        """Return what is known of a model; None if nothing is. Facts inform, they never block a call."""
        try:
            return self._infos[model]
        except KeyError:
            row = find_row(self.rows, model)
            info = None if row is None else ModelInfo.from_row(row, self.name)
            if len(self._infos) < _REMEMBERED_AT_MOST:
                self._infos[model] = info
            return info

    def cost_of(self, usage: Any, model: str) -> decimal.Decimal | None:
        """Return US dollars for a Usage, or None when a price is unknown."""
        return cost_of(self.model_info(model), usage)

    def calculate_cost(self, model: str, input_tokens: int, output_tokens: int) -> decimal.Decimal | None:
        """Return US dollars for so many tokens, or None when a price is unknown."""
        from llmclient.types.usage import Usage

        usage = Usage(prompt_tokens=input_tokens, completion_tokens=output_tokens, total_tokens=input_tokens + output_tokens)
        return self.cost_of(usage, model)

    # The pure half.

    def chat_dialect(self, model: str, api: str | None = None) -> ChatDialect:
        """Return the dialect that a chat with this model speaks; raises NotSupportedError if there is none."""
        try:
            return self._dialects[model, api]
        except KeyError:
            dialect: ChatDialect = self._bind(self._find_chat(model, api))
            if len(self._dialects) < _REMEMBERED_AT_MOST:
                self._dialects[model, api] = dialect
            return dialect

    def _find_chat(self, model: str, api: str | None) -> ChatDialect:
        if api is not None:
            if api in self.chat_apis:
                return self.chat_apis[api]
            known = [*self.chat_apis, *([self.chat.name] if self.chat is not None else [])]
            if self.chat is None or api != self.chat.name:
                raise NotSupportedError(self.label, f"there is no chat api {api!r} here; there is {', '.join(known) or 'none'}", model=model)
        info = self.model_info(model)
        if api is None and info is not None and info.api is not None and info.api in self.chat_apis:
            return self.chat_apis[info.api]
        for pattern, dialect in self.chat_by_model:
            # Most patterns differ in their plain beginning, which saves compiling them.
            if model.startswith(pattern.split("*")[0].split("?")[0].split("[")[0]) and fnmatch.fnmatchcase(model, pattern):
                return dialect
        if self.chat is None:
            raise self._unsupported("chat", model)
        return self.chat

    def _bind(self, dialect: AnyDialect) -> AnyDialect:
        """Return the dialect that knows the provider's name, for what it labels as the provider's."""
        key = id(dialect)
        if key not in self._bound:
            named = "provider" in attrs.fields_dict(cast("type[attrs.AttrsInstance]", type(dialect)))
            self._bound[key] = attrs.evolve(dialect, provider=self.name) if named else dialect
        return self._bound[key]

    def dialect_for(self, request: Any) -> AnyDialect:
        """Return the dialect of a request's operation; raises NotSupportedError if the provider has none."""
        if isinstance(request, ChatRequest):
            return self.chat_dialect(request.model, request.api)
        dialect = getattr(self, request.operation)
        if dialect is None:
            raise self._unsupported(request.operation, request.model)
        return self._bind(dialect)

    def _unsupported(self, operation: str, model: str | None) -> NotSupportedError:
        offered = ", ".join(slot for slot in OPERATIONS if getattr(self, slot) is not None)
        return NotSupportedError(self.label, f"{operation} is not offered here; {offered or 'nothing'} is", model=model or None)

    def get_supported_openai_params(self, model: str) -> tuple[str, ...]:
        """Return the portable parameters that `transform_request` carries for this model, in their usual order."""
        supported = self.chat_dialect(model).configured(self.config).supported_params(model)
        return tuple(param for param in PARAMS if param in supported)

    def map_openai_params(self, params: Mapping[str, Any], model: str) -> tuple[dict[str, Any], tuple[Warning, ...]]:
        """Return the parameters as this provider wants them, and what was dropped, renamed or clamped on the way."""
        plain = self.transform_request(ChatRequest(model=model, messages=(Message("user", "?"),)))
        wire = self.transform_request(ChatRequest.make(model, "?", **params))
        before: JSONObject = plain.body if is_object(plain.body) else {}
        after: JSONObject = wire.body if is_object(wire.body) else {}
        return {name: value for name, value in after.items() if name not in before or before[name] != value}, wire.warnings

    def transform_request(self, request: Any, context: RequestContext | None = None) -> WireRequest:
        """Return what would be sent; pure.

        Raises InvalidRequestError or TransformationError for what the provider cannot be told, and under `strict` for
        anything that would be dropped or clamped.
        """
        context = context or self._context
        return self._encode(self.dialect_for(request), request, context)

    def transform_response(self, raw: bytes, model: str, request_id: str = "", operation: str = "chat") -> Any:
        """Return the answer in a 2xx body; pure. Raises ResponseParsingError, or the error that the body reports."""
        dialect = self.chat_dialect(model) if operation == "chat" else self._bind(getattr(self, operation))
        try:
            return dialect.decode(raw, model, request_id)
        except ProviderError as error:
            failure = [self._claim(error, model)]
        raise failure.pop().with_traceback(None)

    def get_error_mapper(self, model: str = "", operation: str = "chat") -> Callable[[int, Mapping[str, str], bytes], ProviderError]:
        """Return the function from status, headers and body to one error of the tree."""
        dialect = self.chat_dialect(model) if operation == "chat" else self._bind(getattr(self, operation))
        return lambda status, headers, body: self._claim(dialect.error(status, headers, body), model or None)

    def _encode(self, dialect: AnyDialect, request: Any, context: RequestContext) -> WireRequest:
        try:
            wire: WireRequest = dialect.encode(request, context)
        except ProviderError as error:
            failure = [self._claim(error, request.model)]
        except RecursionError:
            failure = [InvalidRequestError(self.label, "a schema or message of the request is nested too deeply, or holds itself", model=request.model)]
        else:
            lost = [warning for warning in wire.warnings if warning.kind in ("dropped", "clamped")] if context.strict and wire.warnings else None
            if not lost:
                return wire
            failure = [InvalidRequestError(self.label, "; ".join(warning.message for warning in lost), param=lost[0].param, model=request.model)]
        raise failure.pop().with_traceback(None)

    def _claim(self, error: ProviderError, model: str | None = None, send: Sender | None = None) -> ProviderError:
        """Fill in whose error this is, and make sure that it echoes no secret."""
        error.with_facts(provider=self.label, model=model or None)
        return (send.secrets() if send is not None else self._secrets).clean(error)

    # The calls.

    def chat_completion(self, request: ChatRequest, context: RequestContext | None = None) -> ChatResponse:
        """Ask, and wait for the whole answer; raises ProviderError."""
        context = context or self._context
        dialect = self.chat_dialect(request.model, request.api)
        wire = self._encode(dialect, request, context)
        if wire.stream:
            reader, call = self._open(dialect, wire, request, context)
            try:
                while reader.batch():
                    reader.pending = iter(())
                return reader.result()
            finally:
                reader.close()
                if context.group is not None:
                    context.group.discard(call)
        return self._answer(dialect, wire, request, context)

    def chat_completion_stream(self, request: ChatRequest, context: RequestContext | None = None) -> ChatStream:
        """Ask, and return the stream of chunks once the provider has accepted the request; raises ProviderError."""
        from llmclient.streaming import ChatStream

        context = attrs.evolve(context or self._context, stream=True)
        dialect = self.chat_dialect(request.model, request.api)
        reader, call = self._open(dialect, self._encode(dialect, request, context), request, context)
        return ChatStream(reader, call)

    def embeddings(self, request: EmbeddingRequest, context: RequestContext | None = None) -> EmbeddingResponse:
        """Turn texts into vectors; raises ProviderError."""
        response: EmbeddingResponse = self.perform(request, context).checked(self.label, len(request.input))
        return response

    def available_models(self, context: RequestContext | None = None) -> ListModelsResponse:
        """Ask which models this key may use; raises ProviderError."""
        response: ListModelsResponse = self.perform(ListModelsRequest(), context)
        return response

    def perform(self, request: Any, context: RequestContext | None = None) -> Any:
        """Make any call that has a request type and a slot, and return its response; raises ProviderError."""
        context = context or self._context
        dialect: AnyDialect = self.dialect_for(request)
        answer: Any = self._answer(dialect, self._encode(dialect, request, context), request, context)
        return answer

    def request(self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None, context: RequestContext | None = None) -> Reply:
        """Send anything else with the provider's address, key, pool, deadline and errors; raises ProviderError."""
        if not (isinstance(path, str) and path.startswith("/") and isinstance(method, str)):
            raise InvalidRequestError(self.label, f"the path must begin with a slash, and the method be a str, got {method!r} and {path!r}", param="path")
        wire, headers = WireRequest(path=path, method=method.upper(), body=json, headers=Hidden(headers or {})), None  # tracebacks show locals
        dialect = next((d for slot in OPERATIONS if (d := getattr(self, slot)) is not None), None)
        if dialect is None:
            raise self._unsupported("request", None)
        plain: AnyDialect = PlainDialect(dialect)
        reply: Reply = self._answer(plain, wire, NoRequest(), context or self._context)
        return reply

    def health_check(self, *, bill: bool = False, model: str | None = None) -> HealthStatus:
        """Say whether the provider answers: lists its models where it can.

        With `bill` and a model, asks for one token. Never raises ProviderError: the failure is the reason.
        """
        from llmclient import health  # here, since most programs never ask

        return health.check(self, model if bill else None)

    def check_configuration(self) -> None:
        """Work out address and key without any I/O; raises ConfigurationError for what is missing."""
        self._endpoint(self._bind(next(dialect for slot in OPERATIONS if (dialect := getattr(self, slot)) is not None)))

    # Sending.

    def _policy(self, context: RequestContext) -> tuple[Timeout, Retry, Gate, Transport]:
        own = self._policies.get("own")
        if own is None:
            from llmclient.policies import make_policies

            # Two threads may make them at the same time; one wins, so that all wait at the same gate.
            own = self._policies.setdefault("own", make_policies(self._timeout, self._retry, self.config.max_retries, self._gate, self._transport))
        if context.timeout is None and context.retry is None:
            return own
        return context.timeout or own.timeout, context.retry or own.retry, own.gate, own.transport

    def _begin(self, request: Any, context: RequestContext) -> tuple[Call, Tries, Transport]:
        from llmclient.deadline import Call
        from llmclient.retry import Tries

        timeout, retry, gate, transport = self._policy(context)
        call = Call(timeout, provider=self.label, model=request.model or None)
        if context.group is not None:
            context.group.add(call)
        return call, Tries(retry, call, gate, (self.label, self._fingerprint, request.model), self._on_attempt), transport

    def _answer(self, dialect: Dialect[Any, A], wire: WireRequest, request: Any, context: RequestContext) -> A:
        send = self._sender(dialect, wire, request)
        call, tries, transport = self._begin(request, context)
        decode: Callable[[bytes, str, str], A] = (wire.dialect or dialect).decode

        def once() -> tuple[tuple[A, bytes, Mapping[str, str], str | None], int]:
            exchange = send(transport, call)
            raw = exchange.read()
            headers = exchange.headers
            known = request_id(headers)
            return (decode(raw, request.model, known or ""), raw, headers, known), exchange.status

        try:
            answer, raw, headers, known = tries.run(self._claimed(once, request.model, send))
        except ProviderError as error:
            failure = [self._claim(error, request.model, send).with_facts(attempts=tries.attempts)]
        else:
            attach(answer, self._meta(wire, request, context, headers, known, raw, tries, send))
            return answer
        finally:
            if context.group is not None:
                context.group.discard(call)
        raise failure.pop().with_traceback(None)

    def _claimed(self, once: Callable[[], T], model: str, send: Sender) -> Callable[[], T]:
        def claimed() -> T:
            try:
                return once()
            except ProviderError as error:
                failure = [self._claim(error, model, send)]
            # The frames below hold the body, which may repeat the key.
            raise failure.pop().with_traceback(None)

        return claimed

    def _open(self, dialect: Any, wire: WireRequest, request: ChatRequest, context: RequestContext) -> tuple[Reader, Call]:
        from llmclient.streaming import Reader

        send = self._sender(dialect, wire, request)
        call, tries, transport = self._begin(request, context)
        decoder = (wire.dialect or dialect).stream

        def once() -> tuple[tuple[Exchange, ChatDecoder], int]:
            call.expect_first_event()
            exchange = send(transport, call)
            return (exchange, decoder(request.model, request_id(exchange.headers) or "")), exchange.status

        def claim(error: ProviderError) -> ProviderError:
            return self._claim(error, request.model, send)

        def describe(headers: Mapping[str, str]) -> Meta:
            return self._meta(wire, request, context, headers, request_id(headers), b"", tries, send)

        opener = self._claimed(once, request.model, send)
        try:
            return Reader(lambda: tries.run(opener), tries, call, claim, describe), call
        except ProviderError as error:
            failure = [claim(error).with_facts(attempts=tries.attempts)]
        raise failure.pop().with_traceback(None)

    def _sender(self, dialect: AnyDialect, wire: WireRequest, request: Any) -> Sender:
        try:
            endpoint = self._endpoints.get((dialect.base_url, dialect.auth)) or self._endpoint(dialect)
            return Sender(self.label, endpoint, wire, request.headers, dialect.error, self.idempotency_header)
        except ProviderError as error:
            failure = [self._claim(error, request.model)]
        raise failure.pop().with_traceback(None)

    def _meta(
        self,
        wire: WireRequest,
        request: Any,
        context: RequestContext,
        headers: Mapping[str, str],
        known_id: str | None,
        raw: bytes,
        tries: Tries,
        send: Sender,
    ) -> Meta:
        return _make_meta(
            provider=self.label,
            request_id=known_id,
            headers=headers,
            raw=raw if context.keep else b"",
            attempts=tries.attempts,
            request=send.sent() if context.keep else None,
            warnings=wire.warnings,
            model_info=self.model_info(request.model),
        )

    # Where and how, worked out at the first call.

    def _endpoint(self, dialect: AnyDialect) -> Endpoint:
        """Return where this dialect's requests go; raises ConfigurationError for what is missing."""
        if self.retired is not None:
            raise retirement(self.label, self.retired)
        auth: Auth = dialect.auth or self.auth
        sign = auth.bind(self.config, self.env.get("api_key", ()))
        settings = {header: str(value) for header, name in self.setting_headers.items() if (value := self.config.get(name))}
        headers = {**self.headers, **settings, **self.config.headers}
        endpoint = make_endpoint(self.address(dialect.base_url), sign, headers, auth.secret_headers, self._secrets, is_constant(self.label, sign))
        self._endpoints[dialect.base_url, dialect.auth] = endpoint
        return endpoint

    def address(self, other: str | None = None) -> str:
        """Return the base address: the caller's, or the provider's with its options filled in.

        Raises ConfigurationError for an address that is missing or malformed, and for an option that could move the request to another host.
        """
        return base_address(self.config, other or self.base_url, self.options, self.env)
