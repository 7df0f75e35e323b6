"""The provider trait: what is checked before I/O, what is sent, what comes of answers and failures."""

from __future__ import annotations

import concurrent.futures
import json
import pickle
import threading
import traceback
from decimal import Decimal

import pytest

from llmclient import errors
from llmclient.auth import Bearer, HeaderKey, NoAuth
from llmclient.dialects.openai import OpenAIChat, OpenAIEmbeddings, OpenAIModels
from llmclient.provider import Capability, Provider, ProviderConfig, RequestContext
from llmclient.retry import Retry
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.types.config import Option, Retired
from llmclient.types.embeddings import EmbeddingRequest
from tests.wireserver import WireServer, answers, http_response, ok

KEY = "k-0123456789"
ANSWER = {"id": "c", "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}
JSON = {"Content-Type": "application/json"}


class Acme(Provider):
    """An adapter as the generator would write it."""

    name = "acme"
    base_url = "https://api.acme.invalid/v1"
    env = {"api_key": ("ACME_API_KEY",), "api_base": ("ACME_API_BASE",)}
    chat = OpenAIChat(unsupported=frozenset({"seed"}), temperature_range=(0.0, 1.0))
    embed = OpenAIEmbeddings()
    list_models = OpenAIModels()
    rows = (("m", "Model", 1000, 100, "chat", "tools vision", "input=1 output=2", ""),)


def acme(server: WireServer | None = None, cls: type[Provider] = Acme, **settings):
    """Return a provider that talks to the server."""
    base = {} if server is None else {"api_base": server.url + "/v1"}
    return cls({"api_key": KEY} | base | settings, retry=Retry(min_wait=0.0))


def ask(**options) -> ChatRequest:
    """Return a short question."""
    return ChatRequest.make("m", "hello", **options)


def answer(**more) -> bytes:
    """Return a chat answer."""
    return ok(json.dumps(ANSWER | more).encode())


def failure(status: int, body: object = None, headers: dict[str, str] | None = None) -> bytes:
    """Return an error answer."""
    return http_response(status, JSON | (headers or {}), json.dumps(body or {"error": {"message": "no"}}).encode())


# What is sent.


def test_a_call_sends_what_the_dialect_wrote():
    """To the path under the address, with the key."""
    with WireServer(answer()) as server:
        response = acme(server).chat_completion(ask(temperature=0))
        [request] = server.requests
    assert response.text == "hi"
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {"model": "m", "messages": [{"role": "user", "content": "hello"}], "temperature": 0}


def test_the_response_tells_how_it_came_about():
    """Id, headers, bytes, attempts, cost, and the request without its key."""
    body = json.dumps(ANSWER | {"usage": {"prompt_tokens": 1_000_000, "completion_tokens": 1}}).encode()
    with WireServer(ok(body, {"X-Request-Id": "r1"})) as server:
        response = acme(server).chat_completion(ask())
    assert (response.provider, response.request_id, response.raw, response.headers["x-request-id"]) == ("acme", "r1", body, "r1")
    assert [attempt.status for attempt in response.attempts] == [200]
    assert str(response.cost) == "1.000002"
    assert response.request.url.endswith("/v1/chat/completions")
    assert response.request.json()["messages"][0]["content"] == "hello"
    assert KEY not in repr(response.request) + repr(response.request.headers)
    assert response.request.headers["authorization"] == "***"


def test_headers_are_added_for_a_call_and_for_a_provider():
    """The call's win; what looks secret is masked in the record."""
    with WireServer(answer()) as server:
        response = acme(server, headers={"X-Team": "a", "X-Trace": "1"}).chat_completion(ask(headers={"X-Trace": "2", "X-Secret": "hush-hush"}))
    assert server.requests[0].headers["x-team"] == "a"
    assert server.requests[0].headers["x-trace"] == "2"
    assert server.requests[0].headers["x-secret"] == "hush-hush"
    assert response.request.headers["X-Secret"] == "***"
    assert "hush-hush" not in repr(response.request)


def test_settings_may_be_sent_in_headers():
    """Where they are set."""

    class Divided(Acme):
        setting_headers = {"Acme-Organization": "organization", "Acme-Project": "project"}

    with WireServer(answer()) as server:
        acme(server, Divided, organization="o-1").chat_completion(ask())
        [request] = server.requests
    assert request.headers["acme-organization"] == "o-1"
    assert "acme-project" not in request.headers


def test_an_idempotency_key_is_the_same_for_every_attempt():
    """So that a repeated request is not billed twice; another call has another."""

    class Careful(Acme):
        idempotency_header = "Idempotency-Key"

    with WireServer(answers(failure(500), answer(), answer())) as server:
        one = acme(server, Careful)
        one.chat_completion(ask())
        one.chat_completion(ask())
        first, again, other = (request.headers["idempotency-key"] for request in server.requests)
    assert first == again != other


@pytest.mark.parametrize("count", [0, 1, 3])
def test_fewer_or_more_vectors_than_texts_are_no_answer(count):
    """Which text a vector belongs to could only be guessed."""
    body = json.dumps({"data": [{"index": index, "embedding": [0.5]} for index in range(count)], "model": "e"}).encode()
    with WireServer(ok(body)) as server, pytest.raises(errors.ResponseParsingError) as caught:
        acme(server).embeddings(EmbeddingRequest(model="e", input=("a", "b")))
    assert caught.value.provider == "acme"


def test_embeddings_and_models_go_their_own_ways():
    """Each operation has its path and method."""
    vectors = ok(json.dumps({"data": [{"index": 0, "embedding": [0.5]}], "model": "e"}).encode())
    models = ok(json.dumps({"data": [{"id": "a"}, {"id": "b"}]}).encode())
    with WireServer(answers(vectors, models)) as server:
        one = acme(server)
        assert one.embeddings(EmbeddingRequest(model="e", input=("x",))).vectors == [[0.5]]
        assert list(one.available_models()) == ["a", "b"]
        assert [(request.method, request.path) for request in server.requests] == [("POST", "/v1/embeddings"), ("GET", "/v1/models")]


def test_anything_else_can_be_sent_with_the_same_key():
    """The escape hatch has the same errors, too."""
    with WireServer(answers(ok(b'{"a": 1}', {"x-request-id": "r"}), failure(404), answer())) as server:
        one = acme(server)
        reply = one.request("post", "/files", json={"x": 1}, headers={"X-A": "b"})
        assert (reply.json(), reply.request_id, reply.provider) == ({"a": 1}, "r", "acme")
        with pytest.raises(errors.ProviderError, match="acme: no"):
            one.request("GET", "/missing")
        assert [(r.method, r.path, r.body) for r in server.requests] == [("POST", "/v1/files", b'{"x":1}'), ("GET", "/v1/missing", b"")]
        with pytest.raises(errors.InvalidRequestError, match="begin with a slash"):
            one.request("GET", "files")


# What is refused before I/O.


@pytest.fixture
def silent():
    """A server that must not be spoken to."""
    with WireServer(answer()) as server:
        yield server
        assert server.connections == 0


def test_a_missing_key_says_which_variable_to_set(silent):
    """And how to pass it."""
    with pytest.raises(errors.ConfigurationError, match="ACME_API_KEY is not set; set it or pass Client"):
        Acme({"api_base": silent.url}).chat_completion(ask())


def test_a_key_with_a_line_break_is_refused_without_being_shown(silent):
    """It would have been a header of its own."""
    with pytest.raises(errors.ConfigurationError, match="(?i)authorization") as raised:
        acme(silent, api_key="k-012345\r\nX-Evil: 1").chat_completion(ask())
    assert "k-012345" not in str(raised.value) + repr(raised.value.__dict__)


@pytest.mark.parametrize("base", ["http://", "http://[", "http://host:port", "http://host:99999", "https://user:pass@host/v1", "https://host/v1?a=b", "https://host/v1#x"])
def test_an_address_that_is_no_plain_url_is_refused(base):
    """At the first call."""
    with pytest.raises(errors.ConfigurationError, match="api_base") as raised:
        Acme({"api_key": KEY, "api_base": base}).chat_completion(ask())
    assert "pass@" not in str(raised.value)


def test_an_address_without_a_scheme_is_refused_at_once():
    """Its shape is checked when the provider is made."""
    with pytest.raises(errors.ConfigurationError, match="is not a URL"):
        Acme({"api_base": "localhost:8000"})


def test_a_provider_without_an_address_asks_for_one():
    """As openai_compatible does."""

    class Nowhere(Provider):
        name = "nowhere"
        env = {"api_base": ("NOWHERE_API_BASE",)}
        chat = OpenAIChat()

    with pytest.raises(errors.ConfigurationError, match="there is no address; set NOWHERE_API_BASE or pass api_base="):
        Nowhere({"api_key": KEY}).chat_completion(ask())


class Regional(Acme):
    """A provider whose host depends on settings."""

    base_url = "https://{account}.{region}.acme.invalid/v1"
    options = (Option("account", required=True), Option("region", default="eu"))
    env = {"account": ("ACME_ACCOUNT",)}


def test_a_host_may_be_given_with_its_scheme():
    """As DATABRICKS_HOST usually is."""
    assert Regional({"api_key": KEY, "account": "https://a-1/"}).address() == "https://a-1.eu.acme.invalid/v1"


def test_host_parts_are_filled_in():
    """From settings, else from their defaults."""
    assert Regional({"api_key": KEY, "account": "a-1"}).address() == "https://a-1.eu.acme.invalid/v1"
    assert Regional({"api_key": KEY, "account": "a-1", "region": "us"}).address() == "https://a-1.us.acme.invalid/v1"


@pytest.mark.parametrize("value", ["evil.test/x", "http://a", "https://a@b", "a@evil.test", "a:80", "a?b", "a#b", "a b", "..", "a..b", "-a", "", "ä"])
def test_a_host_part_cannot_move_the_request(value):
    """The key stays with the provider."""
    with pytest.raises(errors.ConfigurationError, match="account"):
        Regional({"api_key": KEY, "account": value}).chat_completion(ask())


def test_a_missing_host_part_says_what_to_set():
    """By its variable."""
    with pytest.raises(errors.ConfigurationError, match=r'account is not set; set ACME_ACCOUNT, or pass Client\(providers=\{"acme": \{"account": "…"\}\}\)'):
        Regional({"api_key": KEY}).chat_completion(ask())


def test_a_retired_service_says_so(silent):
    """With date, reason and successor."""

    class Gone(Acme):
        retired = Retired(date="2026-07-30", reason="the service was shut down", successor="openai")

    with pytest.raises(errors.ConfigurationError, match="retired on 2026-07-30: the service was shut down; use 'openai' instead"):
        acme(silent, Gone).chat_completion(ask())


def test_a_missing_operation_is_not_supported(silent):
    """And the error lists what is there."""

    class Embedder(Provider):
        name = "embedder"
        embed = OpenAIEmbeddings()

    with pytest.raises(errors.NotSupportedError, match="chat is not offered here; embed is"):
        acme(silent, Embedder).chat_completion(ask())
    with pytest.raises(errors.NotSupportedError, match="no chat api 'responses' here; there is openai"):
        acme(silent).chat_completion(ask(api="responses"))


def test_strict_refuses_what_would_be_dropped_or_clamped(silent):
    """All of it in one message."""
    context = RequestContext(provider="acme", config=ProviderConfig(), strict=True)
    with pytest.raises(errors.InvalidRequestError, match="temperature.*seed|seed.*temperature"):
        acme(silent).chat_completion(ask(temperature=2, seed=1), context)


def test_without_strict_it_is_a_warning():
    """And the call is made."""
    with WireServer(answer()) as server:
        warnings = acme(server).chat_completion(ask(temperature=2, seed=1)).warnings
    assert {(warning.kind, warning.param) for warning in warnings} == {("clamped", "temperature"), ("dropped", "seed")}


def test_what_json_cannot_carry_is_named(silent):
    """With the provider's name."""
    with pytest.raises(errors.InvalidRequestError, match=r"acme: .*\$.temperature is nan"):
        acme(silent, type("Plain", (Acme,), {"chat": OpenAIChat()})).chat_completion(ask(temperature=float("nan")))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("0.0.0.0:11434", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ("box", "http://box:11434"),
        ("box:1", "http://box:1"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:5", "http://[::1]:5"),
        ("https://box", "https://box:443"),
        ("http://box", "http://box:80"),
        ("http://box:9/ollama/", "http://box:9/ollama"),
    ],
)
def test_a_local_servers_own_variable_is_understood(given, meant):
    """OLLAMA_HOST names the place where the server listens."""

    class Local(Acme):
        default_port = 11434

    assert Local({"api_key": KEY, "api_base": given}).address() == meant


# What comes back.


@pytest.mark.parametrize(
    ("status", "cls", "attempts"),
    [
        (400, errors.InvalidRequestError, 1),
        (401, errors.AuthenticationError, 1),
        (402, errors.QuotaExceededError, 1),
        (403, errors.PermissionDeniedError, 1),
        (404, errors.ModelNotFoundError, 1),
        (408, errors.RequestTimeoutError, 3),
        (409, errors.ApiError, 3),
        (413, errors.InvalidRequestError, 1),
        (422, errors.InvalidRequestError, 1),
        (429, errors.RateLimitError, 3),
        (500, errors.ApiError, 3),
        (501, errors.NotSupportedError, 1),
        (502, errors.ProviderUnavailableError, 3),
        (503, errors.ProviderUnavailableError, 3),
        (504, errors.RequestTimeoutError, 3),
        (529, errors.ProviderUnavailableError, 3),
    ],
)
def test_a_status_has_its_class_and_its_number_of_attempts(status, cls, attempts):
    """As the server counts them."""
    with WireServer(failure(status, {"error": {"message": "the model is not there"}} if status == 404 else None)) as server:
        with pytest.raises(cls) as raised:
            acme(server).chat_completion(ask())
        assert len(server.requests) == attempts
    assert type(raised.value) is cls or status == 413
    assert (raised.value.provider, raised.value.status, raised.value.model, len(raised.value.attempts)) == ("acme", status, "m", attempts)


def test_a_redirect_is_not_followed():
    """The key would go along."""
    with WireServer(answer()) as target, WireServer(http_response(307, {"Location": target.url + "/v1/chat/completions"})) as server:
        with pytest.raises(errors.ApiError, match="redirects to 127.0.0.1; redirects are not followed"):
            acme(server).chat_completion(ask())
        assert target.connections == 0


def test_an_error_in_a_200_is_an_error():
    """And one that passes is tried again."""
    busy = ok(json.dumps({"error": {"message": "busy", "type": "rate_limit_error"}}).encode())
    with WireServer(answers(busy, answer())) as server:
        response = acme(server).chat_completion(ask())
        assert [(attempt.status, attempt.error) for attempt in response.attempts] == [(429, "RateLimitError"), (200, None)]


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"", b"[]", b'{"choices": null}', b"{}", b"\xff\xfe"])
def test_an_answer_that_is_none_is_a_parsing_error(body):
    """It names the provider, and is not tried again."""
    with WireServer(ok(body)) as server:
        with pytest.raises(errors.ResponseParsingError, match="acme"):
            acme(server).chat_completion(ask())
        assert len(server.requests) == 1


