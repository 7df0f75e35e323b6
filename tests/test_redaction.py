"""What counts as a secret, and each way in which an answer may spell one."""

from __future__ import annotations

import base64
import html
import json
import pickle
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmclient import registry
from llmclient.errors import ProviderError, redact
from llmclient.redaction import Hidden, Secrets, hide_headers, is_secret_name, of_account, of_headers, of_settings

KEY = "zq0123456789-Tail+of/it="
PLAIN_OPTIONS = frozenset(
    "account account_id config deployments gateway_id host profile project provider_slug region resource scope session space_id token_type".split()
)


def test_every_option_of_every_adapter_is_known_for_a_secret_or_for_none() -> None:
    """A new option whose name does not tell must be looked at, and be named so that it does, or be listed here."""
    options = {option.name for name in registry.names() for option in registry.adapter(name).options}
    assert PLAIN_OPTIONS <= options
    assert [] == [name for name in sorted(options - PLAIN_OPTIONS) if not is_secret_name(name)]
    assert [] == [name for name in sorted(PLAIN_OPTIONS) if is_secret_name(name)]


def test_settings_are_looked_into() -> None:
    """Credentials may be a mapping, or its JSON; addresses and kinds of tokens are no secrets, nor is what is no text."""
    inner = {"private_key": "aaaa1", "token_uri": "https://x", "client_id": "x", "deeper_secret": {"key": "bbbb1"}}
    found = {"credentials": inner, "session_token": "cccc1", "region": "eu", "azure_ad_token": len, "auth_token": json.dumps({"token": "dddd1"})}
    assert ["aaaa1", "bbbb1", "cccc1", "dddd1"] == list(of_settings(found))
    assert ["{not JSON"] == list(of_settings({"token": "{not JSON"}))


def test_settings_that_hold_themselves_end() -> None:
    """Looking into them goes a few levels down."""
    box: dict[str, Any] = {"key": "aaaa1"}
    box["credentials"] = box
    assert {"aaaa1"} == set(of_settings(box))


def test_headers_are_secret_by_name_or_by_list() -> None:
    """The scheme before a token is none; basic authentication is unpacked."""
    packed = base64.b64encode(b"me:pass1").decode()
    headers = {"Authorization": f"Basic {packed}", "X-Auth-Token": "Bearer aaaa1", "api-key": "bbbb1", "x-mine": "cccc1", "Accept": "x", "x-key": 5}
    assert [packed, "me:pass1", "pass1", "aaaa1", "bbbb1", "cccc1"] == list(of_headers(headers, frozenset({"x-mine"})))
    assert ["%%%"] == list(of_headers({"Authorization": "Basic %%%"}))
    assert [base64.b64encode(b"me:").decode(), "me:", "me"] == list(of_headers({"Authorization": "Basic " + base64.b64encode(b"me:").decode()}))


def test_secrets_show_themselves_nowhere() -> None:
    """Neither by repr nor in a pickle; more of them make another value, the same make none."""
    one = of_account(KEY, {"token": "aaaa1"}, {"Cookie": "bbbb1"})
    assert "<3 secrets>" == repr(one)
    assert one is one | [KEY]
    assert "<4 secrets>" == repr(one | ["cccc1"])
    with pytest.raises(TypeError):
        pickle.dumps(one)


def test_an_error_is_cleaned_all_over() -> None:
    """Message, body, cause, facts, notes and arguments."""
    error = ProviderError.authentication("acme", f"no {KEY}", code=KEY, type=KEY, param=KEY, request_id=KEY, body=KEY, cause=KEY)
    error.add_note(f"seen {KEY}")
    assert error is Secrets([KEY]).clean(error)
    assert KEY not in repr(vars(error)) + repr(error.args) + repr(error.__notes__) + pickle.dumps(error).decode("latin-1")
    assert "no ***" == error.message


def test_short_values_are_no_secrets() -> None:
    """Below four characters nothing is blanked, below eight nothing in a code."""
    error = Secrets(["abc", "test"]).clean(ProviderError.authentication("acme", "abc test", code="test"))
    assert ("abc ***", "test") == (error.message, error.code)
    untouched = ProviderError.authentication("acme", "abc")
    assert "abc" == Secrets(["abc"]).clean(untouched).message


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("key zq01***it= is wrong", "key zq01***it= is wrong"),
        (f"it was {KEY[:12]}", "it was ***"),
        (f"it was {KEY[:12]}…", "it was ***…"),
        (f"it was {KEY[:7]}", f"it was {KEY[:7]}"),
        (f"{KEY[:9]} and {KEY[:10]}", f"{KEY[:9]} and ***"),
        (f"{KEY[:8]}{KEY[:9]}", f"{KEY[:8]}***"),
    ],
)
def test_a_text_that_was_cut_in_a_secret_does_not_end_with_half_of_it(text: str, left: str) -> None:
    """What the provider has masked itself stays as it is."""
    assert left == Secrets([KEY]).hide(text)


