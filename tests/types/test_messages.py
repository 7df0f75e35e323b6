"""Messages: read in OpenAI's shape, written back without loss, never changed in place."""

from __future__ import annotations

import base64
import copy

import pytest

from llmclient.errors import InvalidRequestError, ResponseParsingError
from llmclient.types import messages as m
from llmclient.types.media import Audio, File, Image, Media, sniff
from llmclient.types.messages import FunctionCall, Message, Other, ProviderState, ReasoningBlock, Refusal, Text, Tool, ToolCall

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 8
PNG_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()

DICTS = {
    "text": {"role": "user", "content": "hi"},
    "system": {"role": "system", "content": "be brief"},
    "developer": {"role": "developer", "content": "be brief"},
    "named": {"role": "user", "content": "hi", "name": "ada"},
    "null content": {"role": "assistant", "content": None},
    "parts": {"role": "user", "content": [{"type": "text", "text": "what"}, {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "low"}}]},
    "remote image": {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}]},
    "audio": {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}]},
    "file": {"role": "user", "content": [{"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}]},
    "file id": {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]},
    "unknown part": {"role": "user", "content": [{"type": "video_url", "video_url": {"url": "https://x.test/a.mp4"}}]},
    "cached part": {"role": "user", "content": [{"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}]},
    "refusal part": {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
    "unknown key": {"role": "assistant", "content": "hi", "prefix": True},
    "calls": {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}, "extra_content": {"google": {"thought_signature": "s"}}}],
    },
    "result": {"role": "tool", "content": "42", "tool_call_id": "a"},
    "refusal": {"role": "assistant", "content": None, "refusal": "no"},
    "annotations": {"role": "assistant", "content": "hi", "annotations": [{"type": "url_citation"}]},
    "odd image": {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.test/a.png", "format": "jpeg"}}]},
}


@pytest.mark.parametrize("value", DICTS.values(), ids=DICTS)
def test_a_dict_comes_back_as_it_was(value):
    """Reading and writing loses nothing, and leaves the caller's dict alone."""
    before = copy.deepcopy(value)
    assert Message.of(value).to_dict() == value
    assert value == before


def test_a_string_is_a_users_message():
    """The short form."""
    assert Message.of("hi") == Message("user", "hi")


def test_a_message_is_taken_as_it_is():
    """No copy is made of a frozen value."""
    message = Message("user", "hi")
    assert Message.of(message) is message


def test_reasoning_and_state_survive_a_round_trip():
    """Blocks keep signature, provider and model; the state its data."""
    blocks = (ReasoningBlock("think", "sig", None, "anthropic", "claude"), ReasoningBlock("", redacted="xyz", provider="anthropic"))
    message = Message("assistant", "hi", reasoning=blocks, provider_state=ProviderState("openai", "responses", {"items": [1]}))
    assert Message.of(message.to_dict()) == message
    assert message.reasoning_text == "think"


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_reasoning_is_read_from_both_names(key):
    """Servers disagree on the name."""
    assert Message.of({"role": "assistant", "content": "a", key: "because"}).reasoning == (ReasoningBlock("because"),)


BAD = {
    "a number": 5,
    "no role": {"content": "hi"},
    "an unknown role": {"role": "robot", "content": "hi"},
    "content of a number": {"role": "user", "content": 5},
    "content of a dict": {"role": "user", "content": {"type": "text"}},
    "a part without type": {"role": "user", "content": [{"text": "hi"}]},
    "a part of a number": {"role": "user", "content": [5]},
    "a call without function": {"role": "assistant", "tool_calls": [{"id": "a"}]},
    "a call without name": {"role": "assistant", "tool_calls": [{"id": "a", "function": {}}]},
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_a_malformed_message_is_refused(value):
    """With a typed error that says what is wrong."""
    with pytest.raises(InvalidRequestError, match="message|part|tool call"):
        Message.of(value)


@pytest.mark.parametrize("value", [[], (), 5, b"hi", None])
def test_a_conversation_must_hold_messages(value):
    """An empty one is refused too."""
    with pytest.raises(InvalidRequestError, match="messages"):
        m.read_messages(value)


def test_the_system_prompt_comes_first():
    """`system=` is the short form of a system message."""
    assert [message.role for message in m.read_messages(["hi", {"role": "assistant", "content": "yes"}], "be brief")] == ["system", "user", "assistant"]


def test_text_is_the_text_parts_joined():
    """Other parts have no text."""
    message = Message("user", (Text("a"), Image(data=PNG), Text("b")))
    assert message.text == "ab"
    assert Message("assistant").text == ""
    assert Message("user", "x").parts == (Text("x"),)
    assert Message("user", "").parts == ()


@pytest.mark.parametrize("arguments", ["", None, "null"])
def test_arguments_that_say_nothing_are_an_empty_object(arguments):
    """So that a call can always be parsed."""
    assert m.read_arguments(arguments) == "{}"


def test_arguments_given_as_values_are_written_as_json():
    """Some servers send an object."""
    assert m.read_arguments({"a": 1}) == '{"a":1}'


def test_arguments_are_parsed_on_request():
    """Broken JSON stays as it is until then."""
    assert ToolCall("a", FunctionCall("f", '{"a": 1}')).parse() == {"a": 1}
    with pytest.raises(ResponseParsingError, match="arguments of f are not JSON"):
        FunctionCall("f", '{"a":').parse()


def test_a_tool_is_read_from_a_dict():
    """Unknown fields are kept."""
    value = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}, "cache_control": {"type": "e"}}
    tool = Tool.of(value)
    assert tool == Tool("f", "d", {"type": "object"}, True, {"cache_control": {"type": "e"}})
    assert m.write_tool(tool) == value


def test_a_tool_of_another_type_stays_verbatim():
    """Web search and its like are the provider's own."""
    value = {"type": "web_search"}
    assert Tool.of(value) is value
    assert m.write_tool(value) is value
    tool = Tool("f")
    assert Tool.of(tool) is tool


@pytest.mark.parametrize("value", [5, {"type": "function", "function": {}}, {"function": {"name": ""}}])
def test_a_malformed_tool_is_refused(value):
    """Before anything is sent."""
    with pytest.raises(InvalidRequestError, match="tool"):
        Tool.of(value)


def test_media_is_given_as_bytes_path_or_address(tmp_path):
    """Each comes out as base64 with its type."""
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    encoded = base64.b64encode(PNG).decode()
    assert Image(data=PNG).base64() == (encoded, "image/png")
    assert Image(path=path).base64() == (encoded, "image/png")
    assert Image(PNG_URL).base64() == (encoded, "image/png")
    assert Image(PNG_URL).load() == (PNG, "image/png")
    assert Image(data=PNG, media_type="image/x").data_url() == "data:image/x;base64," + encoded


def test_a_remote_address_stays_an_address():
    """It is not fetched here."""
    image = Image("https://x.test/a.png")
    assert image.remote_url == "https://x.test/a.png"
    assert Image(PNG_URL).remote_url is None
    with pytest.raises(InvalidRequestError, match="is remote"):
        image.load()


def test_a_file_that_cannot_be_read_is_a_typed_error(tmp_path):
    """It is found out before anything is sent."""
    with pytest.raises(InvalidRequestError, match="cannot read .*No such file"):
        File(path=tmp_path / "missing.pdf").base64()


@pytest.mark.parametrize("url", ["data:image/png,plain", "data:image/png;base64"])
def test_a_broken_data_url_is_refused(url):
    """Only base64 is understood."""
    with pytest.raises(InvalidRequestError, match="data: URL"):
        Image(url).base64()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"%PDF-1.7", "application/pdf"),
        (b"RIFF\0\0\0\0WAVE", "audio/wav"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"RIFF\0\0\0\0AVI ", None),
        (b"ID3\4", "audio/mpeg"),
        (b"fLaC", "audio/flac"),
        (b"OggS", "audio/ogg"),
        (b"hello", None),
    ],
)
def test_the_type_is_told_by_the_first_bytes(data, kind):
    """Where neither path nor caller says it."""
    assert sniff(data) == kind


