"""The simulator of Azure: its addresses, what its filter adds, and its failures."""

import json

import pytest

import llmclient
from llmclient.simulator import Simulator

USER = {"role": "user", "content": "Hello there"}
DATED = "api-version=2024-10-21"


@pytest.fixture
def post(simulator, http):
    """Ask something of a path; gives the response."""

    def post(path, headers=None, **body):
        return http.post(simulator.url + path, json=body, headers=headers, timeout=10)

    return post


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/openai/v1/chat/completions", {"model": "echo"}),
        ("/openai/v1/chat/completions?api-version=preview", {"model": "echo"}),
        (f"/openai/deployments/echo/chat/completions?{DATED}", {}),
        ("/models/chat/completions?api-version=2024-05-01-preview", {"model": "echo"}),
    ],
)
def test_addresses_of_chat(post, path, body):
    """A deployment stands in the path or in the body."""
    response = post(path, messages=[USER], **body)
    answer = response.json()
    assert ("Hello there", "echo") == (answer["choices"][0]["message"]["content"], answer["model"])
    assert answer["choices"][0]["content_filter_results"] == answer["prompt_filter_results"][0]["content_filter_results"]
    assert response.headers["apim-request-id"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/openai/deployments/echo/chat/completions", 404),
        ("/models/chat/completions", 404),
        ("/openai/responses", 404),
        (f"/openai/v1/chat/completions?{DATED}", 400),
    ],
)
def test_a_version_is_needed_or_refused(post, path, status):
    """As the surface wants."""
    assert status == post(path, model="echo", messages=[USER], input="x").status_code


def test_a_stream_begins_with_what_the_filter_found(post):
    """In an event without a choice, an id or a model."""
    response = post("/openai/v1/chat/completions", model="echo", messages=[USER], stream=True, stream_options={"include_usage": True})
    lines = response.content.split(b"\n\n")
    found = [json.loads(line.removeprefix(b"data: ")) for line in lines[:-2]]
    assert ([], "", "") == (found[0]["choices"], found[0]["id"], found[0]["model"])
    assert found[0]["prompt_filter_results"]
    assert all("content_filter_results" in choice for event in found for choice in event["choices"])
    assert ([], b"data: [DONE]") == (found[-1]["choices"], lines[-2])


def test_other_operations(post, http, simulator):
    """Embeddings, models and responses, on each surface."""
    assert 1 == len(post(f"/openai/deployments/embed/embeddings?{DATED}", input="a").json()["data"])
    assert 2 == len(post("/openai/v1/embeddings", model="embed", input=["a", "b"]).json()["data"])
    assert 1 == len(post("/models/embeddings?api-version=2024-05-01-preview", model="embed", input="a").json()["data"])
    assert http.get(simulator.url + "/openai/v1/models").json() == http.get(f"{simulator.url}/openai/models?{DATED}").json()
    for path in ("/openai/v1/responses", f"/openai/responses?{DATED}"):
        assert "response" == post(path, model="echo", input="hi").json()["object"]


def test_a_filtered_prompt(post):
    """Is refused, and both codes tell why."""
    error = post("/openai/v1/chat/completions", model="echo", messages=[{"role": "user", "content": "A Jailbreak, please"}]).json()["error"]
    assert ("content_filter", "ResponsibleAIPolicyViolation") == (error["code"], error["innererror"]["code"])


@pytest.mark.parametrize(
    ("fault", "code"), [("status=429", "RateLimitReached"), ("status=503", "503"), ("status=400;code=BadRequest;type=invalid_request_error", "BadRequest")]
)
def test_failures(post, simulator, fault, code):
    """Each has its code."""
    simulator.fault(fault)
    assert code == post("/openai/v1/chat/completions", model="echo", messages=[USER]).json()["error"]["code"]


def test_a_failure_within_a_stream(post, simulator):
    """Has the same shape."""
    simulator.fault("error=1")
    response = post("/openai/v1/chat/completions", model="echo", messages=[USER], stream=True)
    assert b'data: {"error":{"code":' in response.content


def test_a_deployment_that_is_not_there(post):
    """Has a code of its own."""
    response = post(f"/openai/deployments/missing/chat/completions?{DATED}", messages=[USER])
    assert (404, "DeploymentNotFound") == (response.status_code, response.json()["error"]["code"])


@pytest.mark.parametrize("header", [{"api-key": "right"}, {"authorization": "Bearer right"}])
def test_a_key_may_be_in_either_header(http, header):
    """And must be the right one."""
    with Simulator(api_key="right") as locked:
        url = locked.url + "/openai/v1/models"
        assert (200, 401) == (http.get(url, headers=header).status_code, http.get(url, headers={"api-key": "wrong"}).status_code)
        assert "401" == http.get(url).json()["error"]["code"]


@pytest.mark.parametrize(
    "settings",
    [{"adapter": "azure_openai"}, {"adapter": "azure_openai", "api_version": "2024-10-21"}, {"adapter": "azure_ai"}, {"adapter": "azure_cognitive_services"}],
)
def test_our_client(simulator, settings):
    """Chat, streams, tools and embeddings, wherever they are."""
    client = llmclient.Client(providers={"here": {"api_key": "k", "api_base": simulator.url, **settings}})
    assert "Hello there" == client.chat("here/echo", [USER], max_tokens=50).text
    with client.stream("here/reasoner", [USER]) as stream:
        assert "Hello there" == "".join(chunk.text for chunk in stream)
    assert stream.response.reasoning
    assert stream.response.usage.total_tokens
    assert [{"prompt_index": 0}.items() <= found.items() for found in stream.response.extra["prompt_filter_results"]] == [True]
    assert 2 == len(client.embed("here/embed", ["a", "b"]).vectors)
    with pytest.raises(llmclient.errors.ContentFilteredError):
        client.chat("here/echo", "a jailbreak")
    with pytest.raises(llmclient.errors.ModelNotFoundError):
        client.chat("here/missing", "hi")
