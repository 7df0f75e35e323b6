"""The front door: one Client, any number of threads, every provider.

    client = llmclient.Client(timeout=60)
    client.chat("groq/llama-3.3-70b-versatile", "hi").text
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias, Unpack

import attrs

from llmclient import registry
from llmclient.errors import ConfigurationError, InvalidRequestError, ProviderError
from llmclient.provider import Provider, ProviderConfig, RequestContext
from llmclient.redaction import Hidden
from llmclient.settings import POLICY, Policy, Settings, check_retry, read_providers, read_timeout, take_policy
from llmclient.types.chat import ChatRequest, ChatResponse
from llmclient.types.embeddings import EmbeddingRequest, EmbeddingResponse
from llmclient.types.listing import ListModelsResponse
from llmclient.types.making import maker
from llmclient.types.media import is_list
from llmclient.types.messages import JSONObject, Message, read_messages
from llmclient.types.options import ChatOptions, check_names, read_options

if TYPE_CHECKING:
    import concurrent.futures

    import requests

    from llmclient.deadline import Timeout
    from llmclient.fanout import Item, Progress
    from llmclient.models import ModelInfo
    from llmclient.retry import CallGroup, OnAttempt, Retry
    from llmclient.streaming import ChatStream
    from llmclient.transport import Transport
    from llmclient.types.reply import Reply
    from llmclient.types.rerank import Document, RerankResponse
    from llmclient.types.tokens import CountTokensResponse

Messages: TypeAlias = str | Message | JSONObject | Sequence[str | Message | JSONObject]
Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
_make_request: Final = maker(ChatRequest)
_EMBED_KNOWN: Final = frozenset({"dimensions", "encoding_format", "input_type", "truncate", "user", "extra", "headers"}) | POLICY
_RERANK_KNOWN: Final = frozenset({"top_n", "return_documents", "max_tokens_per_doc", "extra", "headers"}) | POLICY
_COUNT_KNOWN: Final = frozenset({"system", "tools", "extra", "headers"}) | POLICY
_ROUTES_AT_MOST: Final = 1024
_CONNECTIONS_AT_MOST: Final = 65_535
"""There are no more ports to connect from; a pool makes a place for each, so that a huge number would take minutes and all memory."""


class Client:
    """Calls models of any provider. Thread-safe, fork-safe and picklable; cheap to make, and to share.

    `providers` holds settings by name: {"groq": {"api_key": "…"}}, or new names that say which adapter they use:
    {"azure-eu": {"adapter": "azure_openai", …}}. What is not given is read from the environment when a provider is first used.
    """

    def __init__(
        self,
        *,
        timeout: Timeout | float | None = None,
        retry: Retry | None = None,
        max_connections: int = 100,
        strict: bool = False,
        providers: Mapping[str, ProviderConfig | Mapping[str, Any]] | None = None,
        session: requests.Session | None = None,
        proxies: Mapping[str, str] | None = None,
        verify: bool | str | None = None,
        cert: str | tuple[str, str] | None = None,
        on_attempt: OnAttempt | None = None,
    ) -> None:
        """Check the settings' shapes, without I/O; raises ConfigurationError for a malformed or unknown one."""
        read = read_providers(providers or {})
        providers = None  # from here on, whatever is raised shows no key among this frame's locals
        if isinstance(read, ConfigurationError):
            raise read
        check_retry(retry)
        if isinstance(max_connections, bool) or not isinstance(max_connections, int) or not 1 <= max_connections <= _CONNECTIONS_AT_MOST:
            raise ConfigurationError("llmclient", f"max_connections must be a whole number from 1 to {_CONNECTIONS_AT_MOST}, got {max_connections!r:.50}")
        self._setup(
            Settings(
                timeout=read_timeout(timeout),
                retry=retry,
                max_connections=max_connections,
                strict=strict,
                providers=read,
                session=session,
                proxies=proxies,
                verify=verify,
                cert=cert,
                on_attempt=on_attempt,
            )
        )

    def _setup(self, settings: Settings, parent: Client | None = None) -> None:
        self._settings = settings
        self._shared: _Shared = _Shared(settings) if parent is None else parent._shared
        self._providers: dict[str, Provider] = {}
        self._routes: dict[str, tuple[Provider, str]] = {}
        self._context: dict[str, RequestContext] = {}

    def __repr__(self) -> str:
        # A traceback may show a client that is not made yet.
        settings = getattr(self, "_settings", None)
        given = ", ".join(sorted(settings.providers) if settings else ()) or "from the environment"
        return f"<Client, providers: {given}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._settings,)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are this client's own; the process's shared ones stay."""
        self._shared.close()

    def with_options(
        self,
        *,
        timeout: Timeout | float | None = None,
        retry: Retry | None = None,
        strict: bool | None = None,
        providers: Mapping[str, ProviderConfig | Mapping[str, Any]] | None = None,
        on_attempt: OnAttempt | None = None,
    ) -> Client:
        """Return a client with other settings that shares this one's connections; None leaves a setting as it is."""
        check_retry(retry)
        changes: dict[str, Any] = {"timeout": read_timeout(timeout), "retry": retry, "strict": strict, "on_attempt": on_attempt}
        if providers is not None:
            read = read_providers(providers)
            providers = None
            if isinstance(read, ConfigurationError):
                raise read
            changes["providers"] = {**self._settings.providers, **read}
        other = object.__new__(Client)
        other._setup(attrs.evolve(self._settings, **{name: value for name, value in changes.items() if value is not None}), self)
        return other

    # Calls.

    def chat(self, model: str, messages: Messages, **options: Unpack[ChatOptions]) -> ChatResponse:
        """Ask `model` ("provider/model") and wait for the whole answer.

        Messages are a str, or a list of dicts in OpenAI's shape or of `Message`. Raises TypeError for an unknown keyword and
        ProviderError for everything else that goes wrong.
        """
        provider, request, context = self._prepare(model, messages, options)  # type: ignore[arg-type]  # a TypedDict is a dict at run time
        return provider.chat_completion(request, context)

    def stream(self, model: str, messages: Messages, **options: Unpack[ChatOptions]) -> ChatStream:
        """Ask `model` and return the chunks of its answer; connects now, so a refused key raises here."""
        provider, request, context = self._prepare(model, messages, options)  # type: ignore[arg-type]  # a TypedDict is a dict at run time
        return provider.chat_completion_stream(request, context)

    def embed(self, model: str, texts: str | Sequence[str | Sequence[int]], **options: Any) -> EmbeddingResponse:
        """Turn texts into vectors.

        Options: dimensions, encoding_format, input_type, truncate, user, extra, headers, and timeout, retry, strict, api_key,
        api_base as for `chat`. Raises as `chat` does.
        """
        provider, name, context = self._route(model, options, _EMBED_KNOWN, "embed")
        try:
            fields = {key: value for key, value in options.items() if value is not None}
            request = EmbeddingRequest(model=name, input=_read_texts(texts), **fields)
        except ProviderError as error:
            failure = [error.with_facts(provider=provider.label, model=name)]
        else:
            return provider.embeddings(request, context)
        raise failure.pop().with_traceback(None)

    def map(
        self,
        model: str,
        prompts: Iterable[Messages],
        *,
        workers: int = 32,
        ordered: bool = True,
        executor: concurrent.futures.Executor | None = None,
        progress: bool | Progress = False,
        keep: bool = False,
        **options: Unpack[ChatOptions],
    ) -> Iterator[Item[ChatResponse]]:
        """Ask `model` each of the prompts, many at once, and yield items in order or as they complete.

        An item has `index`, `ok`, `response` and `error`. Prompts are pulled as needed, at most 2 x `workers` ahead. With `keep`
        the responses hold their raw bytes and the request. `executor` may be any concurrent.futures.Executor, of processes too.
        Bad options raise here, before the first prompt is read.
        """
        from llmclient import fanout
        from llmclient.retry import CallGroup

        fanout.check_workers(workers)
        group = CallGroup() if executor is None else None
        ask = _Ask(self, model, dict(options), keep, group)
        options.clear()  # type: ignore[attr-defined]  # a TypedDict is a dict at run time; whatever is raised shows this frame's locals
        ask.check()
        if executor is not None:
            return fanout.run(ask, prompts, workers=workers, ordered=ordered, executor=executor, progress=progress)
        width = min(workers, self._settings.max_connections)
        return fanout.run(ask, prompts, workers=width, ordered=ordered, group=group, progress=progress)

    def count_tokens(self, model: str, messages: Messages, **options: Any) -> CountTokensResponse:
        """Ask how long a prompt is, without an answer to it.

        Options: system, tools, extra, headers, and timeout, retry, strict, api_key, api_base as for `chat`. Raises as `chat` does;
        NotSupportedError where the provider does not count.
        """
        from llmclient.types.tokens import CountTokensRequest

        provider, name, context = self._route(model, options, _COUNT_KNOWN, "count_tokens")
        try:
            system = options.pop("system", None)
            request = CountTokensRequest(model=name, messages=read_messages(messages, system), **read_options(options))
        except ProviderError as error:
            failure = [error.with_facts(provider=provider.label, model=name)]
        else:
            counted: CountTokensResponse = provider.perform(request, context)
            return counted
        raise failure.pop().with_traceback(None)

    def rerank(self, model: str, query: str, documents: Sequence[Document], **options: Any) -> RerankResponse:
        """Put documents in the order in which they answer a question.

        Options: top_n, return_documents, max_tokens_per_doc, extra, headers, and timeout, retry, strict, api_key, api_base as for
        `chat`. Raises as `chat` does; NotSupportedError where the provider does not rerank.
        """
        from llmclient.types.rerank import RerankRequest

        provider, name, context = self._route(model, options, _RERANK_KNOWN, "rerank")
        if not is_list(documents) or not documents:
            raise InvalidRequestError(provider.label, "documents must be a list of at least one text", param="documents", model=name)
        fields = {key: value for key, value in options.items() if value is not None}
        try:
            request = RerankRequest(model=name, query=query, documents=tuple(documents), **fields)
        except ProviderError as error:
            failure = [error.with_facts(provider=provider.label, model=name)]
        else:
            ranked: RerankResponse = provider.perform(request, context)
            return ranked
        raise failure.pop().with_traceback(None)

    def list_models(self, provider: str, **options: Any) -> ListModelsResponse:
        """Ask which models this key may use at a provider; raises as `chat` does."""
        found, context = self._route_provider(provider, options, "list_models")
        return found.available_models(context)

    def request(self, provider: str, method: Method, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None, **options: Any) -> Reply:
        """Send anything that no method covers, with the provider's key, pool, deadline and errors.

        `path` is relative to the provider's address. The reply has `json()`, `raw` and `headers`.
        """
        given = Hidden(headers or {})
        headers = None  # whatever is raised from here on shows this frame's locals
        found, context = self._route_provider(provider, options, "request")
        return found.request(method, path, json=json, headers=given, context=context)

    # Facts.

    def provider(self, name: str) -> Provider:
        """Return the provider of a name, alias or instance; raises ConfigurationError, with the nearest name, for an unknown one."""
        registry.check_name(name)
        # Two threads may make one at the same time; setdefault lets one win, without a lock that a fork could find held.
        return self._providers.get(name) or self._providers.setdefault(name, self._make(name))

    def get_model_info(self, model: str) -> ModelInfo | None:
        """Return what is known of a model, or None."""
        provider, name = self._find(model)
        return provider.model_info(name)

    # How a call finds its provider.

    def _prepare(self, model: str, messages: Messages, options: dict[str, Any], group: CallGroup | None = None) -> tuple[Provider, ChatRequest, RequestContext]:
        provider, name, context = self._route(model, options, None, "chat")
        try:
            system = options.pop("system", None)
            request = _make_request(model=name, messages=read_messages(messages, system), **read_options(options))
        except ProviderError as error:
            failure = [error.with_facts(provider=provider.label, model=name)]
        else:
            return provider, request, context if group is None else attrs.evolve(context, group=group)
        raise failure.pop().with_traceback(None)

    def _route(self, model: str, options: dict[str, Any], known: frozenset[str] | None, call: str) -> tuple[Provider, str, RequestContext]:
        # The key leaves the options first of all: a traceback shows the locals of every frame.
        policy = take_policy(options)
        if options:
            check_names(options) if known is None else check_names(options, known, call)
        provider, name = (self._routes.get(model) if model.__class__ is str else None) or self._find(model)
        if policy is None:
            return provider, name, self._default_context(provider)
        provider = policy.account(provider)
        return provider, name, policy.context(provider, self._settings)

    def _route_provider(self, name: str, options: dict[str, Any], call: str) -> tuple[Provider, RequestContext]:
        policy = take_policy(options)
        check_names(options, POLICY, call)
        provider = self.provider(name)
        if policy is None:
            return provider, self._default_context(provider)
        provider = policy.account(provider)
        return provider, policy.context(provider, self._settings)

    def _default_context(self, provider: Provider) -> RequestContext:
        context = self._context.get(provider.label)
        if context is None or context.config is not provider.config:
            context = Policy().context(provider, self._settings)
            self._context[provider.label] = context
        return context

    def _find(self, model: str) -> tuple[Provider, str]:
        if not isinstance(model, str) or not model:
            shown = repr(model) if isinstance(model, str) else type(model).__name__
            raise InvalidRequestError("llmclient", f'model must be a str such as "openai/gpt-4o-mini", got {shown}', param="model")
        name, model_id = registry.resolve(model, self._settings.providers)
        found = self.provider(name), model_id
        if len(self._routes) < _ROUTES_AT_MOST:
            self._routes[model] = found
        return found

    def _make(self, name: str) -> Provider:
        canonical, config, adapter = self._configured(name)
        config = config.filled(adapter.env) if config.adapter is None else config.filled(_without_base(adapter.env))
        shared = self._shared
        return adapter(
            attrs.evolve(config, provider=canonical),
            transport=shared.transport(),
            timeout=self._settings.timeout,
            retry=self._settings.retry,
            gate=shared.gate,
            on_attempt=self._settings.on_attempt,
        )

    def _configured(self, name: str) -> tuple[str, ProviderConfig, type[Provider]]:
        given = self._settings.providers.get(name)
        if given is not None and given.adapter is not None:
            adapter = registry.adapter(given.adapter)
            return name, given, adapter
        canonical = registry.canonical(name)
        adapter = registry.adapter(canonical)
        for other, config in self._settings.providers.items():
            if config.adapter is None and registry.canonical(other) == canonical:
                return canonical, config, adapter
        return canonical, ProviderConfig(provider=canonical), adapter


