"""One class of the error tree for each failure, whatever shape it came in."""

from __future__ import annotations

import json
import pickle

import pytest

from llmclient import errors
from llmclient.dialects.failshapes import reports_failure
from llmclient.dialects.failure import find_failure, map_failure, of_finish_reason


def fail(status, body=b"", headers=None, **more):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return map_failure(status, headers or {}, raw, **more)


def openai(message="no", code=None, kind=None, param=None):
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, errors.InvalidRequestError, False),
        (401, errors.AuthenticationError, False),
        (402, errors.QuotaExceededError, False),
        (403, errors.PermissionDeniedError, False),
        (404, errors.ModelNotFoundError, False),
        (405, errors.ApiError, False),
        (408, errors.RequestTimeoutError, True),
        (409, errors.ApiError, True),
        (413, errors.ContextLengthExceededError, False),
        (422, errors.InvalidRequestError, False),
        (425, errors.ApiError, True),
        (429, errors.RateLimitError, True),
        (500, errors.ApiError, True),
        (501, errors.NotSupportedError, False),
        (502, errors.ProviderUnavailableError, True),
        (503, errors.ProviderUnavailableError, True),
        (504, errors.RequestTimeoutError, True),
        (507, errors.ApiError, False),
        (520, errors.ProviderUnavailableError, True),
        (522, errors.ProviderUnavailableError, True),
        (524, errors.RequestTimeoutError, True),
        (529, errors.ProviderUnavailableError, True),
    ],
)
def test_the_status_alone(status, kind, retryable):
    """With an empty body the status decides."""
    error = fail(status)
    assert type(error) is kind
    assert error.status == status
    assert error.retryable is retryable


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, openai(code="invalid_api_key", kind="invalid_request_error"), errors.AuthenticationError),
        (429, openai(code="insufficient_quota", kind="insufficient_quota"), errors.QuotaExceededError),
        (429, openai(kind="exceeded_current_quota_error"), errors.QuotaExceededError),
        (403, openai(code="model_not_found"), errors.ModelNotFoundError),
        (400, openai(code="model_not_found"), errors.ModelNotFoundError),
        (404, openai(code="DeploymentNotFound"), errors.ModelNotFoundError),
        (400, {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "param": None, "code": "1500"}, errors.ModelNotFoundError),
        (400, openai(code="context_length_exceeded"), errors.ContextLengthExceededError),
        (400, openai(kind="exceed_context_size_error"), errors.ContextLengthExceededError),
        (400, {"error_type": "TOO_MANY_TOKENS", "message": "too many"}, errors.ContextLengthExceededError),
        (400, openai(code="content_filter"), errors.ContentFilteredError),
        (400, {"error": {"code": "bad", "message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, errors.ContentFilteredError),
        (400, {"code": "DataInspectionFailed", "message": "x"}, errors.ContentFilteredError),
        (400, {"code": "Arrearage", "message": "x"}, errors.QuotaExceededError),
        (403, {"error": {"message": "x", "code": 403, "metadata": {"reasons": ["violence"]}}}, errors.ContentFilteredError),
        (400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}, errors.AuthenticationError),
        (429, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "x"}}, errors.RateLimitError),
        (500, openai(kind="overloaded_error"), errors.ProviderUnavailableError),
        (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "x"}}, errors.InvalidRequestError),
        (404, {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-x"}}, errors.ModelNotFoundError),
        (401, {"error": {"code": "invalid_request_error", "type": "authentication_error", "message": "x"}}, errors.AuthenticationError),
    ],
)
def test_codes_and_types(status, body, kind):
    """A structured code beats the status, and the status beats the type, which only makes it more exact."""
    assert type(fail(status, body)) is kind


def test_a_type_does_not_change_what_the_status_says_plainly():
    """A 429 stays a rate limit, though the type speaks of a bad request, and a 403 stays a refusal."""
    assert type(fail(429, openai(kind="invalid_request_error"))) is errors.RateLimitError
    assert type(fail(403, openai(kind="authentication_error"))) is errors.PermissionDeniedError
    assert type(fail(401, openai(kind="insufficient_quota"))) is errors.AuthenticationError