def test_an_echoed_key_is_redacted():
    """Whatever the key looks like."""
    with WireServer(failure(400, {"error": {"message": f"your key {KEY} may not do this"}})) as server, pytest.raises(errors.InvalidRequestError) as raised:
        acme(server).chat_completion(ask())
    error = raised.value
    assert KEY not in str(error) + repr(error) + str(error.body) + repr(error.args) + pickle.dumps(error).decode("latin-1")


@pytest.mark.parametrize("script", [failure(401), [lambda peer: peer.reset()], ok(b"<html>")], ids=["status", "reset", "garbage"])
def test_no_frame_of_a_traceback_shows_the_key(script):
    """Tools print the locals of every frame."""
    with WireServer(script) as server:
        one = acme(server, headers={"X-Api-Secret": "hush-hush"})
        try:
            one.chat_completion(ask())
        except errors.ProviderError as error:
            shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    ours = shown[shown.index("chat_completion") :]
    assert KEY not in ours
    assert "hush-hush" not in ours


# Facts.


def test_capabilities_come_from_slots_and_models():
    """Operations from the one, abilities from the other."""
    assert acme().capabilities == {
        Capability.CHAT_COMPLETION,
        Capability.CHAT_COMPLETION_STREAM,
        Capability.EMBEDDINGS,
        Capability.LIST_MODELS,
        Capability.TOOL_CALLING,
        Capability.VISION_INPUT,
    }


