"""The tree of errors: one class a cause, every error pickles, none shows a key."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmclient import errors
from llmclient.errors import Attempt, ProviderError, redact

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, ProviderError)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_survives_a_pickle_with_all_its_facts(cls):
    """Class, message and attributes come back."""
    attempts = (Attempt(1, 429, "RateLimitError", 0.1, 0.0),)
    error = cls("groq", "no", model="m", status=418, code="c", type="t", param="p", request_id="r", retry_after=1.5, attempts=attempts, body="b", cause="x")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is cls
    assert (str(copy), copy.__dict__) == (str(error), error.__dict__)
    assert copy.args == error.args


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_names_its_provider(cls):
    """The message begins with who failed."""
    assert str(cls("groq", "no")).startswith("groq: no")


def test_the_docstring_draws_every_class_of_the_tree():
    """No class is missing from the drawing, and none is drawn that does not exist."""
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__)) | {"ProviderError"}
    assert drawn == {cls.__name__ for cls in CLASSES}


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [(errors.RequestTimeoutError, TimeoutError), (errors.ConfigurationError, ValueError), (errors.NotSupportedError, NotImplementedError)],
)
def test_errors_are_what_a_caller_would_have_caught(cls, builtin):
    """A timeout is a TimeoutError, and so on."""
    assert issubclass(cls, builtin)


FACTORIES = {
    "authentication": (errors.AuthenticationError, ("m",)),
    "permission_denied": (errors.PermissionDeniedError, ("m",)),
    "rate_limit": (errors.RateLimitError, (60,)),
    "quota_exceeded": (errors.QuotaExceededError, ("m",)),
    "model_not_found": (errors.ModelNotFoundError, ("m",)),
    "invalid_request": (errors.InvalidRequestError, ("m",)),
    "context_length_exceeded": (errors.ContextLengthExceededError, (10, 20)),
    "content_filtered": (errors.ContentFilteredError, ("m",)),
    "network": (errors.NetworkError, ("m",)),
    "timeout": (errors.RequestTimeoutError, ("m",)),
    "provider_unavailable": (errors.ProviderUnavailableError, ("m",)),
    "api_error": (errors.ApiError, (500, "m")),
    "not_supported": (errors.NotSupportedError, ("m",)),
    "configuration": (errors.ConfigurationError, ("m",)),
    "serialization": (errors.InvalidRequestError, ("m",)),
    "response_parsing": (errors.ResponseParsingError, ("m",)),
    "streaming": (errors.StreamingError, ("m",)),
    "transformation": (errors.TransformationError, ("m",)),
    "cancelled": (errors.CancelledError, ()),
    "routing": (errors.RoutingError, ("m",)),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_each_factory_makes_its_class(name):
    """The factories of the base are the short way to each class."""
    cls, arguments = FACTORIES[name]
    error = getattr(ProviderError, name)("groq", *arguments, request_id="r")
    assert type(error) is cls
    assert (error.provider, error.request_id) == ("groq", "r")


def test_a_rate_limit_says_how_long_to_wait():
    """The seconds are the second argument."""
    assert ProviderError.rate_limit("groq", 60).retry_after == 60


def test_an_exceeded_context_says_both_lengths():
    """Limit and actual length are in the message and in attributes."""
    error = ProviderError.context_length_exceeded("groq", 10, 20)
    assert (error.limit, error.actual) == (10, 20)
    assert "20 tokens, the limit is 10" in str(error)


@pytest.mark.parametrize(("status", "retryable"), [(500, True), (409, True), (501, False), (418, False), (None, False)])
def test_an_api_error_is_retryable_by_its_status(status, retryable):
    """The table of statuses decides, unless the provider said otherwise."""
    assert ProviderError.api_error("groq", status, "m").retryable is retryable


def test_a_provider_may_overrule_its_status():
    """`retryable` given explicitly wins."""
    assert ProviderError.api_error("groq", 500, "m", retryable=False).retryable is False


def test_a_used_up_quota_is_a_rate_limit_that_is_not_retryable():
    """Waiting would not help."""
    error = ProviderError.quota_exceeded("groq", "m")
    assert isinstance(error, errors.RateLimitError)
    assert not error.retryable


def test_facts_are_filled_in_only_where_they_are_unknown():
    """What a mapper found stays; what it could not know is added."""
    error = ProviderError.network("", "m", status=500).with_facts(provider="groq", status=404, model="x")
    assert (error.provider, error.status, error.model) == ("groq", 500, "x")
    assert pickle.loads(pickle.dumps(error)).provider == "groq"


def test_the_message_is_shortened_where_it_is_shown():
    """A page of HTML does not fill the log; the attribute holds all of it."""
    error = ProviderError.network("groq", "x" * 5000)
    assert len(str(error)) < 2100
    assert len(error.message) == 5000


SECRETS = [
    "sk-proj-abcdefghijkl",
    "sk-ant-api03-abcdef123456",
    "gsk_abcdefghijklmnop",
    "AIzaSyA1234567890abcdefgh",
    "hf_abcdefghijklmnop",
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
    "AKIAIOSFODNN7EXAMPLE",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("text", ["key {} was refused", "Bearer {}", '{{"api_key": "{}"}}', "https://x.test/?api_key={}&a=1"])
def test_what_looks_like_a_key_is_redacted(secret, text):
    """Messages and bodies that echo a key do not show it."""
    error = ProviderError.authentication("groq", text.format(secret), body=text.format(secret), cause=text.format(secret))
    for shown in (str(error), repr(error), error.body, error.cause, error.message, repr(error.args), pickle.dumps(error).decode("latin-1")):
        assert secret not in shown


@pytest.mark.parametrize(
    "text",
    ["Token exceeded the limit", "Key required", "task-specific models", "skating-is-fun today", "secret sauce", "max_tokens must be 5", "the basic model"],
)
def test_plain_words_are_left_alone(text):
    """Redaction does not garble ordinary messages."""
    assert redact(text) == text


@given(st.text())
def test_redaction_takes_any_text(text):
    """Any string is taken, and redacting twice changes nothing more."""
    assert redact(redact(text)) == redact(text)