def test_a_daily_quota_of_google_is_used_up():
    """QuotaFailure per day, which no wait of a minute refills, is told from one per minute."""
    details = [{"@type": "google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}]
    assert type(fail(429, {"error": {"code": 429, "message": "x", "details": details}})) is errors.QuotaExceededError
    details[0]["violations"][0]["quotaId"] = "GenerateRequestsPerMinute"
    assert type(fail(429, {"error": {"code": 429, "message": "x", "details": details}})) is errors.RateLimitError


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "Incorrect API key provided. You can obtain one at the console", errors.AuthenticationError),
        (400, "API key not valid. Please pass a valid API key.", errors.AuthenticationError),
        (400, "You have reached your specified API usage limits.", errors.QuotaExceededError),
        (429, "Insufficient balance in your account", errors.QuotaExceededError),
        (403, "insufficient credits", errors.QuotaExceededError),
        (403, "Content violates usage guidelines. Failed check: X", errors.ContentFilteredError),
        (400, "Model no-such/model does not exist", errors.ModelNotFoundError),
        (400, "Model nonexistent is not supported. Supported models are a, b", errors.ModelNotFoundError),
        (400, "x/y is not a valid model ID", errors.ModelNotFoundError),
        (400, "The model `gpt-9` has been deprecated", errors.ModelNotFoundError),
        (500, "Model is currently loading", errors.ProviderUnavailableError),
        (400, "Logprobs are not enabled for this model", errors.InvalidRequestError),
        (400, "'developer' is not supported with this model.", errors.InvalidRequestError),
        (400, "This breaks our policy on safety of names", errors.InvalidRequestError),
        (401, "The prompt is too long", errors.AuthenticationError),
        (429, "Rate limit: maximum context length", errors.RateLimitError),
    ],
)
def test_narrow_phrases_refine_the_status(status, message, kind):
    """Some hosts say it in words alone; words are only taken where the status leaves it open."""
    assert type(fail(status, openai(message))) is kind


@pytest.mark.parametrize(
    ("message", "limit", "actual"),
    [
        ("This model's maximum context length is 8192 tokens. However, you requested 9001 tokens (…)", 8192, 9001),
        ("This model's maximum context length is 4,097 tokens, however your messages resulted in 5,000 tokens", 4097, 5000),
        ("prompt is too long: 210000 tokens > 200000 maximum", 200000, 210000),
        ("Input is too long for requested model.", None, None),
        ("request (2009 tokens) exceeds the available context size (512 tokens), try increasing it", 512, 2009),
        ("The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).", 1048576, 1250074),
        ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens", 4096, 5000),
        ("Please reduce the length of the messages. Current length is 9000 while limit is 8192", 8192, 9000),
        ("prompt too long; exceeded max context length by 1119046 tokens", None, None),
        ("too many tokens: size limit exceeded by 2 tokens. The limit for this model is 288000 tokens.", 288000, None),
        ("This model's maximum prompt length is 131072 but the request contains 537812 tokens.", 131072, 537812),
        ("Your request exceeded model token limit: 8192", 8192, None),
        ("Range of input length should be [1, 30720]", 30720, None),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", 200000, None),
        ("Your input exceeds the context window of this model.", None, None),
    ],
)
def test_context_overflow_in_words(message, limit, actual):
    """The context's overflow is often only said in words; the numbers are read where they are there."""
    error = fail(400, openai(message))
    assert type(error) is errors.ContextLengthExceededError
    assert (error.limit, error.actual) == (limit, actual)


def test_context_overflow_in_fields():
    """llama.cpp gives both numbers as fields."""
    error = fail(400, {"error": {"code": 400, "type": "exceed_context_size_error", "message": "too big", "n_ctx": 512, "n_prompt_tokens": 2009}})
    assert (error.limit, error.actual) == (512, 2009)


def test_a_field_too_long_is_no_context_overflow():
    """OpenAI says "string too long" of `user`, and of ids."""
    message = "Invalid 'user': string too long. Expected a string with maximum context length 64"
    assert type(fail(400, openai(message))) is errors.InvalidRequestError


