"""Every secret that an account has, and every one that its requests carry, shows nowhere: not the key alone."""

from __future__ import annotations

import base64
import html
import json
import logging
import pickle
import traceback
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import llmclient
from llmclient.auth import Basic, NoAuth, QueryKey
from llmclient.dialects.openai import OpenAIChat
from llmclient.errors import ProviderError
from llmclient.provider import Provider
from llmclient.renewal import RenewedToken
from llmclient.retry import Retry
from llmclient.types.chat import ChatRequest
from tests.faults.play import Server
from tests.wireserver import http_response


class Current:
    """The secret under test; it is in no variable of a frame of this file."""

    key = ""


def echo(status: int = 400) -> bytes:
    """Return a failure in which the secret stands everywhere."""
    facts = {"message": f"refused {Current.key} here", "code": Current.key, "type": Current.key, "param": Current.key}
    return http_response(status, {"Content-Type": "application/json", "x-request-id": "r-1"}, json.dumps({"error": facts}).encode())


ACCOUNTS: dict[str, Callable[[], tuple[str, dict[str, Any]]]] = {
    "a key": lambda: ("openai", {"api_key": Current.key}),
    "Anthropic's auth_token": lambda: ("anthropic", {"auth_token": Current.key}),
    "a token of Entra ID": lambda: ("azure_openai", {"azure_ad_token": Current.key}),
    "a function that returns one": lambda: ("azure_openai", {"azure_ad_token": lambda: Current.key}),
    "IBM's token": lambda: ("watsonx", {"token": Current.key, "project": "p"}),
    "a header of the account": lambda: ("openai", {"api_key": "k-other-12345", "headers": {"X-Gateway-Token": "Bearer " + Current.key}}),
    "a cookie of the account": lambda: ("openai", {"api_key": "k-other-12345", "headers": {"Cookie": Current.key}}),
    "credentials in JSON": lambda: ("vertex_ai", {"api_key": "AIza-other", "project": "p", "credentials": json.dumps({"private_key": Current.key})}),
    "credentials in a dict": lambda: ("vertex_ai", {"api_key": "AIza-other", "project": "p", "credentials": {"refresh_token": Current.key}}),
}
AMAZON = ("secret_access_key", "session_token", "access_key_id")


@pytest.mark.parametrize("account", ACCOUNTS.values(), ids=ACCOUNTS)
@pytest.mark.parametrize("stream", [False, True], ids=["chat", "stream"])
def test_a_secret_that_is_echoed_is_redacted(account: Callable[[], Any], stream: bool) -> None:
    """Whatever setting it came by, and whoever minted it."""
    Current.key = "zq0123456789-Tail+of/it="
    name, given_settings = account()
    assert_hidden(failed(name, given_settings, stream=stream))


@pytest.mark.parametrize("setting", AMAZON)
def test_amazons_credentials_are_redacted(setting: str) -> None:
    """All parts of them."""
    Current.key = "zq0123456789-Tail+of/it="
    parts = {"access_key_id": "id-1234567", "secret_access_key": "se-1234567", "session_token": "to-1234567", "region": "us-east-1"}
    assert_hidden(failed("bedrock", parts | {setting: Current.key}, model="amazon.nova-lite-v1:0"))


def failed(name: str, given_settings: dict[str, Any], *, stream: bool = False, model: str = "gpt-4o-mini", **options: Any) -> ProviderError:
    """Call a provider that refuses, and echoes."""
    with Server([echo()]) as server:
        one = llmclient.Client(providers={name: given_settings | {"api_base": server.url}}, retry=Retry(max_attempts=1), timeout=5)
        try:
            (one.stream if stream else one.chat)(f"{name}/{model}", "hi", **options)
        except ProviderError as failure:
            return failure
    raise AssertionError("it did not fail")


def variables(thing: BaseException) -> dict[tuple[str, str], str]:
    """Return what the library's own frames show of their variables."""
    shown = traceback.TracebackException.from_exception(thing, capture_locals=True)
    ours = [frame for frame in shown.stack if frame.filename != __file__]
    return {(frame.name, name): value for frame in ours for name, value in (frame.locals or {}).items()}


def assert_hidden(thing: ProviderError) -> None:
    """Look everywhere in an error."""
    places = {"repr": repr(thing), "facts": repr(vars(thing)), "pickle": pickle.dumps(thing).decode("latin-1"), "variables": repr(variables(thing))}
    assert [] == [place for place, text in places.items() if Current.key in text]
    assert "***" in thing.message


