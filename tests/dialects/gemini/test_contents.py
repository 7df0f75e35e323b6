"""Messages on their way to Google."""

from __future__ import annotations

import base64
import pathlib

import attrs
import pytest

from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Audio, File, Image, Message, Other, ProviderState, ReasoningBlock, Refusal, Text
from tests.dialects.gemini.kit import assistant, body, call, notes, result, text, told, turns

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def test_a_system_message_is_lifted_out() -> None:
    """It goes into systemInstruction, and the turns hold the rest."""
    sent = body([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}])
    assert {"parts": [{"text": "Be brief."}], "role": "user"} == sent["systemInstruction"]
    assert [{"role": "user", "parts": [{"text": "hi"}]}] == sent["contents"]


def test_a_developer_message_is_a_system_message() -> None:
    """Both are lifted out, in their order."""
    sent = body([{"role": "system", "content": "One."}, {"role": "developer", "content": "Two."}, "hi"])
    assert ["One.", "Two."] == [part["text"] for part in sent["systemInstruction"]["parts"]]


def test_a_late_system_message_is_moved_with_a_warning() -> None:
    """It cannot stand within the conversation."""
    assert [("moved", "messages.system")] == notes(["hi", {"role": "system", "content": "late"}])


def test_a_system_message_alone_is_sent_as_the_users() -> None:
    """There must be a turn."""
    sent = body([{"role": "system", "content": "Say hi."}])
    assert [{"role": "user", "parts": [{"text": "Say hi."}]}] == sent["contents"]
    assert "systemInstruction" not in sent
    assert [("moved", "messages")] == notes([{"role": "system", "content": "Say hi."}])


def test_a_picture_in_a_system_message_is_refused() -> None:
    """System messages are text; the error names the part."""
    with pytest.raises(InvalidRequestError, match="image"):
        body([Message("system", (Image("https://x.test/a.png"),)), "hi"])


def test_an_unknown_part_in_a_system_message_is_refused_by_its_type() -> None:
    """The error names the kind that the caller wrote."""
    with pytest.raises(InvalidRequestError, match="widget"):
        body([Message("system", (Other({"type": "widget"}),)), "hi"])


def test_an_assistant_is_the_model() -> None:
    """Roles are user and model."""
    assert ["user", "model", "user"] == [turn["role"] for turn in turns("hi", assistant(content="hello"), "bye")]


def test_an_empty_assistant_message_is_no_turn() -> None:
    """A turn without parts is refused."""
    assert ["user", "user"] == [turn["role"] for turn in turns("hi", assistant(content=""), "bye")]


def test_a_user_message_without_content_is_no_turn() -> None:
    """None says nothing."""
    assert 1 == len(turns("hi", {"role": "user", "content": None}))


def test_media_by_value_are_inline_data() -> None:
    """Bytes, data URLs and paths are written in base64 with their type."""
    message = Message("user", (Text("What?"), Image(f"data:image/png;base64,{PIXEL}"), File(data=b"%PDF-1.4"), Audio(data=b"ID3", format="mp3")))
    (turn,) = turns(message)
    kinds = [part["inlineData"]["mimeType"] for part in turn["parts"][1:]]
    assert ["image/png", "application/pdf", "audio/mp3"] == kinds
    assert PIXEL == turn["parts"][1]["inlineData"]["data"]


def test_a_file_is_read_from_its_path(tmp_path: pathlib.Path) -> None:
    """The type is guessed from the name."""
    path = tmp_path / "notes.txt"
    path.write_text("hello", encoding="utf-8")
    (turn,) = turns(Message("user", (File(path=path),)))
    assert {"mimeType": "text/plain", "data": base64.b64encode(b"hello").decode()} == turn["parts"][0]["inlineData"]


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        (Image("https://x.test/a.jpg?q=1"), {"mimeType": "image/jpeg", "fileUri": "https://x.test/a.jpg?q=1"}),
        (Image("gs://bucket/a", media_type="image/webp"), {"mimeType": "image/webp", "fileUri": "gs://bucket/a"}),
        (Audio("https://x.test/a", format="wav"), {"mimeType": "audio/wav", "fileUri": "https://x.test/a"}),
        (File("https://www.youtube.com/watch?v=1"), {"fileUri": "https://www.youtube.com/watch?v=1"}),
        (File(file_id="files/abc"), {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}),
        (File(file_id="abc"), {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}),
        (File(file_id="gs://bucket/a.pdf"), {"mimeType": "application/pdf", "fileUri": "gs://bucket/a.pdf"}),
    ],
    ids=["url", "storage", "audio", "youtube", "file", "bare-id", "address-as-id"],
)
def test_media_by_address_are_file_data(part: Image | Audio | File, sent: dict[str, str]) -> None:
    """The type is given where it is known."""
    (turn,) = turns(Message("user", (part,)))
    assert [{"fileData": sent}] == turn["parts"]


