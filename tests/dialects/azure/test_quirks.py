"""14 to 17: what deployments hide, what filters add, and what old versions lack."""

from __future__ import annotations

import json
import pickle
from typing import Any

import attrs
import pytest

from llmclient import errors, registry
from llmclient.dialects.azure import AzureChat, AzureResponses, FoundryChat, FoundryEmbeddings
from llmclient.provider import Provider
from llmclient.types.chat import ChatRequest
from llmclient.types.context import RequestContext, WireRequest
from llmclient.types.embeddings import EmbeddingRequest
from llmclient.types.messages import File, Message, Tool
from tests.dialects.kit import choice, completion, delta, run, wire

TOOL = Tool("add", None, {"type": "object", "properties": {}})
CLASSES = [AzureChat, FoundryChat]


def provider(name: str = "azure_openai", **settings: Any) -> Provider:
    """Return a provider on Azure."""
    return registry.adapter(name)({"resource": "r", **settings})


def written(made: Provider, model: str = "dep", *, stream: bool = False, **options: Any) -> WireRequest:
    """Return what is sent."""
    context = RequestContext(provider=made.name, config=made.config, stream=stream)
    return made.transform_request(ChatRequest.make(model, "hi", **options), context)


def fields(made: Provider, model: str = "dep", **options: Any) -> dict[str, Any]:
    """Return the body without the question."""
    return {key: value for key, value in written(made, model, **options).body.items() if key not in ("model", "messages")}


# 14: a deployment's name hides its model.

MODELS = {
    "gpt-4o": {"max_completion_tokens": 5, "temperature": 0.5},
    "gpt-5-mini": {"max_completion_tokens": 5},
    "o3-mini": {"max_completion_tokens": 5},
    "gpt-5.2_2025-12-11": {"max_completion_tokens": 5, "temperature": 0.5},
    "Mistral-large-2411": {"max_tokens": 5, "temperature": 0.5},
    "DeepSeek-V3-0324": {"max_tokens": 5, "temperature": 0.5},
    "grok-4-fast-reasoning": {"max_tokens": 5, "temperature": 0.5},
    "Llama-3.3-70B-Instruct": {"max_tokens": 5, "temperature": 0.5},
}


@pytest.mark.parametrize(("model", "sent"), MODELS.items())
def test_a_deployment_that_is_called_like_its_model_is_known(model: str, sent: dict[str, Any]) -> None:
    """14: by the pattern of its name."""
    assert sent == fields(provider(), model, max_tokens=5, temperature=0.5)


@pytest.mark.parametrize("form", ["dict", "text"])
@pytest.mark.parametrize(("model", "sent"), MODELS.items())
def test_a_deployment_with_another_name_is_known_by_the_option(model: str, sent: dict[str, Any], form: str) -> None:
    """14: the option says which model is behind it; the deployment is what is asked."""
    made = provider(deployments={"prod": model} if form == "dict" else f"test=gpt-4o, prod={model}")
    assert sent == fields(made, "prod", max_tokens=5, temperature=0.5)
    assert "prod" == written(made, "prod").body["model"]


def test_a_deployment_that_nobody_knows_is_taken_for_a_model_of_today() -> None:
    """14: of OpenAI's, all of which know max_completion_tokens."""
    assert {"max_completion_tokens": 5, "temperature": 0.5} == fields(provider(), "prod", max_tokens=5, temperature=0.5)


def test_a_deployment_has_the_price_of_its_model() -> None:
    """14: and its limits."""
    made = provider(deployments={"prod": "gpt-4o"})
    assert made.calculate_cost("prod", 1000, 1000) == made.calculate_cost("gpt-4o", 1000, 1000) is not None
    assert (None, None) == (provider().calculate_cost("prod", 1, 1), provider().model_info("prod"))


@pytest.mark.parametrize("model", ["gpt-5-pro", "gpt-5.1-codex-max", "codex-mini", "o3-pro"])
def test_models_of_the_responses_api_are_asked_there(model: str) -> None:
    """14: also behind another name, with what their family takes."""
    for made, name in ((provider(), model), (provider(deployments={"prod": model}), "prod")):
        sent = written(made, name, temperature=0.5)
        assert ("/openai/v1/responses", name) == (sent.path, sent.body["model"])
        assert ["temperature"] == [warning.param for warning in sent.warnings]


def test_extra_may_name_another_deployment() -> None:
    """It goes on the wire as it is."""
    made = provider(deployments={"prod": "gpt-5-pro"})
    assert "other" == written(made, "prod", extra={"model": "other"}).body["model"]


@pytest.mark.parametrize("wrong", ["prod", "prod=", "=gpt-4o", {"prod": 1}, 5])
def test_an_option_of_another_form_is_refused(wrong: Any) -> None:
    """With an example of the right one."""
    with pytest.raises(errors.ConfigurationError, match="prod=gpt-5-mini"):
        written(provider(deployments=wrong), "prod")


# What old versions lack.