def test_supported_parameters_leave_out_what_is_not():
    """In their usual order."""
    supported = acme().get_supported_openai_params("m")
    assert "seed" not in supported
    assert "temperature" in supported
    assert list(supported) == sorted(supported, key=PARAMS.index)


def test_parameters_can_be_mapped_without_a_call():
    """Renamed, clamped, dropped; with the warnings."""
    mapped, warnings = acme().map_openai_params({"temperature": 2, "seed": 1, "max_tokens": 5}, "m")
    assert mapped == {"temperature": 1.0, "max_completion_tokens": 5}
    assert {warning.param for warning in warnings} == {"temperature", "seed"}


def test_the_pure_half_can_be_used_alone():
    """Requests, responses and errors without a network."""
    one = acme()
    wire = one.transform_request(ask())
    assert (wire.path, wire.body["model"]) == ("/chat/completions", "m")
    assert one.transform_response(json.dumps(ANSWER).encode(), "m").text == "hi"
    with pytest.raises(errors.ResponseParsingError, match="acme"):
        one.transform_response(b"?", "m")
    assert isinstance(one.get_error_mapper()(429, {}, b"{}"), errors.RateLimitError)
    assert one.get_error_mapper(operation="embed")(429, {}, b"{}").provider == "acme"


def test_costs_are_computed_or_unknown():
    """Never 0 for want of a price."""
    assert acme().calculate_cost("m", 1000, 1000) == Decimal("0.003")
    assert acme().calculate_cost("unknown", 1000, 1000) is None
    assert acme().models[0].context_length == 1000
    assert acme().model_info("unknown") is None