@pytest.mark.parametrize(
    ("message", "param", "kind"),
    [
        ("", None, errors.ModelNotFoundError),
        ("Not Found", None, errors.ModelNotFoundError),
        ("Resource not found", None, errors.ModelNotFoundError),
        ("This is not a chat model", "model", errors.ModelNotFoundError),
        ("Specified model not found: x. Did you mean y?", None, errors.ModelNotFoundError),
        ("models/x is not found for API version v1beta", None, errors.ModelNotFoundError),
        ("The API deployment for this resource does not exist.", None, errors.ModelNotFoundError),
        ("No endpoints found for acme/x", None, errors.ModelNotFoundError),
        ("No endpoints found that support tool use.", None, errors.InvalidRequestError),
        ("tools is not supported in this model.", None, errors.InvalidRequestError),
        ("No run step found with id 'step_123'.", None, errors.InvalidRequestError),
    ],
)
def test_404_is_the_model_unless_it_says_otherwise(message, param, kind):
    """A 404 that speaks of a run or a tool is a wrong request, not a missing model."""
    assert type(fail(404, openai(message, param=param))) is kind


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (openai("plain"), "plain"),
        ({"error": "a string", "code": "invalid-argument"}, "a string"),
        ({"error": ["Error in `inputs`: field required", "second"]}, "Error in `inputs`: field required; second"),
        ({"detail": "words"}, "words"),
        ({"detail": [{"loc": ["body", "stop"], "msg": "too many", "type": "x"}]}, "body.stop: too many"),
        ({"detail": {"message": "deep", "code": "x"}}, "deep"),
        ({"message": "only this"}, "only this"),
        ({"message": {"detail": [], "message": "nested"}}, "nested"),
        ([{"error": {"message": "in an array", "code": 400}}], "in an array"),
        (["one", "two"], "one; two"),
        ({"errors": [{"message": "of several", "code": "x"}]}, "of several"),
        ({"errors": ["words"]}, "words"),
        ({"object": "error", "message": "flat"}, "flat"),
        ({"base_resp": {"status_code": 2013, "status_msg": "invalid params"}}, "invalid params"),
        ({"success": False, "errors": [{"code": 7003, "message": "no route"}], "result": None}, "no route"),
        ({"error": {"message": "invalid input", "details": [{"loc": ["body"], "msg": "should be a string"}]}}, "invalid input: body: should be a string"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": '{"error": {"message": "deeper"}}'}}}, "Provider returned error: deeper"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "words"}}}, "Provider returned error: words"),
        ({"weird": [1]}, '{"weird":[1]}'),
        (b'"a string"', "a string"),
        (b"upstream connect error\n or disconnect", "upstream connect error or disconnect"),
        (b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", "502 Bad Gateway"),
        (b"<html><style>p {}</style><p>Sorry &amp; goodbye</p></html>", "Sorry & goodbye"),
        (b"12", "12"),
        (b"{}", "status 400 Bad Request, and nothing more was said"),
        (b"", "status 400 Bad Request, and nothing more was said"),
    ],
)
def test_every_shape_gives_a_readable_message(body, message):
    """There is no common shape of error bodies, and all of them are read."""
    assert fail(400, body).message == message


def test_an_unknown_status_is_named():
    """A status that no standard knows is said as a number."""
    assert fail(599).message == "status 599, and nothing more was said"


def test_code_type_and_param_are_kept():
    """What the provider says stays to be looked at; a code that is but the status gives way to the word for it."""
    error = fail(400, openai("no", code="unsupported_value", kind="invalid_request_error", param="temperature"))
    assert (error.code, error.type, error.param) == ("unsupported_value", "invalid_request_error", "temperature")
    assert fail(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "x"}}).code == "INVALID_ARGUMENT"
    assert fail(400, {"error": {"code": 400, "message": "x"}}).code == "400"
    assert fail(400, openai()).code is None