@pytest.mark.parametrize(
    ("version", "sent"),
    [
        ("2024-10-21", {"max_completion_tokens": 5, "stream": True, "stream_options": {"include_usage": True}}),
        ("2024-09-01-preview", {"max_completion_tokens": 5, "stream": True, "stream_options": {"include_usage": True}}),
        ("2024-08-01-preview", {"max_tokens": 5, "stream": True}),
        ("v1", {"max_completion_tokens": 5, "stream": True, "stream_options": {"include_usage": True}}),
    ],
)
def test_old_versions_have_old_names(version: str, sent: dict[str, Any]) -> None:
    """The cap's newer name and usage in streams came in one version."""
    assert sent == fields(provider(api_version=version), stream=True, max_tokens=5)


def test_very_old_versions_cannot_force_a_call() -> None:
    """Which is told, since it must not be dropped."""
    assert "required" == fields(provider(api_version="2024-06-01"), tools=[TOOL], tool_choice="required")["tool_choice"]
    with pytest.raises(errors.InvalidRequestError, match="tool_choice"):
        fields(provider(api_version="2024-02-01"), tools=[TOOL], tool_choice="required")


# 15: events of the filter.

FOUND = [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]
FIRST = {"id": "", "model": "", "object": "", "created": 0, "choices": [], "prompt_filter_results": FOUND}
OFFSETS = {"check_offset": 44, "start_offset": 44, "end_offset": 198}
CHECKED = {"id": "", "model": "", "object": "", "created": 0, "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": OFFSETS}]}
LAST = {"id": "c1", "model": "m-1", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}


def test_the_first_event_says_only_what_the_filter_found() -> None:
    """15: no choice, no id, no model; what it found is kept."""
    decoder, chunks = run(wire(FIRST, delta({"content": "hello"}), delta({}, "stop"), LAST), AzureChat(provider="acme"))
    response = decoder.response()
    assert ("c1", "m-1", "hello", FOUND) == (response.id, response.model, response.text, response.extra["prompt_filter_results"])
    assert ["hello"] == [chunk.text for chunk in chunks if chunk.text]
    assert 3 == chunks[-1].usage.total_tokens


def test_choices_without_a_delta_say_nothing() -> None:
    """15: the filter that looks on later adds them, also after the end."""
    events = (FIRST, CHECKED, delta({"content": "hello"}), CHECKED, delta({}, "stop"), CHECKED, LAST)
    decoder, chunks = run(wire(*events), AzureChat(provider="acme"))
    assert (None, "hello", "stop") == (decoder.error, decoder.response().text, decoder.response().finish_reason)
    assert [("hello", None, None), ("", "stop", None), ("", None, 3)] == [
        (chunk.text, chunk.finish_reason, chunk.usage and chunk.usage.total_tokens) for chunk in chunks
    ]
    assert len(events) + 1 == decoder.events


# 16: refusals of the filter, and parts that are not taken.

FILTERED = {
    "error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        "type": None, "param": "prompt", "code": "content_filter", "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"jailbreak": {"filtered": True, "detected": True}}},
    }
}  # fmt: skip


@pytest.mark.parametrize("body", [FILTERED, {"error": {**FILTERED["error"], "code": "BadRequest"}}], ids=["code", "inner"])
@pytest.mark.parametrize("name", ["azure_openai", "azure_ai"])
def test_a_filtered_prompt_is_an_error_of_its_own(name: str, body: Any) -> None:
    """16: by the code, or by the one within."""
    error = provider(name).get_error_mapper("dep")(400, {}, json.dumps(body).encode())
    assert (errors.ContentFilteredError, 400, "prompt", False) == (type(error), error.status, error.param, error.retryable)
    assert "content management policy" in error.message


def test_a_filtered_answer_is_cut_off() -> None:
    """16: and keeps what was said."""
    body = completion({"role": "assistant", "content": "half"}, "content_filter", prompt_filter_results=FOUND)
    response = provider().transform_response(json.dumps(body).encode(), "dep")
    assert ("half", "content_filter", FOUND) == (response.text, response.finish_reason, response.extra["prompt_filter_results"])


@pytest.mark.parametrize("name", ["azure_openai", "azure_ai"])
def test_documents_are_not_taken(name: str) -> None:
    """16: in chat; the Responses API takes them."""
    made = provider(name)
    message = Message("user", (File(data=b"%PDF-", filename="a.pdf"),))
    with pytest.raises(errors.InvalidRequestError, match="file parts are not taken"):
        made.transform_request(ChatRequest.make("dep", [message]))
    if made.chat_apis:
        sent = made.transform_request(ChatRequest.make("dep", [message], api="responses"))
        assert "input_file" == sent.body["input"][0]["content"][0]["type"]


@pytest.mark.parametrize("name", ["azure_openai", "azure_ai", "azure_cognitive_services"])
@pytest.mark.parametrize("model", ["mistral-large-2411", "Mistral-Nemo", "ministral-3b", "Codestral-2501"])
def test_mistrals_models_have_their_own_ways(name: str, model: str) -> None:
    """16: max_completion_tokens is refused with status 422, and what else Mistral's models refuse anywhere."""
    call = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    talk = [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "3"},
    ]
    sent = provider(name).transform_request(ChatRequest.make(model, talk, max_tokens=5, tools=[TOOL], tool_choice="required")).body
    assert (5, "any", None) == (sent["max_tokens"], sent["tool_choice"], sent.get("max_completion_tokens"))
    assert ("system", "ab", 9) == (sent["messages"][0]["role"], sent["messages"][1]["content"], len(sent["messages"][3]["tool_call_id"]))