def test_the_detail_of_a_picture_is_dropped_with_a_warning() -> None:
    """The API has another word for it; auto says nothing."""
    assert [("dropped", "image_url.detail")] == notes([Message("user", (Image("https://x.test/a.png", detail="high"),))])
    assert [] == notes([Message("user", (Image("https://x.test/a.png", detail="auto"),))])


def test_audio_by_an_earlier_answers_id_is_refused() -> None:
    """Only OpenAI keeps recordings by id."""
    with pytest.raises(InvalidRequestError, match="audio"):
        turns(Message("user", (Audio(id="audio_1"),)))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "fileData", "fileData": {"fileUri": "gs://b/v.mp4", "mimeType": "video/mp4"}, "videoMetadata": {"fps": 1}},
        {"type": "file_data", "file_data": {"fileUri": "gs://b/v.mp4", "mimeType": "video/mp4"}, "video_metadata": {"fps": 1}},
    ],
    ids=["camel", "snake"],
)
def test_a_part_of_googles_own_goes_verbatim(part: dict[str, object]) -> None:
    """Whoever knows the API may write its parts, in either spelling."""
    (turn,) = turns({"role": "user", "content": [part]})
    assert [{"fileData": {"fileUri": "gs://b/v.mp4", "mimeType": "video/mp4"}, "videoMetadata": {"fps": 1}}] == turn["parts"]


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        ({"type": "video_url", "video_url": {"url": "https://x.test/v.mp4"}}, {"fileData": {"mimeType": "video/mp4", "fileUri": "https://x.test/v.mp4"}}),
        ({"type": "input_video", "input_video": {"data": "data:video/webm;base64,AAAA"}}, {"inlineData": {"mimeType": "video/webm", "data": "AAAA"}}),
        ({"type": "video_url", "video_url": "https://x.test/v"}, {"fileData": {"fileUri": "https://x.test/v"}}),
    ],
    ids=["address", "data", "string"],
)
def test_videos_are_taken_in_the_shapes_that_others_use(part: dict[str, object], sent: dict[str, object]) -> None:
    """By address or by value."""
    (turn,) = turns({"role": "user", "content": [part]})
    assert [sent] == turn["parts"]


@pytest.mark.parametrize("part", [{"type": "widget", "widget": 1}, {"type": "video_url"}], ids=["unknown", "empty"])
def test_an_unknown_part_is_refused_by_name(part: dict[str, object]) -> None:
    """Nothing is lost in silence."""
    with pytest.raises(InvalidRequestError, match=str(part["type"])):
        turns({"role": "user", "content": [part]})


def test_fields_beside_a_part_are_sent_or_dropped_with_one_warning() -> None:
    """What Google knows goes along; cache marks of others do not."""
    message = Message("user", (Text("a", {"cache_control": 1}), Text("b", {"cache_control": 1}), File("gs://b/v.mp4", extra={"videoMetadata": {"fps": 2}})))
    (turn,) = turns(message)
    assert [{"text": "a"}, {"text": "b"}] == turn["parts"][:2]
    assert {"fps": 2} == turn["parts"][2]["videoMetadata"]
    assert [("dropped", "messages.content.cache_control")] == notes([message])


def test_a_refusal_is_text() -> None:
    """As a part, or as the message's own."""
    assert [{"text": "no"}] == turns("hi", Message("assistant", (Refusal("no"),)))[1]["parts"]
    assert [{"text": "no"}] == turns("hi", Message("assistant", refusal="no"))[1]["parts"]


def test_a_reasoning_part_in_a_users_message_is_refused() -> None:
    """Only the model thinks."""
    with pytest.raises(InvalidRequestError, match="reasoning"):
        turns(Message("user", (ReasoningBlock("hm"),)))