LATIN = "".join(chr(code) for code in range(0x21, 0x100) if not 0x7F <= code < 0xA1)
keys = st.tuples(st.sampled_from(("", "sk-", "sk-ant-", "AIza", "eyJhbGciOi.", "zq")), st.text(LATIN, min_size=8, max_size=80)).map("".join)
WRITERS: dict[str, Callable[[str], str]] = {
    "itself": str,
    "a header": "Authorization: Bearer {}".format,
    "JSON": lambda key: json.dumps({"error": key}),
    "JSON in UTF-8": lambda key: json.dumps({"api_key": key}, ensure_ascii=False),
    "JSON in JSON": lambda key: json.dumps({"raw": json.dumps({"seen": key})}),
    "PHP's JSON": lambda key: json.dumps({"seen": key}).replace("/", "\\/"),
    "a path": lambda key: "/v1/" + urllib.parse.quote(key, safe=""),
    "a form": lambda key: "api_key=" + urllib.parse.quote_plus(key),
    "a form in lower case": lambda key: "k=" + "%".join(piece if n == 0 else piece[:2].lower() + piece[2:] for n, piece in enumerate(urllib.parse.quote(key, safe="").split("%"))),
    "HTML": lambda key: f"<pre>{html.escape(key)}</pre>",
    "Python": lambda key: repr({"seen": key}),
    "Python in JSON": lambda key: json.dumps({"error": repr({"seen": key})}),
    "latin-1 read as UTF-8": lambda key: key.encode("latin-1").decode("utf-8", "replace"),
    "UTF-8 read as latin-1": lambda key: key.encode().decode("latin-1"),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "basic authentication": lambda key: base64.b64encode(f"{key}:".encode()).decode(),
}  # fmt: skip


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("before", [redact, str], ids=["redacted before", "as it came"])
def test_any_secret_is_hidden_in_any_spelling(write: Callable[[str], str], before: Callable[[str], str]) -> None:
    """Whatever characters it is made of, also where the general redaction has taken a piece out of it already."""

    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(keys)
    def check(key: str) -> None:
        shown = Secrets([key]).hide(before(write(key)))
        width = max(8, len(key) // 2 + 1)
        for written in (key, write(key).strip('{}"<>')):
            assert not [at for at in range(len(written) - width + 1) if written[at : at + width] in shown and key[:4] in written[at : at + width]]
        for text in (shown, html.unescape(shown), urllib.parse.unquote_plus(shown)):
            assert not [at for at in range(len(key) - width + 1) if key[at : at + width] in text]

    check()


def test_hidden_headers_are_a_mapping_that_shows_names_alone() -> None:
    """They are merged, compared, pickled and counted as any."""
    given_headers = {"Authorization": KEY}
    options: dict[str, Any] = {"headers": given_headers}
    hide_headers(options)
    hidden = options["headers"]
    assert "<headers: Authorization>" == repr(hidden) == hidden.__sentry_repr__()
    assert given_headers == hidden == pickle.loads(pickle.dumps(hidden))
    assert {**hidden, "a": "b"} == {"Authorization": KEY, "a": "b"}
    assert ("Authorization" in hidden, len(hidden), hidden["Authorization"]) == (True, 1, KEY)
    hide_headers(options)
    assert options["headers"] is hidden
    assert "<headers: none>" == repr(Hidden({}))


@pytest.mark.parametrize("options", [{}, {"headers": None}, {"headers": 5}])
def test_what_is_no_mapping_is_left_to_be_refused(options: dict[str, Any]) -> None:
    """Reading the options says what is wrong with it."""
    before = dict(options)
    hide_headers(options)
    assert before == options


def test_secrets_are_found_in_a_text() -> None:
    """For what is masked as a whole."""
    assert Secrets([KEY]).is_in(f"by {KEY}")
    assert not Secrets([KEY]).is_in("by me")


def test_a_short_value_is_blanked_as_a_word_only() -> None:
    """The key "test" of a local server does not garble "latest"."""
    assert "the latest *** of '***'" == Secrets(["test"]).hide("the latest test of 'test'")
