"""The simulator, held against the clients that OpenAI and Microsoft have for Azure."""

import pytest

from llmclient.simulator import Simulator

pytestmark = pytest.mark.sdk

USER = {"role": "user", "content": "Hello there, world"}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Tells it.", "parameters": PARAMETERS}}


@pytest.fixture(scope="module")
def simulator():
    """A simulator for this file."""
    with Simulator(api_key="right") as running:
        yield running


def openais(simulator, **settings):
    """Return OpenAI's client for Azure."""
    openai = pytest.importorskip("openai", reason="the package openai is not installed")
    given = {"api_key": "right", "api_version": "2024-10-21", "azure_endpoint": simulator.url, "max_retries": 0, "timeout": 10, **settings}
    return openai.AzureOpenAI(**given)


def test_chat_and_streams(simulator):
    """By deployments, with what the filter found."""
    with openais(simulator) as client:
        answer = client.chat.completions.create(model="echo", messages=[USER], max_completion_tokens=50)
        assert ("Hello there, world", "stop") == (answer.choices[0].message.content, answer.choices[0].finish_reason)
        assert answer.model_extra["prompt_filter_results"]
        events = list(client.chat.completions.create(model="echo", messages=[USER], stream=True, stream_options={"include_usage": True}))
    assert ([], []) == (events[0].choices, events[-1].choices)
    assert "Hello there, world" == "".join(choice.delta.content or "" for event in events for choice in event.choices)
    assert answer.usage.total_tokens == events[-1].usage.total_tokens


def test_tools(simulator):
    """The call has its arguments, and the result is answered."""
    with openais(simulator) as client:
        answer = client.chat.completions.create(model="echo", messages=[USER], tools=[TOOL])
        (call,) = answer.choices[0].message.tool_calls
        result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
        again = client.chat.completions.create(model="echo", messages=[USER, answer.choices[0].message, result], tools=[TOOL])
    assert "The tool says: sunny" == again.choices[0].message.content


def test_other_operations(simulator):
    """Embeddings, models and responses."""
    with openais(simulator) as client:
        assert 8 == len(client.embeddings.create(model="embed", input="a", dimensions=8).data[0].embedding)
        assert "echo" in [model.id for model in client.models.list()]
        assert "hi" == client.responses.create(model="echo", input="hi").output_text


def test_the_v1_surface(simulator):
    """With OpenAI's usual client, as Microsoft's documents have it."""
    openai = pytest.importorskip("openai", reason="the package openai is not installed")
    with openai.OpenAI(api_key="right", base_url=simulator.url + "/openai/v1", max_retries=0) as client:
        assert "Hello there, world" == client.chat.completions.create(model="echo", messages=[USER]).choices[0].message.content
        assert "hi" == client.responses.create(model="echo", input="hi").output_text


def test_failures(simulator):
    """A deployment that is not there, a filtered prompt, a wrong key and a version that is missing."""
    openai = pytest.importorskip("openai", reason="the package openai is not installed")
    with openais(simulator) as client:
        with pytest.raises(openai.NotFoundError) as caught:
            client.chat.completions.create(model="missing", messages=[USER])
        assert "DeploymentNotFound" == caught.value.code
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(model="echo", messages=[{"role": "user", "content": "jailbreak"}])
        assert "content_filter" == caught.value.code
    with openais(simulator, api_key="wrong") as client, pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(model="echo", messages=[USER])


def microsofts(simulator, key="right"):
    """Return Microsoft's client for Foundry."""
    inference = pytest.importorskip("azure.ai.inference", reason="the package azure-ai-inference is not installed")
    credentials = pytest.importorskip("azure.core.credentials")
    return inference.ChatCompletionsClient(endpoint=simulator.url + "/models", credential=credentials.AzureKeyCredential(key), retry_total=0)


def test_foundry(simulator):
    """A plain answer, a stream and a call, at one address for all models."""
    with microsofts(simulator) as client:
        answer = client.complete(model="echo", messages=[USER])
        assert ("Hello there, world", "stop") == (answer.choices[0].message.content, answer.choices[0].finish_reason)
        events = list(client.complete(model="echo", messages=[USER], stream=True))
        called = client.complete(body={"model": "echo", "messages": [USER], "tools": [TOOL]})
    assert "Hello there, world" == "".join(choice.delta.content or "" for event in events for choice in event.choices)
    assert "get_weather" == called.choices[0].message.tool_calls[0].function.name


def test_the_failures_of_foundry(simulator):
    """Each is one that the client knows by its status."""
    exceptions = pytest.importorskip("azure.core.exceptions")
    with microsofts(simulator) as client, pytest.raises(exceptions.ResourceNotFoundError):
        client.complete(model="missing", messages=[USER])
    with microsofts(simulator, "wrong") as client, pytest.raises(exceptions.ClientAuthenticationError):
        client.complete(model="echo", messages=[USER])