def _without_base(env: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """An instance has an account of its own, so only what the environment says of the key applies to it."""
    return {setting: names for setting, names in env.items() if setting != "api_base"}


class _Shared:
    """What a client and those made from it by `with_options` have in common."""

    def __init__(self, settings: Settings) -> None:
        from llmclient.retry import Gate

        self._settings = settings
        self._transports: dict[str, Transport] = {}
        self.gate = Gate()

    def transport(self) -> Transport:
        """Return the transport, made at the first call."""
        return self._transports.get("own") or self._transports.setdefault("own", self._make())

    def _make(self) -> Transport:
        from llmclient.transport import Transport

        s = self._settings
        return Transport(s.session, max_connections=s.max_connections, proxies=s.proxies, verify=s.verify, cert=s.cert)

    def close(self) -> None:
        """Close what is our own."""
        for transport in list(self._transports.values()):
            transport.close()


@attrs.frozen
class _Ask:
    """One call of `map`; pickles without its group, so that other processes can run it."""

    client: Client
    model: str
    options: dict[str, Any] = attrs.field(repr=False)
    keep: bool = False
    group: CallGroup | None = None

    def __call__(self, prompt: Messages) -> ChatResponse:
        provider, request, context = self.client._prepare(self.model, prompt, dict(self.options), self.group)
        return provider.chat_completion(request, attrs.evolve(context, keep=self.keep))

    def check(self) -> None:
        """Raise what is wrong with the options."""
        self.client._prepare(self.model, "?", dict(self.options))

    def __reduce__(self) -> tuple[Any, ...]:
        return _Ask, (self.client, self.model, self.options, self.keep)


def _restore(settings: Settings) -> Client:
    client = object.__new__(Client)
    client._setup(settings)
    return client


def _read_texts(texts: Any) -> tuple[str | Sequence[int], ...]:
    if isinstance(texts, str):
        return (texts,)
    if not is_list(texts):
        raise InvalidRequestError("", f"texts must be a str or a list of str, got {type(texts).__name__}", param="input")
    if not texts:
        raise InvalidRequestError("", "texts is empty; pass at least one text", param="input")
    if isinstance(texts[0], int):
        return (tuple(texts),)
    return tuple(texts)


_defaults: Final[dict[str, Client]] = {}
"""The process's default client, under one name; a dict, since its setdefault needs no lock that a fork could find held."""


def default_client() -> Client:
    """Return the process's default client, made with default settings at its first use."""
    return _defaults.get("client") or _defaults.setdefault("client", Client())


def chat(model: str, messages: Messages, **options: Unpack[ChatOptions]) -> ChatResponse:
    """Ask on the default client; see `Client.chat`."""
    return default_client().chat(model, messages, **options)


def stream(model: str, messages: Messages, **options: Unpack[ChatOptions]) -> ChatStream:
    """Stream on the default client; see `Client.stream`."""
    return default_client().stream(model, messages, **options)


def embed(model: str, texts: str | Sequence[str | Sequence[int]], **options: Any) -> EmbeddingResponse:
    """Embed on the default client; see `Client.embed`."""
    return default_client().embed(model, texts, **options)


def map(model: str, prompts: Iterable[Messages], **options: Any) -> Iterator[Item[ChatResponse]]:
    """Fan out on the default client; see `Client.map`."""
    return default_client().map(model, prompts, **options)


def get_model_info(model: str) -> ModelInfo | None:
    """Return what is known of a model, or None; needs no key."""
    name, model_id = registry.resolve(model)
    return registry.adapter(name)().model_info(model_id)


def get_available_models(provider: str | None = None) -> tuple[str, ...]:
    """Return the ids of the models that are known of a provider, or of all, as "provider/model"; asks nobody."""
    if provider is not None:
        return tuple(row[0] for row in registry.adapter(provider).rows)
    return tuple(f"{name}/{row[0]}" for name in registry.names() for row in registry.adapter(name).rows)
