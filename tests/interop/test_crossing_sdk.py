"""What a conversation becomes when it changes its provider, held against the types of that provider's own client."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import pytest

from tests.crossing import PARTIES
from tests.test_crossing import PAIRS, accepted, conversation, send

pytestmark = pytest.mark.sdk


def part_of(name: str) -> Any:
    """Return a module or class of a vendor's client; skips the test where it is not installed."""
    module, _, attribute = name.partition(":")
    pytest.importorskip(module.partition(".")[0], reason=f"the package of {module} is not installed")
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        pytest.skip(f"{module} cannot be imported: {error}")
    return getattr(found, attribute) if attribute else found


def eager(schema: Any) -> Any:
    """Return a schema of pydantic's core in which any iterable is a list: else it is checked only when somebody looks."""
    if isinstance(schema, dict):
        kind = {"type": "list"} if schema.get("type") == "generator" else {}
        return {key: eager(value) for key, value in schema.items()} | kind
    return [eager(item) for item in schema] if isinstance(schema, list) else schema


def typed(name: str, body: Any) -> None:
    """Hold a body against a type; raises pydantic's ValidationError."""
    adapter = part_of("pydantic:TypeAdapter")(part_of(name))
    part_of("pydantic_core:SchemaValidator")(eager(adapter.core_schema)).validate_python(body)


def openai(body: dict[str, Any]) -> None:
    """Check against OpenAI's types, which let what they do not know pass."""
    typed("openai.types.chat.completion_create_params:CompletionCreateParamsNonStreaming", body)


def responses(body: dict[str, Any]) -> None:
    """Check against OpenAI's types of responses. They ask for the detail of images, which the API documents with a default."""
    for item in body["input"]:
        for part in item.get("content") or () if isinstance(item.get("content"), list) else ():
            if part["type"] == "input_image":
                part.setdefault("detail", "auto")
    typed("openai.types.responses.response_create_params:ResponseCreateParamsNonStreaming", body)


def anthropic(body: dict[str, Any]) -> None:
    """Check against Anthropic's types."""
    typed("anthropic.types.message_create_params:MessageCreateParamsNonStreaming", body)


def gemini(body: dict[str, Any]) -> None:
    """Check contents and tools against Google's types, which refuse what they do not know."""
    types = part_of("google.genai.types")
    for content in [*body["contents"], body["systemInstruction"]]:
        types.Content.model_validate(content)
    for tool in body["tools"]:
        types.Tool.model_validate(tool)


def bedrock(body: dict[str, Any]) -> None:
    """Check against botocore's model of the service; media are bytes there, which base64 stands for here."""
    session = part_of("botocore.session").get_session()
    shape = session.get_service_model("bedrock-runtime").operation_model("Converse").input_shape
    report = part_of("botocore.validate").ParamValidator().validate({"modelId": "m", **body}, shape)
    assert not report.has_errors(), report.generate_report()


def cohere(body: dict[str, Any]) -> None:
    """Check messages against Cohere's types."""
    for message in body["messages"]:
        typed("cohere:ChatMessageV2", message)


def mistral(body: dict[str, Any]) -> None:
    """Check against Mistral's types."""
    module = "mistralai.models" if importlib.util.find_spec("mistralai.models") else "mistralai.client.models"
    part_of(f"{module}:ChatCompletionRequest").model_validate(body)


def ollama(body: dict[str, Any]) -> None:
    """Check against Ollama's types; those of the request let any message pass, and an image is one of their objects until it is sent."""
    part_of("ollama._types:ChatRequest").model_validate(body)
    for message in body["messages"]:
        images = {"images": [{"value": image} for image in message["images"]]} if "images" in message else {}
        assert part_of("ollama._types:Message").model_validate({**message, **images}).model_dump(exclude_none=True) == message


CHECKS = {
    "openai": openai,
    "responses": responses,
    "anthropic": anthropic,
    "gemini": gemini,
    "bedrock": bedrock,
    "cohere": cohere,
    "mistral": mistral,
    "ollama": ollama,
}


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=[f"{first} to {second}" for first, second in PAIRS])
def test_the_request_has_the_vendors_types(first, second):
    """A conversation with calls, results, thoughts and media is one that the vendor's client could have written."""
    body, _ = send(PARTIES[second], conversation(PARTIES[first], *accepted(PARTIES[second])))
    CHECKS[second.partition(" ")[0]](json.loads(body))


@pytest.mark.parametrize("second", sorted({second for _, second in PAIRS}))
def test_the_check_can_fail(second):
    """A conversation of the wrong shape is refused by the vendor's types."""
    body, _ = send(PARTIES[second], conversation(PARTIES["anthropic"]))
    value = json.loads(body)
    field = next(name for name in ("messages", "contents", "input") if name in value)
    value[field] = [{"role": 5, "content": 7, "parts": 7, "type": "message"}]
    kinds = (AssertionError, part_of("pydantic:ValidationError")) if second != "bedrock" else AssertionError
    with pytest.raises(kinds):
        CHECKS[second.partition(" ")[0]](value)