def test_health_is_told_not_raised():
    """With the time it took, or the reason."""
    with WireServer(answers(ok(b'{"data": []}'), failure(401))) as server:
        well, ill = acme(server).health_check(), acme(server).health_check()
    assert well.healthy
    assert 0 < well.latency < 5
    assert well.checked == "GET models"
    assert not ill.healthy
    assert "401" in ill.reason


def test_health_bills_only_if_asked_to(silent):
    """Without a list of models the settings are all that is checked."""

    class Chatty(Provider):
        name = "chatty"
        chat = OpenAIChat()

    status = acme(silent, Chatty).health_check()
    assert (status.healthy, status.checked, status.latency) == (True, "configuration", None)
    with WireServer(answer()) as server:
        assert acme(server, Chatty).health_check(bill=True, model="m").checked == "a chat of one token"
        assert json.loads(server.requests[0].body)["max_completion_tokens"] == 1


def test_models_may_speak_another_dialect():
    """The first glob that fits decides; the caller may decide otherwise."""

    class Mixed(Provider):
        name = "mixed"
        base_url = "https://x.invalid"
        auth = NoAuth()
        chat = OpenAIChat()
        chat_by_model = (("old-*", OpenAIChat(path="/old")),)
        rows = tuple((name, "", None, None, "chat", "", "", "api=other") for name in ("new-1", "old-9"))
        chat_apis = {"other": OpenAIChat(path="/other")}

    one = Mixed()
    paths = [one.transform_request(ChatRequest.make(model, "hi", api=api)).path for model, api in [("m", None), ("old-m", None), ("m", "other"), ("m", "openai"), ("new-1", None), ("old-9", None)]]
    assert paths == ["/chat/completions", "/old", "/other", "/chat/completions", "/other", "/other"]