def test_a_routers_error_tells_what_the_host_behind_it_refused():
    """`metadata.raw` holds the true error: its type and param are taken over."""
    raw = '{"error": {"message": "Unsupported parameter: \'temperature\'", "type": "invalid_request_error", "param": "temperature"}}'
    error = fail(400, {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}})
    assert (error.type, error.param) == ("invalid_request_error", "temperature")
    unread = fail(400, {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": ["odd"]}}})
    assert unread.message == "Provider returned error"


@pytest.mark.parametrize(
    ("headers", "body", "found"),
    [
        ({"X-Request-Id": "a", "cf-ray": "z"}, {}, "a"),
        ({"request-id": "b"}, {}, "b"),
        ({"x-amzn-requestid": "c"}, {}, "c"),
        ({"apim-request-id": "d"}, {}, "d"),
        ({"mistral-correlation-id": "f", "x-kong-request-id": "z"}, {}, "f"),
        ({"x-log-id": "g"}, {}, "g"),
        ({"x-global-transaction-id": "h"}, {}, "h"),
        ({"x-generation-id": "i", "cf-ray": "z"}, {}, "i"),
        ({"inference-id": "j", "cf-ray": "z"}, {}, "j"),
        ({"x-inference-request-id": "k", "cf-ray": "z"}, {}, "k"),
        ({"cf-ray": "z"}, {}, "z"),
        ({}, {"request_id": "e", "error": {"message": "x"}}, "e"),
        ({}, {}, None),
    ],
)
def test_request_ids(headers, body, found):
    """The provider's own id comes before the one of the network in front of it."""
    assert fail(400, body, headers).request_id == found


def test_bedrock_names_the_kind_in_a_header():
    """The header has a tail to cut off, and sometimes a name in front."""
    tail = ":http://internal.amazon.com/coral/com.amazon.bedrock/"
    assert type(fail(400, {"message": "slow"}, {"x-amzn-errortype": f"ThrottlingException{tail}"})) is errors.RateLimitError
    assert type(fail(400, b"", {"x-amzn-ErrorType": "aws#ModelNotReadyException"})) is errors.ProviderUnavailableError


@pytest.mark.parametrize(("said", "retryable"), [("true", True), ("false", False), ("maybe", False)])
def test_x_should_retry_decides(said, retryable):
    """OpenAI's header overrides what the class would say."""
    assert fail(400, b"", {"x-should-retry": said}).retryable is retryable
    assert fail(500, b"", {"x-should-retry": "false"}).retryable is False


def test_a_request_larger_than_the_limit_is_not_retried():
    """No wait makes room for more tokens than a minute allows."""
    error = fail(429, openai("Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000", code="rate_limit_exceeded"))
    assert type(error) is errors.RateLimitError
    assert error.retryable is False


def test_the_hint_travels_with_the_error():
    """`retry_after` is filled in from headers or body."""
    assert fail(429, b"", {"Retry-After": "7"}).retry_after == 7.0
    assert fail(503, {"error": "Model x is currently loading", "estimated_time": 20.0}).retry_after == 20.0


def test_redirects_name_the_other_host_only():
    """A key never leaves for another host; the message says where the address points, without path and query."""
    error = fail(302, b"", {"Location": "https://elsewhere.example/v1?key=secret"})
    assert type(error) is errors.ApiError
    assert "elsewhere.example" in error.message
    assert "secret" not in error.message
    assert "another place" in fail(301).message


def test_codes_of_the_providers_own():
    """A provider may number its failures; its metadata says what the numbers mean."""
    codes = {"1113": "quota", "Rate_Limit_X": "rate_limit"}
    assert type(fail(429, {"error": {"code": "1113", "message": "x"}}, codes=codes)) is errors.QuotaExceededError
    assert type(fail(400, {"error": {"code": "rate-limit-x", "message": "x"}}, codes=codes)) is errors.RateLimitError
    assert type(fail(400, {"error": {"type": "1113", "message": "x"}}, codes=codes)) is errors.QuotaExceededError


def test_the_model_and_the_body_are_kept_and_the_error_pickles():
    """An error holds what was said, and travels between processes."""
    error = fail(400, openai("no"), model="m")
    again = pickle.loads(pickle.dumps(error))
    assert (again.model, again.message, again.status, again.provider) == ("m", "no", 400, "")
    assert json.loads(again.body)["error"]["message"] == "no"
    assert fail(500).body is None


def test_keys_are_masked_in_the_body():
    """Providers repeat the key that they refuse."""
    assert "sk-abcdefgh12345678" not in str(fail(401, openai("Incorrect API key provided: sk-abcdefgh12345678")).__dict__)


# Failures within a 200.


@pytest.mark.parametrize(
    ("value", "kind", "status"),
    [
        ({"error": {"message": "x", "code": 429}}, errors.RateLimitError, 429),
        ({"error": {"message": "x", "code": 502, "metadata": {}}, "choices": [{}]}, errors.ProviderUnavailableError, 502),
        ({"error": {"message": "x", "type": "server_error", "code": None}}, errors.ApiError, 500),
        ({"error": {"message": "x", "type": "overloaded_error"}, "type": "error"}, errors.ProviderUnavailableError, 529),
        ({"error": {"message": "x", "code": "rate_limit_exceeded"}}, errors.RateLimitError, 429),
        ({"error": {"message": "x", "code": "insufficient_quota"}}, errors.QuotaExceededError, 429),
        ({"error": {"message": "x", "type": "invalid_request_error"}}, errors.InvalidRequestError, 400),
        ({"error": "broken"}, errors.ApiError, None),
        ({"error": {"message": "prompt is too long"}}, errors.ContextLengthExceededError, None),
        ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}, "choices": None}, errors.QuotaExceededError, None),
        ({"base_resp": {"status_code": 1002, "status_msg": "rate"}, "choices": None}, errors.RateLimitError, None),
        ({"base_resp": {"status_code": 2045, "status_msg": "rate growth limit"}, "choices": None}, errors.RateLimitError, None),
        ({"base_resp": {"status_code": 9999, "status_msg": "?"}}, errors.ApiError, None),
        ({"code": "InvalidParameter", "message": "x", "request_id": "r"}, errors.InvalidRequestError, 400),
        ({"code": "Throttling.RateQuota", "message": "x"}, errors.RateLimitError, None),
        ({"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]}, errors.ApiError, None),
        ({"object": "error", "message": "x", "code": 400}, errors.InvalidRequestError, 400),
        ({"detail": "Not authenticated"}, errors.ApiError, None),
        ({"x_groq": {"error": "over capacity"}, "choices": []}, errors.ApiError, None),
        ([{"error": {"code": 400, "message": "x", "status": "INVALID_ARGUMENT"}}], errors.InvalidRequestError, 400),
    ],
)
def test_failures_in_a_200(value, kind, status):
    """The same class as the status would have given, and the status that it would have had."""
    error = find_failure(value)
    assert type(error) is kind
    assert error.status == status


def test_a_server_error_in_a_200_may_be_retried():
    """As the status 500 would have been."""
    assert find_failure({"error": {"type": "server_error", "message": "x"}}).retryable


@pytest.mark.parametrize(
    "value",
    [
        {"choices": [{"message": {}}]},
        {"choices": [], "usage": {"total_tokens": 3}},
        {"error": None, "choices": []},
        {"error": {"message": "", "code": None}, "choices": [{}]},
        {"base_resp": {"status_code": 0, "status_msg": "success"}, "choices": []},
        {"success": True, "result": {}},
        {"choices": [], "prompt_filter_results": []},
        {"id": "x", "message": {"role": "assistant"}},
        {"id": "x", "message": "hello", "type": "message"},
        [],
        [1],
        [{"id": "x"}],
        "text",
        None,
    ],
)
def test_answers_are_no_failures(value):
    """Empty error fields, codes of success and odd chunks are no reason to fail."""
    assert not reports_failure(value)
    assert find_failure(value) is None


def test_an_error_without_any_word():
    """Where nothing is said, the message says that."""
    assert find_failure({"success": False, "errors": []}).message.startswith("the provider reports a failure")
    assert find_failure({"error": [None]}).message == "None"


def test_finish_reasons_that_mean_failure():
    """Hosts that broke down may be asked again; a model that wrote nonsense need not do better."""
    assert type(of_finish_reason("network_error")) is errors.ProviderUnavailableError
    assert type(of_finish_reason("error")) is errors.ApiError
    assert of_finish_reason("error").code == "error"