@pytest.mark.parametrize("name", ["azure_openai", "azure_ai"])
def test_a_named_tool_cannot_be_forced_where_that_is_refused(name: str) -> None:
    """A recorded 422: the choice must be a word."""
    with pytest.raises(errors.InvalidRequestError, match="no tool can be forced by name"):
        written(provider(name), "MAI-DS-R1", tools=[TOOL], tool_choice="add")


@pytest.mark.parametrize("model", ["DeepSeek-R1", "deepseek-r1-0528"])
@pytest.mark.parametrize("name", ["azure_openai", "azure_ai"])
def test_thoughts_in_tags_are_told_apart(name: str, model: str) -> None:
    """As a recording shows."""
    body = completion({"role": "assistant", "content": "<think>\nhm\n</think>\n\nfour"})
    response = provider(name).transform_response(json.dumps(body).encode(), model)
    assert ("four", "hm") == (response.text, response.reasoning)


# 17: limits.


@pytest.mark.parametrize("nothing", ["-1", "0"])
def test_limits_that_say_nothing_are_no_hint(nothing: str) -> None:
    """17: headers of -1 or 0, and no retry-after."""
    headers = {f"x-ratelimit-{what}-{of}": nothing for what in ("limit", "remaining", "reset") for of in ("requests", "tokens")}
    error = provider().get_error_mapper("dep")(429, headers, b'{"error":{"code":"429","message":"Too many requests."}}')
    assert (errors.RateLimitError, None, True) == (type(error), error.retry_after, error.retryable)


def test_a_wait_of_no_milliseconds_is_none() -> None:
    """17: a recorded answer has 0 milliseconds beside a true second."""
    error = provider().get_error_mapper("dep")(429, {"retry-after": "1", "retry-after-ms": "0"}, b'{"error":{"code":"RateLimitReached"}}')
    assert 1.0 == error.retry_after


# Foundry's unknown fields.


@pytest.mark.parametrize(
    ("options", "told"),
    [({}, False), ({"temperature": 0.5, "seed": 1, "stop": "x"}, False), ({"reasoning_effort": "low"}, True), ({"extra": {"safe_prompt": True}}, True)],
)
def test_fields_that_foundry_does_not_know_are_passed_through(options: dict[str, Any], told: bool) -> None:
    """Only with a header that says so."""
    assert ({"extra-parameters": "pass-through"} if told else {}) == written(provider("azure_ai"), **options).headers


def test_the_callers_own_header_stays() -> None:
    """Whether of the call or of all calls."""
    made = provider("azure_ai", headers={"Extra-Parameters": "drop"})
    assert {} == written(made, reasoning_effort="low").headers
    assert {} == written(provider("azure_ai"), reasoning_effort="low", headers={"extra-parameters": "error"}).headers


def test_the_v1_surface_needs_no_such_header() -> None:
    """It is OpenAI's."""
    assert {} == written(provider("azure_ai", api_version="v1"), reasoning_effort="low").headers


def test_a_provider_may_do_without_it() -> None:
    """It is a quirk."""
    made = provider("azure_ai")
    request = ChatRequest.make("dep", "hi", reasoning_effort="low")
    wire_request = FoundryChat(pass_through=False).encode(request, RequestContext(provider="azure_ai", config=made.config))
    assert {} == wire_request.headers


def test_embeddings_of_foundry_know_what_texts_are_for() -> None:
    """OpenAI's do not."""
    made = provider("azure_ai")
    sent = made.transform_request(EmbeddingRequest(model="m", input=("a",), input_type="query", user="u"))
    assert {"model": "m", "input": ["a"], "input_type": "query"} == sent.body
    assert ["user"] == [warning.param for warning in sent.warnings]
    assert FoundryEmbeddings().input_type_field


def test_embeddings_of_openai_come_in_base64() -> None:
    """As its SDK asks for them."""
    assert "base64" == provider().transform_request(EmbeddingRequest(model="m", input=("a",))).body["encoding_format"]


@pytest.mark.parametrize("cls", [*CLASSES, AzureResponses])
def test_dialects_are_values(cls: type[Any]) -> None:
    """Equal, hashable, picklable."""
    assert cls() == pickle.loads(pickle.dumps(cls()))
    assert hash(cls()) == hash(cls())
    assert cls() != attrs.evolve(cls(), api_version="2024-10-21")


def test_choices_are_those_of_openai() -> None:
    """Whatever Azure adds to them."""
    body = {"id": "c", "model": "m", "choices": [choice({"content": "a"}, content_filter_results={}), choice({"content": "b"}, index=1)]}
    assert ["a", "b"] == [item.message.text for item in provider().transform_response(json.dumps(body).encode(), "dep").choices]