HEADERS = ("Authorization", "X-My-Auth-Token", "Proxy-Authorization", "Cookie", "X-Api-Key", "Ocp-Apim-Subscription-Key")


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_of_the_call_is_redacted_and_in_no_frame(header: str) -> None:
    """The caller's headers are known by their names, and show by them alone."""
    Current.key = "zq0123456789-Tail+of/it="
    assert_hidden(failed("openai", {"api_key": "k-other-12345"}, headers={header: "Bearer " + Current.key}))


def test_basic_authentication_of_the_callers_own_is_unpacked() -> None:
    """The password, and user and password, are secrets as well as what is packed of them."""
    Current.key = "hunter2-hunter2"
    assert_hidden(failed("openai", {"api_key": "k-other-12345"}, headers={"Authorization": "Basic " + base64.b64encode(b"me:" + Current.key.encode()).decode()}))


CALLS: dict[str, Callable[[llmclient.Client], object]] = {
    "chat": lambda one: one.chat("openai/m", "hi", headers={"Authorization": "Bearer " + Current.key}),
    "stream": lambda one: one.stream("openai/m", "hi", headers={"Authorization": "Bearer " + Current.key}),
    "embed": lambda one: one.embed("openai/m", "hi", headers={"Authorization": "Bearer " + Current.key}),
    "request": lambda one: one.request("openai", "GET", "/x", headers={"Authorization": "Bearer " + Current.key}),
    "a misspelt option": lambda one: one.chat("openai/m", "hi", headers={"Authorization": "Bearer " + Current.key}, temperatur=1),
    "a wrong option": lambda one: one.chat("openai/m", "hi", headers={"Authorization": "Bearer " + Current.key}, temperature="x"),
    "a wrong header": lambda one: one.chat("openai/m", "hi", headers={"Authorization": "Bearer " + Current.key + "\n"}),
    "map with a wrong option": lambda one: one.map("openai/m", ["hi"], headers={"Authorization": "Bearer " + Current.key}, temperature="x"),
    "map with a key": lambda one: one.map("openai/m", ["hi"], api_key=Current.key, temperature="x"),
    "a key": lambda one: one.chat("openai/m", "hi", api_key=Current.key, temperature="x"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_variable_of_a_traceback_shows_what_a_call_was_given(call: Callable[[llmclient.Client], object]) -> None:
    """Whether it fails on the way out or on the way back."""
    Current.key = "zq0123456789-Tail+of/it="
    with Server([echo()]) as server:
        one = llmclient.Client(providers={"openai": {"api_key": "k-other-12345", "api_base": server.url}}, retry=Retry(max_attempts=1), timeout=5)
        with pytest.raises((ProviderError, TypeError)) as caught:
            call(one)
    assert [] == [place for place, value in variables(caught.value).items() if Current.key in value]


OK = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}


def test_what_was_sent_is_masked_by_value_too() -> None:
    """A header whose name tells nothing may hold a known secret; so may one of the account's."""
    Current.key = "zq0123456789-Tail+of/it="
    extra = {"X-Trace": f"by {Current.key}", "X-Plain": "plain"}
    with Server([http_response(200, {"Content-Type": "application/json"}, json.dumps(OK).encode())] * 2) as server:
        config = {"api_key": Current.key, "api_base": server.url, "headers": {"X-Copy": Current.key}}
        one = llmclient.Client(providers={"openai": config})
        answers = [one.chat("openai/m", "hi"), one.chat("openai/m", "hi", headers=extra)]
    for answer in answers:
        assert Current.key not in repr(dict(answer.request.headers)) + pickle.dumps(answer).decode("latin-1")
        assert "***" == answer.request.headers["X-Copy"]
    assert ("***", "plain") == (answers[1].request.headers["X-Trace"], answers[1].request.headers["X-Plain"])


def provider(auth: Any) -> type[Provider]:
    """Return a provider that is authenticated so."""
    return type("Acme", (Provider,), {"name": "acme", "auth": auth, "chat": OpenAIChat()})


class Renewed(NoAuth):
    """A token that is fetched when it is needed."""

    def bind(self, config: Any, env: tuple[str, ...] = ()) -> Any:
        """Return what fetches it."""
        return RenewedToken(lambda: (Current.key, 4e9))


@pytest.mark.parametrize("auth", [Basic(), QueryKey(), Renewed()], ids=["basic", "query", "renewed"])
def test_other_ways_to_sign_are_covered(auth: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A user name, a part of the address, and a token that was minted for the call."""
    Current.key = "zq0123456789-Tail+of/it="
    caplog.set_level(logging.DEBUG)
    with Server([echo()]) as server:
        one = provider(auth)({"api_key": "k-other-12345" if isinstance(auth, Renewed) else Current.key, "api_base": server.url}, retry=Retry(max_attempts=1))
        with pytest.raises(ProviderError) as caught:
            one.chat_completion(ChatRequest.make("m", "hi"))
    assert_hidden(caught.value)
    assert Current.key not in caplog.text


LATIN = "".join(chr(code) for code in range(0x21, 0x100) if not 0x7F <= code < 0xA1)
keys = st.tuples(st.sampled_from(("", "sk-", "sk-ant-", "AIza", "eyJhbGciOi.", "zq")), st.text(LATIN, min_size=8, max_size=80)).map("".join)
ESCAPES: dict[str, Callable[[], bytes]] = {
    "JSON": lambda: json.dumps({"error": {"message": Current.key}}).encode(),
    "JSON in UTF-8": lambda: json.dumps({"error": {"message": "x"}, "seen": Current.key}, ensure_ascii=False).encode(),
    "JSON in JSON": lambda: json.dumps({"error": {"message": "x", "raw": json.dumps({"seen": Current.key})}}).encode(),
    "an address": lambda: json.dumps({"error": {"message": "?k=" + urllib.parse.quote_plus(Current.key)}}).encode(),
    "HTML": lambda: b"<html><pre>" + html.escape(Current.key).encode() + b"</pre></html>",
    "latin-1": lambda: b"<html>" + Current.key.encode("latin-1") + b"</html>",
    "Python": lambda: json.dumps({"error": {"message": repr({"seen": Current.key})}}).encode(),
    "base64": lambda: json.dumps({"error": {"message": base64.b64encode(Current.key.encode() + b":").decode()}}).encode(),
    "cut": lambda: json.dumps({"error": {"message": "x" * 980 + " " + Current.key}}).encode(),
}


def fragments(text: str) -> Iterator[str]:
    """Yield the parts of a secret that give it away: half of it in one piece, and no less than 8 characters."""
    width = max(8, len(text) // 2 + 1)
    yield from (text[at : at + width] for at in range(len(text) - width + 1))


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_any_secret_in_any_spelling(escape: Callable[[], bytes]) -> None:
    """Whatever characters it is made of, and whatever writes it."""

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(keys)
    def check(key: str) -> None:
        Current.key = key
        one = provider(Basic())({"api_key": Current.key, "api_base": "http://127.0.0.1:1"})
        error = one.get_error_mapper("m")(400, {}, escape())
        seen = "\n".join(str(value) for value in vars(error).values())
        for text in (seen, html.unescape(seen), urllib.parse.unquote_plus(seen)):
            assert not [part for part in fragments(Current.key) if part in text]

    check()


def test_short_values_are_no_secrets() -> None:
    """Below four characters nothing is blanked, and below eight nothing in a code."""
    one = provider(NoAuth())
    body = b'{"error": {"message": "abc test", "code": "test"}}'
    assert "abc test" == one({"api_key": "abc", "api_base": "http://h"}).get_error_mapper()(400, {}, body).message
    error = one({"api_key": "test", "api_base": "http://h"}).get_error_mapper()(400, {}, body)
    assert ("abc ***", "test") == (error.message, error.code)


def test_what_a_provider_has_masked_already_is_left_alone() -> None:
    """A beginning and an end of a key are no key."""
    one = provider(NoAuth())({"api_key": "zq0123456789-Tail+of/it=", "api_base": "http://h"})
    assert "key zq01***it= is wrong" == one.get_error_mapper()(401, {}, b'{"error": {"message": "key zq01***it= is wrong"}}').message


def test_a_redirect_to_a_malformed_address_is_an_error_of_the_tree() -> None:
    """Its host cannot be named, which is no reason to fail otherwise."""
    with Server([http_response(302, {"Location": "http://[::1"})]) as server:
        one = llmclient.Client(providers={"openai": {"api_key": "k-other-12345", "api_base": server.url}}, retry=Retry(max_attempts=1), timeout=5)
        with pytest.raises(llmclient.errors.ApiError, match="the provider redirects; redirects are not followed"):
            one.chat("openai/m", "hi")