def test_an_operation_may_have_its_own_host_and_key():
    """As embeddings do at some providers."""

    class Split(Provider):
        name = "split"
        base_url = "https://chat.invalid"
        auth = Bearer()
        chat = OpenAIChat()
        embed = OpenAIEmbeddings(base_url="https://embed.invalid", auth=HeaderKey("x-key"))

    one = Split({"api_key": KEY})
    chat, embed = one._endpoint(one.chat), one._endpoint(one.embed)
    assert (chat.url, embed.url) == ("https://chat.invalid", "https://embed.invalid")
    assert "x-key" in embed.masked
    assert KEY not in repr(chat) + repr(embed)


def test_a_provider_reads_the_environment_only_when_told_to(monkeypatch):
    """`Provider(config)` uses exactly what it is given."""
    monkeypatch.setenv("ACME_API_KEY", KEY)
    assert Acme().config.api_key is None
    assert Acme.from_env().config.api_key == KEY
    assert Acme(ProviderConfig(api_key="x")).config.provider == "acme"


def test_a_provider_pickles_with_what_was_given():
    """And shows no key."""
    one = pickle.loads(pickle.dumps(acme(api_base="http://x.invalid")))
    assert (one.config.api_key, one.label) == (KEY, "acme")
    assert KEY not in repr(one) + str(one.config)


def test_the_same_provider_serves_another_account():
    """With the same policy."""
    other = acme().with_config(ProviderConfig(provider="acme", api_key="k-other-account"))
    assert other._retry == Retry(min_wait=0.0)
    assert other._fingerprint != acme()._fingerprint


def test_retries_of_the_settings_count_after_the_first():
    """max_retries=1 means two attempts."""
    with WireServer(failure(500)) as server:
        with pytest.raises(errors.ApiError):
            acme(server, max_retries=1).chat_completion(ask())
        assert len(server.requests) == 2


def test_first_calls_of_two_threads_wait_at_one_gate(monkeypatch):
    """However their turns fall, both use the policies of the one that came first."""
    from llmclient import policies

    together, made = threading.Barrier(2, timeout=10), policies.make_policies

    def make(*args):
        together.wait()
        return made(*args)

    monkeypatch.setattr(policies, "make_policies", make)
    provider = acme()
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        first, second = executor.map(lambda _: provider._policy(provider._context), range(2))
    assert first[2] is second[2]