def test_each_kind_of_media_has_a_usual_type():
    """For bytes that tell nothing."""
    assert [kind(data=b"?").base64()[1] for kind in (Media, Image, Audio, File)] == ["application/octet-stream", "image/png", "audio/wav", "application/pdf"]


def test_audio_is_written_in_openais_words():
    """Its format is a short word."""
    assert m.write_part(Audio(data=b"ID3\4"))["input_audio"]["format"] == "mp3"
    assert m.write_part(Audio(data=b"RIFF\0\0\0\0WAVE"))["input_audio"]["format"] == "wav"


def test_a_data_url_as_audio_is_understood():
    """Some hosts take audio so."""
    value = {"type": "input_audio", "input_audio": {"data": "data:audio/mp3;base64,SUQz"}}
    assert Message.of({"role": "user", "content": [value]}).content[0].base64() == ("SUQz", "audio/mp3")


def test_a_file_is_named_after_its_path(tmp_path):
    """OpenAI wants a name."""
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF-")
    assert m.write_part(File(path=path))["file"]["filename"] == "report.pdf"
    assert m.write_part(File(data=b"%PDF-"))["file"]["filename"] == "document.pdf"


def test_parts_may_be_objects_or_strings():
    """Also mixed with dicts."""
    parts = Message.of({"role": "user", "content": ["a", Text("b"), {"type": "text", "text": "c"}, Refusal("d"), ReasoningBlock("e")]}).content
    assert parts == (Text("a"), Text("b"), Text("c"), Refusal("d"), ReasoningBlock("e"))
    assert m.write_part(ReasoningBlock("e")) == {"type": "reasoning", "text": "e"}


