"""The front door: models found by name, options checked, settings from the right place, many calls at once."""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import pickle
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc

import pytest
import requests

import llmclient
from llmclient import Client, Retry, Timeout, errors
from llmclient.simulator import Simulator
from tests.wireserver import WireServer, answers, http_response, ok, stall

KEY = "k-0123456789"
THINKING = {"type": "enabled", "budget_tokens": 100}


def body_of(text: str = "hi") -> bytes:
    """Return a chat answer's JSON."""
    return json.dumps({"id": "c", "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}).encode()


@pytest.fixture
def server():
    """A server that always answers "hi"."""
    with WireServer(ok(body_of())) as server:
        yield server


@pytest.fixture(scope="module")
def simulator():
    """A simulator for this module."""
    with Simulator() as simulator:
        yield simulator


def client(server, **settings) -> Client:
    """Return a client whose openai_compatible talks to the server."""
    providers = {"openai_compatible": {"api_key": KEY, "api_base": server.url + "/v1"}}
    return Client(providers=providers, retry=Retry(min_wait=0.0), **settings)


# Names.


@pytest.mark.parametrize("model", ["openai_compatible/m", "openai_compatible:m", "openai-compatible/m", "OpenAI_Compatible/m"])
def test_a_model_is_named_by_provider_and_id(server, model):
    """With a slash or a colon, in any case."""
    assert client(server).chat(model, "hello").text == "hi"
    assert json.loads(server.requests[0].body)["model"] == "m"


def test_a_models_id_may_hold_slashes_and_colons(server):
    """Only the first separator counts."""
    client(server).chat("openai_compatible/org/m:free", "hello")
    assert json.loads(server.requests[0].body)["model"] == "org/m:free"


def test_an_unknown_provider_is_an_error_with_the_nearest_name(server):
    """Never another vendor's address."""
    with pytest.raises(errors.ConfigurationError, match="unknown provider 'opena'.*openai"):
        client(server).chat("opena/gpt-4o", "hello")
    assert server.connections == 0


@pytest.mark.parametrize("model", ["", None, 5])
def test_a_model_must_be_named(server, model):
    """By a str."""
    with pytest.raises(errors.InvalidRequestError, match="model must be a str"):
        client(server).chat(model, "hello")


def test_an_instance_is_a_second_account_of_a_provider(server):
    """Its name is a prefix like any other."""
    one = Client(providers={"mine": {"adapter": "openai_compatible", "api_key": "k-mine-12345", "base_url": server.url}})
    response = one.chat("mine/m", "hello")
    assert response.provider == "mine"
    assert server.requests[0].headers["authorization"] == "Bearer k-mine-12345"


# Options.


def test_an_unknown_keyword_is_a_type_error(server):
    """With a suggestion, and nothing sent."""
    with pytest.raises(TypeError, match="did you mean 'temperature'"):
        client(server).chat("openai_compatible/m", "hello", temprature=1)
    with pytest.raises(TypeError, match="did you mean 'dimensions'"):
        client(server).embed("openai_compatible/m", ["a"], dimension=1)
    assert server.connections == 0


@pytest.mark.parametrize("messages", [[], "", [{"role": "user"}, 5], {"content": "x"}, None])
def test_senseless_messages_are_refused(server, messages):
    """Except an empty text, which is a text."""
    if messages == "":
        assert client(server).chat("openai_compatible/m", messages).text == "hi"
        return
    with pytest.raises(errors.InvalidRequestError) as raised:
        client(server).chat("openai_compatible/m", messages)
    assert raised.value.provider == "openai_compatible"
    assert server.connections == 0


def test_arguments_are_never_changed(server):
    """Neither messages nor options."""
    messages = [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]
    options = {"stop": ["a"], "extra": {"x": {"y": 1}}, "headers": {"X-A": "b"}, "metadata": {"a": "b"}}
    before = json.dumps([messages, options])
    client(server).chat("openai_compatible/m", messages, **options)
    assert json.dumps([messages, options]) == before


def test_falsy_values_are_sent(server):
    """0, False and "" are values."""
    client(server).chat("openai_compatible/m", "hello", temperature=0, logprobs=False, user="", seed=0)
    sent = json.loads(server.requests[0].body)
    assert (sent["temperature"], sent["logprobs"], sent["user"], sent["seed"]) == (0, False, "", 0)


def test_none_is_not_sent(server):
    """It means not given; null goes through extra."""
    client(server).chat("openai_compatible/m", "hello", temperature=None, extra={"top_p": None})
    sent = json.loads(server.requests[0].body)
    assert "temperature" not in sent
    assert sent["top_p"] is None


def test_a_calls_key_and_address_win(server):
    """For applications that serve many tenants."""
    one = Client()
    assert one.chat("openai/gpt-4o-mini", "hello", api_key="k-tenant-123", api_base=server.url).text == "hi"
    assert server.requests[0].headers["authorization"] == "Bearer k-tenant-123"
    assert server.requests[0].path == "/chat/completions"


def test_a_calls_timeout_and_retry_win():
    """Over those of the client."""
    with WireServer(http_response(500, {}, b"{}")) as server:
        with pytest.raises(errors.ApiError):
            client(server).chat("openai_compatible/m", "hello", retry=Retry(max_attempts=1))
        assert len(server.requests) == 1
    with WireServer([stall()]) as server:
        started = time.monotonic()
        with pytest.raises(errors.RequestTimeoutError, match="total"):
            client(server).chat("openai_compatible/m", "hello", timeout=0.1)
        assert time.monotonic() - started < 1


def test_strict_is_a_setting_of_client_and_call(server):
    """The call's wins."""
    lax, strict = client(server), client(server, strict=True)
    assert [w.param for w in lax.chat("openai_compatible/m", "hello", thinking=THINKING).warnings] == ["thinking"]
    for refused in (lambda: lax.chat("openai_compatible/m", "hello", thinking=THINKING, strict=True), lambda: strict.chat("openai_compatible/m", "hello", thinking=THINKING)):
        with pytest.raises(errors.InvalidRequestError, match="thinking"):
            refused()
    assert strict.chat("openai_compatible/m", "hello", thinking=THINKING, strict=False).text == "hi"


# Settings.


BAD = [
    {"timeout": -1},
    {"timeout": "5"},
    {"timeout": True},
    {"retry": 3},
    {"max_connections": 0},
    {"max_connections": "many"},
    {"providers": "openai"},
    {"providers": {"opena": {}}},
    {"providers": {"openai": "sk"}},
    {"providers": {"openai": {"api_kee": "x"}}},
    {"providers": {"openai": {"api_base": "localhost"}}},
    {"providers": {"mine": {"adapter": "nobody"}}},
]


@pytest.mark.parametrize("settings", BAD, ids=str)
def test_a_malformed_setting_is_refused_when_the_client_is_made(settings):
    """With a typed error."""
    with pytest.raises(errors.ConfigurationError):
        Client(**settings)


def test_a_missing_key_is_found_out_at_the_first_call():
    """Every name answers with its full trait before."""
    assert Client().provider("groq").name == "groq"
    with pytest.raises(errors.ConfigurationError, match="GROQ_API_KEY is not set"):
        Client().chat("groq/llama", "hello")


def test_the_environment_is_read_at_first_use_and_never_later(server, monkeypatch):
    """A change after it has no effect."""
    one = Client()
    monkeypatch.setenv("OPENAI_API_KEY", "k-from-env-1")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    one.chat("openai/m", "hello")
    monkeypatch.setenv("OPENAI_API_KEY", "k-from-env-2")
    one.chat("openai/m", "hello")
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer k-from-env-1"] * 2


def test_code_beats_the_environment(server, monkeypatch):
    """In this order: call, client, environment."""
    monkeypatch.setenv("OPENAI_API_KEY", "k-from-env-1")
    monkeypatch.setenv("OPENAI_API_BASE", server.url)
    one = Client(providers={"openai": {"api_key": "k-from-code"}})
    one.chat("openai/m", "hello")
    assert server.requests[0].headers["authorization"] == "Bearer k-from-code"


def test_settings_may_be_given_under_an_alias(server):
    """They hold for the provider, whatever it is called."""
    one = Client(providers={"openai-like": {"api_key": KEY, "api_base": server.url}})
    assert one.chat("openai_compatible/m", "hello").text == "hi"


def test_with_options_makes_another_client_on_the_same_connections(server):
    """None leaves a setting as it is."""
    one = client(server)
    other = one.with_options(timeout=10, strict=True, retry=Retry(max_attempts=1), providers={"openai": {"api_key": KEY}}, on_attempt=print)
    assert other._shared is one._shared
    assert (other._settings.strict, one._settings.strict) == (True, False)
    assert set(other._settings.providers) == {"openai_compatible", "openai"}
    other.chat("openai_compatible/m", "hello")
    one.chat("openai_compatible/m", "hello")
    assert server.connections == 1


def test_a_hook_sees_every_attempt():
    """With provider, model and outcome."""
    seen = []
    with WireServer(answers(http_response(503, {}, b"{}"), ok(body_of()))) as server:
        client(server, on_attempt=lambda *what: seen.append(what)).chat("openai_compatible/m", "hello")
    assert [(provider, model, attempt.status) for provider, model, attempt in seen] == [("openai_compatible", "m", 503), ("openai_compatible", "m", 200)]


def test_a_clients_own_connections_are_closed_with_it(server):
    """The process's shared ones stay."""
    with client(server, max_connections=5) as one:
        one.chat("openai_compatible/m", "hello")
        assert server.open == 1
    assert server.wait_closed()


def test_a_callers_session_is_used(server):
    """Its hooks run."""
    seen = []
    session = requests.Session()
    session.hooks["response"].append(lambda response, *args, **kwargs: seen.append(response.status_code))
    assert client(server, session=session).chat("openai_compatible/m", "hello").text == "hi"
    assert seen == [200]


def test_a_client_pickles(server):
    """With the keys that were given in code."""
    copy = pickle.loads(pickle.dumps(client(server)))
    assert copy.chat("openai_compatible/m", "hello").text == "hi"


def test_a_pickled_client_holds_no_key_of_the_environment(monkeypatch):
    """It is read again where it arrives."""
    monkeypatch.setenv("OPENAI_API_KEY", "k-from-env-1")
    one = Client()
    one.provider("openai")
    assert b"k-from-env-1" not in pickle.dumps(one)


def test_a_client_shows_no_key():
    """Neither do its providers and their settings."""
    one = Client(providers={"openai": {"api_key": KEY}})
    assert KEY not in repr(one) + repr(one.provider("openai")) + repr(one.provider("openai").config) + repr(one._settings)


@pytest.mark.parametrize("settings", [{"api_kee": "x"}, {"api_base": "nowhere"}, {"max_retries": -1}])
def test_a_malformed_setting_shows_no_key_in_any_frame(settings):
    """A traceback with locals shows only the caller's own."""
    import traceback

    for make in (lambda given: Client(providers=given), lambda given: Client().with_options(providers=given)):
        try:
            make({"openai": {"api_key": "k-hush-hush-1"} | settings})
        except errors.ConfigurationError as error:
            frames = [frame for frame in traceback.TracebackException.from_exception(error, capture_locals=True).stack if "tests" not in frame.filename]
        assert frames
        assert "k-hush-hush-1" not in "".join(str(frame.locals) for frame in frames)


@pytest.mark.parametrize("wrong", [{"timeout": -1}, {"retry": 3}, {"api_base": "nowhere"}])
def test_a_malformed_policy_shows_no_key_in_any_frame(server, wrong):
    """Whatever is wrong beside it."""
    import traceback

    try:
        client(server).chat("openai_compatible/m", "hello", api_key="k-hush-hush-1", **wrong)
    except errors.ConfigurationError as error:
        frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack[1:]
    assert frames
    assert "k-hush-hush-1" not in "".join(str(frame.locals) for frame in frames)


def test_a_key_given_for_one_call_stands_in_no_frame(server):
    """A traceback with locals shows only the caller's own."""
    import traceback

    try:
        client(server).chat("openai_compatible/m", [5], api_key="k-hush-hush-1")
    except errors.InvalidRequestError as error:
        frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack[1:]
    assert frames
    assert "k-hush-hush-1" not in "".join(str(frame.locals) for frame in frames)


# Calls.


def test_texts_become_vectors(simulator):
    """One for each, in order."""
    one = Client(providers={"openai": {"api_key": KEY, "api_base": simulator.url + "/v1"}})
    response = one.embed("openai/embed", ["a", "b", "a"], dimensions=8)
    assert (len(response.vectors), response.dimensions) == (3, 8)
    assert list(response.vectors[0]) == list(response.vectors[2]) != list(response.vectors[1])
    assert one.embed("openai/embed", "a").dimensions
    assert len(one.embed("openai/embed", [1, 2, 3]).vectors) == 1


@pytest.mark.parametrize("texts", [[], 5, None, b"a"])
def test_senseless_texts_are_refused(server, texts):
    """Before anything is sent."""
    with pytest.raises(errors.InvalidRequestError, match="texts"):
        client(server).embed("openai_compatible/m", texts)
    assert server.connections == 0


def test_models_are_listed(simulator):
    """By the provider itself."""
    one = Client(providers={"openai": {"api_key": KEY, "api_base": simulator.url + "/v1"}})
    assert "echo" in list(one.list_models("openai"))
    with pytest.raises(TypeError, match="unknown keyword"):
        one.list_models("openai", limit=5)


def test_anything_else_goes_through_request(simulator):
    """With the provider's key and errors, and the policy of a call."""
    one = Client(providers={"openai": {"api_key": KEY, "api_base": simulator.url + "/v1"}})
    assert one.request("openai", "GET", "/models", timeout=5).json()["object"] == "list"


def test_the_simulator_needs_no_key():
    """Nor another process."""
    assert llmclient.chat("simulator/echo", "hello").text == "hello"
    assert "".join(chunk.text for chunk in llmclient.stream("simulator/echo", "hello there")) == "hello there"
    assert len(llmclient.embed("simulator/embed", ["a"]).vectors) == 1
    assert [item.response.text for item in llmclient.map("simulator/echo", ["a", "b"])] == ["a", "b"]


def test_facts_are_known_without_a_call():
    """Limits, prices, names."""
    info = llmclient.get_model_info("openai/gpt-4o-mini")
    assert info.context_length == 128_000
    assert Client().get_model_info("openai/gpt-4o-mini") == info
    assert llmclient.get_model_info("openai/unheard-of") is None
    assert "gpt-4o-mini" in llmclient.get_available_models("openai")
    assert "openai/gpt-4o-mini" in llmclient.get_available_models()


def test_a_conversation_goes_on(simulator):
    """The answer's message is the next turn."""
    one = Client(providers={"openai": {"api_key": KEY, "api_base": simulator.url + "/v1"}})
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}
    history = [{"role": "user", "content": "call it"}]
    first = one.chat("openai/echo", history, tools=[tool])
    assert first.finish_reason == "tool_calls"
    history += [first.message, {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "42"}]
    assert one.chat("openai/echo", history, tools=[tool]).text


def test_documents_are_put_in_order(simulator):
    """By how well they answer."""
    one = Client(providers={"cohere": {"api_key": KEY, "api_base": simulator.url + "/cohere"}})
    response = one.rerank("cohere/rerank-v3.5", "red apple", ["a blue sky", "a red apple"], top_n=1, return_documents=True)
    assert [(result.index, result.document) for result in response] == [(1, "a red apple")]
    with pytest.raises(errors.InvalidRequestError, match="documents must be"):
        one.rerank("cohere/rerank-v3.5", "red apple", [])
    with pytest.raises(errors.NotSupportedError, match="rerank is not offered"):
        one.rerank("simulator/echo", "red apple", ["a"])
    with pytest.raises(TypeError, match="top_n"):
        one.rerank("cohere/rerank-v3.5", "red apple", ["a"], topn=1)


def test_tokens_are_counted_where_the_provider_counts():
    """Before anything is paid for."""
    with WireServer(ok(b'{"input_tokens": 42}')) as server:
        one = Client(providers={"anthropic": {"api_key": KEY, "api_base": server.url}})
        assert int(one.count_tokens("anthropic/claude-sonnet-4-5", "hello", system="be brief")) == 42
        assert json.loads(server.requests[0].body)["system"] == "be brief"
        with pytest.raises(errors.InvalidRequestError, match="messages is empty"):
            one.count_tokens("anthropic/claude-sonnet-4-5", [])
        with pytest.raises(errors.NotSupportedError, match="count_tokens is not offered"):
            one.count_tokens("simulator/echo", "hello")


# Many at once.


def test_each_prompt_gets_its_own_answer(simulator):
    """In order, on threads."""
    one = Client(providers={"openai": {"api_key": KEY, "api_base": simulator.url + "/v1"}})
    items = list(one.map("openai/echo", (f"prompt {i}" for i in range(200)), workers=16, temperature=0))
    assert [item.response.text for item in items] == [f"prompt {i}" for i in range(200)]
    assert items[0].response.raw == b""
    assert items[0].response.request is None


def test_as_completed_and_kept(simulator):
    """`keep` holds bytes and request."""
    one = Client(providers={"openai": {"api_key": KEY, "api_base": simulator.url + "/v1"}})
    items = list(one.map("openai/echo", ["a", [{"role": "user", "content": "b"}]], workers=2, ordered=False, keep=True))
    assert {item.index: item.response.text for item in items} == {0: "a", 1: "b"}
    assert items[0].response.raw
    assert items[0].response.request is not None


def test_an_error_is_an_item(simulator):
    """The others go on."""
    one = Client(providers={"openai": {"api_key": KEY, "api_base": simulator.url + "/v1"}}, retry=Retry(max_attempts=1))
    items = list(one.map("openai/missing", ["a", [], 5], workers=2))
    assert [type(item.error) for item in items] == [errors.ModelNotFoundError, errors.InvalidRequestError, errors.InvalidRequestError]


def test_bad_options_of_a_map_raise_at_the_call():
    """Not as a thousand items."""
    for bad in (lambda: llmclient.map("simulator/echo", [], temprature=1), lambda: llmclient.map("simulator/echo", [], temperature="hot")):
        with pytest.raises((TypeError, errors.InvalidRequestError)):
            bad()
    with pytest.raises(errors.ConfigurationError, match="unknown provider"):
        llmclient.map("nobody/m", [])


def test_processes_can_do_the_work(simulator):
    """The client is sent to them."""
    one = Client(providers={"openai": {"api_key": KEY, "api_base": simulator.url + "/v1"}})
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        items = list(one.map("openai/echo", ["a", "b", "c"], executor=executor))
    assert [item.response.text for item in items] == ["a", "b", "c"]


def test_a_million_prompts_need_no_memory(simulator):
    """At most two a worker are pulled ahead."""
    one = Client(providers={"openai": {"api_key": KEY, "api_base": simulator.url + "/v1"}})
    pulled = 0

    def prompts():
        nonlocal pulled
        for _ in range(1_000_000):
            pulled += 1
            yield "x"

    items = one.map("openai/echo", prompts(), workers=4)
    for _ in range(50):
        next(items)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(300):
            next(items)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        items.close()
    assert pulled <= 350 + 8
    assert after - before < 2_000_000


def test_leaving_a_map_early_waits_for_nobody():
    """Calls that stall are broken off."""
    with WireServer(ok(body_of()), [stall()]) as server:
        items = client(server).map("openai_compatible/m", ["a"] * 8, workers=4, ordered=False)
        next(items)
        started = time.monotonic()
        items.close()
        assert server.wait_closed(1)
        assert time.monotonic() - started < 2


def test_ctrl_c_ends_32_stalled_calls_within_two_seconds(tmp_path):
    """In a program of its own."""
    with WireServer([stall()]) as server:
        program = textwrap.dedent(f"""
            import llmclient, sys
            client = llmclient.Client(providers={{"openai_compatible": {{"api_key": "k-123456", "api_base": "{server.url}"}}}})
            try:
                list(client.map("openai_compatible/m", ["x"] * 64, workers=32))
            except KeyboardInterrupt:
                print("interrupted")
        """)
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        limit = time.monotonic() + 8
        while server.open < 32 and time.monotonic() < limit:
            time.sleep(0.02)
        assert server.open == 32
        process.send_signal(2)
        started = time.monotonic()
        out, _ = process.communicate(timeout=8)
        assert time.monotonic() - started < 2
        assert out.strip() == "interrupted"


def test_one_client_serves_many_threads(simulator):
    """Every answer is its own question's."""
    one = Client(providers={"openai": {"api_key": KEY, "api_base": simulator.url + "/v1"}})
    wrong = []

    def work(number: int) -> None:
        for turn in range(10):
            question = f"{number}-{turn}"
            if one.chat("openai/echo", question).text != question:
                wrong.append(question)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


def test_the_timeout_of_a_provider_beats_that_of_the_client():
    """More exact settings win."""
    with WireServer([stall()]) as server:
        one = Client(timeout=30, retry=Retry(max_attempts=1), providers={"openai_compatible": {"api_key": KEY, "api_base": server.url, "timeout": Timeout(total=0.1)}})
        with pytest.raises(errors.RequestTimeoutError, match="total"):
            one.chat("openai_compatible/m", "hello")


@pytest.mark.parametrize("model", [None, 5, ["openai/gpt-4o"], {"a": 1}, b"openai/gpt-4o"], ids=lambda value: type(value).__name__)
def test_a_model_or_provider_that_is_no_text_is_refused(model):
    """Also one that no dict could hold."""
    client = llmclient.Client()
    with pytest.raises(errors.InvalidRequestError, match="model must be a str such as"):
        client.chat(model, "hi")
    for call in (client.provider, client.list_models):
        with pytest.raises(errors.ConfigurationError, match="a provider is named by a str"):
            call(model)


def test_rerank_checks_what_it_is_given():
    """And says whose call it was."""
    client = llmclient.Client(providers={"cohere": {"api_key": "k"}})
    with pytest.raises(errors.InvalidRequestError, match="cohere: query must be a str, got NoneType"):
        client.rerank("cohere/rerank-v3.5", None, ["a"])


@pytest.mark.parametrize(("method", "path"), [("GET", 5), (None, "/models"), ("GET", b"/models")])
def test_a_request_of_no_text_is_refused(method, path):
    """Before anything is sent."""
    with pytest.raises(errors.InvalidRequestError, match="the path must begin with a slash, and the method be a str"):
        llmclient.Client().request("simulator", method, path)


def test_an_endless_number_of_connections_is_refused():
    """A pool makes a place for each."""
    with pytest.raises(errors.ConfigurationError, match="max_connections must be a whole number from 1 to 65535"):
        llmclient.Client(max_connections=10**9)


def test_an_instance_without_an_address_is_told_where_it_belongs(monkeypatch):
    """The environment's address is not an instance's, so the error does not advise to set it."""
    monkeypatch.setenv("OPENAI_LIKE_API_BASE", "http://127.0.0.1:9/v1")
    client = llmclient.Client(providers={"local": {"adapter": "openai_compatible"}})
    with pytest.raises(errors.ConfigurationError, match=r'there is no address; pass api_base=, or Client\(providers={"local"') as caught:
        client.chat("local/m", "hi")
    assert "OPENAI_LIKE_API_BASE" not in str(caught.value)
