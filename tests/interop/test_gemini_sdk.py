"""The simulator, held against Google's own client: what that client reads without complaint has Google's shape."""

import json
import math

import pytest

from llmclient.simulator import Simulator

genai = pytest.importorskip("google.genai", reason="the package google-genai is not installed")

pytestmark = [pytest.mark.sdk, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

ASKED = "Hello there, world"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"function_declarations": [{"name": "get_weather", "description": "d", "parameters_json_schema": SCHEMA}]}


@pytest.fixture(scope="module")
def simulator():
    """A simulator for this file."""
    with Simulator(api_key="right") as running:
        yield running


@pytest.fixture(params=["v1beta", "v1", "vertex"])
def client(request, simulator):
    """Google's client, for each of its two services."""
    if request.param == "vertex":
        credentials = pytest.importorskip("google.oauth2.credentials").Credentials(token="right")
        return genai.Client(enterprise=True, project="p", location="us-central1", credentials=credentials, http_options={"base_url": simulator.url})
    return genai.Client(api_key="right", http_options={"base_url": simulator.url, "api_version": request.param})


@pytest.fixture
def developer(simulator):
    """Google's client for the Gemini API."""
    return genai.Client(api_key="right", http_options={"base_url": simulator.url, "api_version": "v1beta"})


def test_an_answer(client):
    """Text, reason, usage, model and id."""
    config = {"system_instruction": "Be brief.", "temperature": 0, "max_output_tokens": 100, "stop_sequences": ["END"], "seed": 1, "top_k": 3}
    answer = client.models.generate_content(model="echo", contents=ASKED, config=config)
    assert (ASKED, "STOP", "echo") == (answer.text, answer.candidates[0].finish_reason.value, answer.model_version)
    assert answer.usage_metadata.total_token_count == answer.usage_metadata.prompt_token_count + answer.usage_metadata.candidates_token_count
    assert 24 == len(answer.response_id)


def test_a_stream(client):
    """Pieces that are the plain answer together."""
    chunks = list(client.models.generate_content_stream(model="echo", contents=ASKED))
    assert ASKED == "".join(chunk.text or "" for chunk in chunks)
    assert "STOP" == chunks[-1].candidates[0].finish_reason.value
    plain = client.models.generate_content(model="echo", contents=ASKED)
    assert plain.usage_metadata.total_token_count == chunks[-1].usage_metadata.total_token_count


def test_a_round_of_tools(client):
    """The call comes signed, its result is answered."""
    contents = [{"role": "user", "parts": [{"text": "Weather in Paris?"}]}]
    config = {"tools": [TOOL], "automatic_function_calling": {"disable": True}}
    answer = client.models.generate_content(model="gemini-3-pro-preview", contents=contents, config=config)
    (call,) = answer.function_calls
    assert ("get_weather", {"city"}) == (call.name, call.args.keys())
    assert answer.candidates[0].content.parts[0].thought_signature
    contents += [answer.candidates[0].content, {"role": "user", "parts": [{"function_response": {"name": call.name, "response": {"weather": "sunny"}}}]}]
    assert "sunny" in client.models.generate_content(model="gemini-3-pro-preview", contents=contents, config=config).text


def test_thoughts(client):
    """Parts of their own, counted beside the answer."""
    answer = client.models.generate_content(model="reasoner", contents=ASKED, config={"thinking_config": {"include_thoughts": True, "thinking_budget": 8000}})
    assert [True, None] == [part.thought for part in answer.candidates[0].content.parts]
    assert answer.usage_metadata.thoughts_token_count > 0


@pytest.mark.parametrize("field", ["response_json_schema", "response_schema"])
def test_a_shape(client, field):
    """In either language."""
    answer = client.models.generate_content(model="echo", contents=ASKED, config={"response_mime_type": "application/json", field: SCHEMA})
    assert {"city"} == json.loads(answer.text).keys()


def test_candidates_and_logprobs(client):
    """Several answers, with the likelihood of each token."""
    answer = client.models.generate_content(model="echo", contents=ASKED, config={"candidate_count": 2, "response_logprobs": True, "logprobs": 2})
    assert [0, 1] == [candidate.index or 0 for candidate in answer.candidates]
    assert all(score.log_probability <= 0 for score in answer.candidates[0].logprobs_result.chosen_candidates)


def test_embeddings(client):
    """Unit vectors of the length that was asked for."""
    answer = client.models.embed_content(model="text-embedding-004", contents=["one", "two"], config={"output_dimensionality": 8})
    assert [8, 8] == [len(each.values) for each in answer.embeddings]
    assert all(math.isclose(1, sum(value * value for value in each.values), rel_tol=1e-5) for each in answer.embeddings)


def test_counts(client):
    """Of a prompt."""
    assert client.models.count_tokens(model="echo", contents=ASKED).total_tokens == client.models.generate_content(model="echo", contents=ASKED).usage_metadata.prompt_token_count


def test_models(developer):
    """The list, and one of them."""
    assert "models/echo" in [model.name for model in developer.models.list()]
    assert 128_000 == developer.models.get(model="echo").input_token_limit


@pytest.mark.parametrize(("model", "code", "status"), [("missing", 404, "NOT_FOUND"), ("fail", 500, "INTERNAL"), ("fault/status=429", 429, "RESOURCE_EXHAUSTED")])
def test_failures(developer, model, code, status):
    """Google's client names them as it does Google's own."""
    with pytest.raises(genai.errors.APIError) as caught:
        developer.models.generate_content(model=model, contents=ASKED)
    assert (code, status) == (caught.value.code, caught.value.status)


def test_a_wrong_key(simulator):
    """A bad argument, by its reason."""
    client = genai.Client(api_key="wrong", http_options={"base_url": simulator.url, "api_version": "v1beta"})
    with pytest.raises(genai.errors.ClientError, match="API key not valid") as caught:
        client.models.generate_content(model="echo", contents=ASKED)
    assert (400, "INVALID_ARGUMENT") == (caught.value.code, caught.value.status)