def test_a_part_whose_inside_is_odd_stays_verbatim():
    """Nothing of it is lost."""
    value = {"type": "text", "text": ["not", "a", "string"]}
    assert Message.of({"role": "user", "content": [value]}).content == (Other(value),)
    audio = {"type": "input_audio", "input_audio": "?"}
    assert Message.of({"role": "user", "content": [audio]}).content == (Other(audio),)


def test_bytes_are_not_shown():
    """A picture does not fill the log."""
    assert "<16 bytes>" in repr(Image(data=PNG))


def test_a_message_made_by_hand_is_read_as_a_dict_is():
    """Its parts and tool calls may be dicts in OpenAI's shape; none becomes null on the way."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    given = Message("assistant", [{"type": "text", "text": "a"}, "b"], tool_calls=[call])
    (read,) = m.read_messages([given])
    assert Message("assistant", (Text("a"), Text("b")), tool_calls=(ToolCall("c", FunctionCall("f")),)) == read
    assert isinstance(given.content, list)


def test_a_whole_message_stays_the_same():
    """Nothing is copied where nothing is to be read."""
    for message in (Message("user", "a"), Message("user", (Text("a"),)), Message("assistant")):
        assert m.read_messages([message]) == (message,)
        assert m.read_messages([message])[0] is message


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (type("Model", (), {"model_dump": None})(), "a message must be a str, a dict or a Message, got Model; pass its model_dump"),
        (Message("robot", "a"), "role must be one of .*, got 'robot'"),
        (Message(5, "a"), "role must be one of .*, got int"),
        (Message("user", 5), "content must be a str, a list of parts or None, got int"),
        (Message("user", [5]), "a content part must be"),
        (Message("user", (Text(5),)), "a part's text must be a str, got int"),
        (Message("assistant", (Refusal(None),)), "a part's text must be a str, got NoneType"),
        (Message("assistant", tool_calls=(5,)), "a tool call needs a function with a name"),
        ({"role": "user", "content": "a", "name": 5}, "a message's name must be a str, got int"),
        ({"role": "tool", "content": "a", "tool_call_id": ["a"]}, "a message's tool_call_id must be a str, got list"),
        ({"role": "assistant", "tool_calls": 0}, "a message's tool_calls must be a list, got int"),
        ({"role": "assistant", "tool_calls": [{"id": 5, "function": {"name": "f"}}]}, "a tool call's id must be a str, got int"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_message_of_the_wrong_shape_is_refused(message, words):
    """However it was made."""
    with pytest.raises(InvalidRequestError, match=words):
        m.read_messages([message])


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        (Tool(None), "a function tool needs a name"),
        (Tool("f", parameters="object"), "the parameters of 'f' must be a dict, a JSON Schema, got str$"),
        (Tool("f", parameters=type("Model", (), {"model_json_schema": None})), "of a pydantic model pass Model.model_json_schema"),
        ({"type": "function", "function": {"name": "f", "parameters": 5}}, "the parameters of 'f' must be a dict"),
        (len, r"describe a function by Tool\(name, description, parameters\)"),
    ],
    ids=["name", "text", "model", "dict", "function"],
)
def test_a_tool_of_the_wrong_shape_is_refused(tool, words):
    """The error says what to pass instead."""
    with pytest.raises(InvalidRequestError, match=words):
        Tool.of(tool)