def test_names_and_odd_fields_are_dropped_with_one_warning_each() -> None:
    """The API knows no names of speakers."""
    messages = [{"role": "user", "content": "a", "name": "Ann", "mood": 1}, {"role": "user", "content": "b", "name": "Bob", "mood": 2}]
    assert [("dropped", "messages.name"), ("dropped", "messages.extra")] == notes(messages)


def test_spoken_answers_are_dropped_with_a_warning() -> None:
    """An answer's audio id means something to OpenAI only."""
    assert [("dropped", "messages.audio")] == notes(["hi", Message("assistant", "hello", audio={"id": "a1"}), "bye"])


# What the model said before.


def test_parts_of_an_answer_go_back_unchanged_and_in_place() -> None:
    """Signatures, thoughts and executed code stand where they stood."""
    parts = [
        text("hm", thought=True),
        {"executableCode": {"code": "1", "language": "PYTHON"}, "thoughtSignature": "c2ln"},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        text("One."),
        text("", thoughtSignature="c2lnMg=="),
    ]
    assert parts == turns("hi", told(*parts), "bye")[1]["parts"]


def test_a_message_that_was_changed_is_written_anew() -> None:
    """The kept parts no longer say what the message says."""
    message = attrs.evolve(told(text("One."), text("", thoughtSignature="c2ln")), content="Two.")
    assert [{"text": "Two."}] == turns("hi", message, "bye")[1]["parts"]


def test_a_call_that_was_changed_is_written_anew() -> None:
    """Its arguments count, too."""
    message = told(call("f", {"a": 1}, signature="c2ln"))
    (made,) = message.tool_calls
    changed = attrs.evolve(message, tool_calls=(attrs.evolve(made, function=attrs.evolve(made.function, arguments='{"a": 2}')),))
    sent = turns("hi", changed, result(made.id, "ok"))[1]["parts"]
    assert [{"functionCall": {"name": "f", "args": {"a": 2}, "id": made.id}}] == sent


def test_another_providers_parts_and_thoughts_stay_behind() -> None:
    """No byte of another vendor's signature goes on the wire."""
    state = ProviderState("other", "gemini", {"parts": [text("x", thoughtSignature="SECRET")]})
    block = ReasoningBlock("hm", "SECRET", provider="other", dialect="anthropic")
    sent = body(["hi", Message("assistant", "x", reasoning=(block,), provider_state=state), "bye"])
    assert [{"text": "x"}] == sent["contents"][1]["parts"]
    assert "SECRET" not in str(sent)


def test_the_same_provider_in_another_dialect_is_another() -> None:
    """Google's OpenAI-like endpoint keeps its own state."""
    state = ProviderState("gemini", "openai", {"parts": [text("x", thoughtSignature="SECRET")]})
    assert "SECRET" not in str(turns("hi", Message("assistant", "x", provider_state=state), "bye"))


def test_reasoning_blocks_of_ours_go_back_as_thoughts() -> None:
    """With their signature, before the text."""
    block = ReasoningBlock("hm", "c2ln", provider="gemini", dialect="gemini")
    sent = turns("hi", Message("assistant", "x", reasoning=(block,)), "bye")[1]["parts"]
    assert [{"text": "hm", "thought": True, "thoughtSignature": "c2ln"}, {"text": "x"}] == sent


def test_a_reasoning_part_within_the_content_is_a_thought() -> None:
    """And an empty block is nothing."""
    message = Message("assistant", (ReasoningBlock("hm"), ReasoningBlock(""), Text("x")))
    assert [{"text": "hm", "thought": True}, {"text": "x"}] == turns("hi", message, "bye")[1]["parts"]


def test_a_signature_in_the_place_of_googles_openai_endpoint_is_used() -> None:
    """A caller who moves from there to here keeps it; other odd fields of a call are dropped with a warning."""
    message = assistant(("c1", "f", "{}"))
    message["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": "c2ln"}}
    assert "c2ln" == turns("hi", message, result("c1", "ok"))[1]["parts"][0]["thoughtSignature"]
    message["tool_calls"][0] |= {"extra_content": {}, "odd": 1}
    assert [("dropped", "tool_calls.extra")] == notes(["hi", message, result("c1", "ok")])


def test_arguments_must_be_an_object() -> None:
    """Broken ones are refused by the name of the function."""
    for arguments in ('{"a": ', "[1]"):
        with pytest.raises(InvalidRequestError, match="lookup"):
            turns("hi", assistant(("c1", "lookup", arguments)))
