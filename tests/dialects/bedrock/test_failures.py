"""What failures mean: the kind stands in a header, in the body, or nowhere."""

import json

import pytest

from llmclient import errors
from llmclient.dialects.bedrock import BedrockConverse
from tests.dialects.bedrock.kit import DIALECT, decode

TAIL = ":http://internal.amazon.com/coral/com.amazon.bedrock/"
KINDS = [
    ("ValidationException", 400, errors.InvalidRequestError, False),
    ("AccessDeniedException", 403, errors.PermissionDeniedError, False),
    ("ExpiredTokenException", 403, errors.AuthenticationError, False),
    ("UnrecognizedClientException", 403, errors.AuthenticationError, False),
    ("InvalidSignatureException", 403, errors.AuthenticationError, False),
    ("IncompleteSignatureException", 400, errors.AuthenticationError, False),
    ("MissingAuthenticationTokenException", 403, errors.AuthenticationError, False),
    ("ResourceNotFoundException", 404, errors.ModelNotFoundError, False),
    ("ThrottlingException", 429, errors.RateLimitError, True),
    ("ServiceQuotaExceededException", 400, errors.RateLimitError, True),
    ("ModelTimeoutException", 408, errors.RequestTimeoutError, True),
    ("ModelNotReadyException", 424, errors.ProviderUnavailableError, True),
    ("ModelNotReadyException", 429, errors.ProviderUnavailableError, True),
    ("ModelErrorException", 424, errors.ApiError, False),
    ("InternalServerException", 500, errors.ApiError, True),
    ("ServiceUnavailableException", 503, errors.ProviderUnavailableError, True),
]


def failure(status=400, message="no", kind=None, headers=None, dialect=DIALECT, **body):
    """Return the error of a status, with the kind in the usual header."""
    given = {"x-amzn-ErrorType": kind + TAIL} if kind else {}
    return dialect.error(status, {**given, **(headers or {})}, json.dumps({"message": message, **body}).encode())


@pytest.mark.parametrize(("kind", "status", "expected", "retryable"), KINDS)
def test_kinds_in_the_header(kind, status, expected, retryable):
    """The tail of the header is cut."""
    error = failure(status, "so it is", kind, {"x-amzn-RequestId": "r1"})
    assert (expected, kind, "so it is", status, "r1") == (type(error), error.code, error.message, error.status, error.request_id)
    assert retryable is error.retryable


@pytest.mark.parametrize(("kind", "status", "expected", "retryable"), KINDS)
def test_kinds_in_the_body(kind, status, expected, retryable):
    """With the namespace before it, or under `Output`; inside a 200 too."""
    for body in ({"__type": f"com.amazon.coral.service#{kind}", "message": "no"}, {"__type": kind, "message": "no"}):
        error = DIALECT.error(status, {}, json.dumps(body).encode())
        assert (expected, kind, retryable) == (type(error), error.code, error.retryable)
        with pytest.raises(expected) as caught:
            decode(body)
        assert kind == caught.value.code


def test_a_message_alone():
    """The status tells then."""
    wanted = {400: errors.InvalidRequestError, 403: errors.PermissionDeniedError, 429: errors.RateLimitError, 500: errors.ApiError}
    for status, expected in wanted.items():
        assert expected is type(failure(status))
    with pytest.raises(errors.ApiError, match="no"):
        decode({"message": "no"})


def test_an_address_of_another_service():
    """It answers 200, with the kind under `Output`."""
    with pytest.raises(errors.InvalidRequestError) as caught:
        decode({"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"})
    assert "UnknownOperationException" == caught.value.code


@pytest.mark.parametrize(
    "message",
    [
        "Input is too long for requested model.",
        "The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input.",
        "Too many input tokens. Max input tokens: 8192, request input token count: 9000",
        "The model returned the following errors: prompt is too long: 213462 tokens > 200000 maximum",
        "This model's maximum context length is 8192 tokens. Please reduce the length of the prompt",
    ],
)
def test_a_prompt_that_is_too_long(message):
    """A few phrases tell, in streams too."""
    for kind in ("ValidationException", None):
        assert errors.ContextLengthExceededError is type(failure(400, message, kind))
    assert failure(400, message, "ThrottlingException").retryable


def test_the_numbers_of_a_prompt_that_is_too_long():
    """They are read from the message."""
    error = failure(400, "prompt is too long: 213462 tokens > 200000 maximum", "ValidationException", {"x-amzn-requestid": "r"})
    assert (200_000, 213_462, "ValidationException", "r", 400) == (error.limit, error.actual, error.code, error.request_id, error.status)


def test_the_quota_of_a_day():
    """Waiting a moment will not help."""
    error = failure(429, "Too many tokens per day, please wait before trying again.", "ThrottlingException")
    assert (errors.QuotaExceededError, False) == (type(error), error.retryable)


def test_a_wrong_key():
    """The API says that access is denied."""
    error = failure(403, "Authentication failed: Please make sure your API Key is valid.", "AccessDeniedException")
    assert (errors.AuthenticationError, 403) == (type(error), error.status)
    assert errors.PermissionDeniedError is type(failure(403, "You don't have access to the model with the specified model ID.", "AccessDeniedException"))


def test_a_model_that_is_not_there():
    """By its message where the kind is a general one."""
    assert errors.ModelNotFoundError is type(failure(400, "The provided model identifier is invalid.", "ValidationException"))
    message = "Invocation of model ID deepseek.r1-v1:0 with on-demand throughput isn’t supported. Retry your request with an inference profile."
    assert errors.InvalidRequestError is type(failure(400, message, "ValidationException"))


def test_the_status_of_the_model_behind():
    """A failure of the model that may pass is retryable."""
    assert failure(424, "no", "ModelErrorException", originalStatusCode=503).retryable
    assert not failure(424, "no", "ModelErrorException", originalStatusCode=400).retryable


def test_codes_of_a_providers_own():
    """They go before the usual ones."""
    dialect = BedrockConverse(error_codes={"ValidationException": "unavailable"})
    assert errors.ProviderUnavailableError is type(failure(400, "no", "ValidationException", dialect=dialect))


def test_a_page_instead_of_json():
    """The gist of it is the message."""
    error = DIALECT.error(502, {}, b"<html><title>Bad Gateway</title></html>")
    assert (errors.ProviderUnavailableError, "Bad Gateway") == (type(error), error.message)
