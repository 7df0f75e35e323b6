"""Messages on their way to the Responses API: each becomes items of `input`."""

import base64

import pytest

from llmclient.dialects.responses import OpenAIResponses
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Audio, File, FunctionCall, Image, Message, Other, ReasoningBlock, Refusal, Text, ToolCall
from tests.dialects.responses.kit import OURS, TOOL, USER, body, encode, items, notes, result, turn

PNG = b"\x89PNG\r\n\x1a\n"
PDF = b"%PDF-1.4"
INSTRUCTED = OpenAIResponses(provider="acme", system="instructions")
SYSTEM = {"role": "system", "content": "Be brief."}


def test_a_question():
    """A text stays a text."""
    assert body("hi") == {"input": [{"role": "user", "content": "hi"}]}


def test_system_and_developer_messages_keep_their_place():
    """Both are items with a role."""
    developer = {"role": "developer", "content": "Be kind."}
    assert items(SYSTEM, USER, developer) == [SYSTEM, USER, developer]


@pytest.mark.parametrize(("quirk", "role"), [("system_role", "system"), ("developer_role", "developer")])
def test_roles_go_by_other_names(quirk, role):
    """A quirk says under which."""
    dialect = OpenAIResponses(provider="acme", **{quirk: "user"})
    assert items({"role": role, "content": "x"}, dialect=dialect) == [{"role": "user", "content": "x"}]


def test_messages_say_their_type_where_they_must():
    """A quirk adds it."""
    assert items(USER, dialect=OpenAIResponses(item_type=True)) == [{"type": "message", **USER}]


def test_the_first_system_messages_become_instructions():
    """Where they stand in a field of their own; later ones stay items."""
    sent = body([SYSTEM, {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]}, USER, SYSTEM], INSTRUCTED)
    assert sent == {"instructions": "Be brief.\n\nBe kind.", "input": [USER, SYSTEM]}


@pytest.mark.parametrize(
    "messages",
    [[USER], [SYSTEM], [{"role": "system", "content": [Image(data=PNG)]}, USER], [{**SYSTEM, "phase": "x"}, USER], [{**SYSTEM, "name": "n"}, USER]],
    ids=["no system message", "nothing else", "more than text", "a field more", "a name"],
)
def test_what_cannot_be_instructions_stays_an_item(messages):
    """A request needs input, and instructions are text."""
    sent = body(messages, INSTRUCTED)
    assert "instructions" not in sent
    assert len(sent["input"]) == len(messages)


def test_the_callers_system_message_replaces_usual_instructions():
    """Constant fields are for requests without any."""
    dialect = OpenAIResponses(system="instructions", body={"instructions": "Usual."})
    assert body([SYSTEM, USER], dialect)["instructions"] == "Be brief."
    assert body([USER], dialect)["instructions"] == "Usual."


# Parts.


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        (Text("a"), {"type": "input_text", "text": "a"}),
        (Text("a", {"prompt_cache_breakpoint": {"mode": "explicit"}}), {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}),
        (Image("https://x.test/a.png"), {"type": "input_image", "image_url": "https://x.test/a.png"}),
        (Image("data:image/png;base64,AAAA", detail="low"), {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}),
        (Image(data=PNG), {"type": "input_image", "image_url": "data:image/png;base64," + base64.b64encode(PNG).decode()}),
        (File("https://x.test/a.pdf"), {"type": "input_file", "file_url": "https://x.test/a.pdf"}),
        (File(file_id="file-1"), {"type": "input_file", "file_id": "file-1"}),
        (
            File(data=PDF, filename="a.pdf"),
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64," + base64.b64encode(PDF).decode()},
        ),
        (File("data:application/pdf;base64,AAAA"), {"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,AAAA"}),
        (Other({"type": "input_image", "file_id": "file-1"}), {"type": "input_image", "file_id": "file-1"}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict) else "",
)
def test_parts_of_a_user(part, sent):
    """Each has its form; what is in the API's form already stays."""
    assert items(Message("user", (part,))) == [{"role": "user", "content": [sent]}]


def test_a_file_goes_by_its_name(tmp_path):
    """A path gives the name, and is read when the request is made."""
    path = tmp_path / "report.pdf"
    path.write_bytes(PDF)
    ((part,),) = [item["content"] for item in items(Message("user", (File(path=path),)))]
    assert part["filename"] == "report.pdf"
    assert part["file_data"].startswith("data:application/pdf;base64,")


@pytest.mark.parametrize(
    ("message", "word"),
    [
        (Message("user", (Audio(data=b"RIFF"),)), "audio"),
        (Message("user", (Other({"type": "video_url"}),)), "video_url"),
        (Message("user", (Refusal("no"),)), "refusal"),
        (Message("user", (ReasoningBlock("hm"),)), "reasoning"),
        (Message("assistant", (Image(data=PNG),)), "image"),
        (Message("assistant", (Other({"type": "thinking"}),)), "thinking"),
        (Message("tool", (Other({"type": "search_result"}), Text("x")), tool_call_id="call_1"), "search_result"),
    ],
    ids=["audio", "unknown", "a user's refusal", "a user's reasoning", "an assistant's picture", "an assistant's unknown", "a tool's unknown"],
)
def test_parts_that_cannot_be_said_are_refused(message, word):
    """The error names the part, and nothing is lost in silence."""
    with pytest.raises(InvalidRequestError, match=word) as caught:
        encode([USER, message])
    assert caught.value.param == "messages"


def test_a_recording_where_it_is_taken():
    """Some hosts do."""
    dialect = OpenAIResponses(parts=frozenset({"text", "audio"}))
    (item,) = items(Message("user", (Audio(data=b"RIFF", format="wav", media_type="audio/wav"),)), dialect=dialect)
    assert item["content"] == [{"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}]


def test_a_kind_of_part_that_a_host_does_not_take_is_refused():
    """A quirk names those that it takes."""
    with pytest.raises(InvalidRequestError, match="file"):
        encode([Message("user", (File(file_id="f"),))], OpenAIResponses(parts=frozenset({"text"})))


def test_a_files_address_where_it_is_not_taken():
    """A quirk says so."""
    with pytest.raises(InvalidRequestError, match="by address"):
        encode([Message("user", (File("https://x.test/a.pdf"),))], OpenAIResponses(file_urls=False))


def test_an_item_among_the_parts_stands_beside_the_message():
    """What the API knows as an item is sent as one, in its place."""
    approval = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
    sent = items({"role": "user", "content": [{"type": "text", "text": "a"}, approval, {"type": "text", "text": "b"}]})
    assert sent == [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
        approval,
        {"role": "user", "content": [{"type": "input_text", "text": "b"}]},
    ]
    assert items({"role": "user", "content": [approval]}) == [approval]


def test_speakers_have_no_names():
    """One warning for all of them."""
    named = {**USER, "name": "ann"}
    assert items(named, named) == [USER, USER]
    assert notes([named, named]) == [("dropped", "messages.name")]


def test_unknown_fields_of_a_message_are_kept():
    """The caller wrote them; null says nothing."""
    assert items({**USER, "cache": True, "other": None}) == [{**USER, "cache": True}]
    assert items({**USER, "other": None}) == [USER]


def test_a_request_without_anything_in_it_is_refused():
    """As the API would, unless the provider holds the messages."""
    with pytest.raises(InvalidRequestError, match="no message"):
        encode([{"role": "assistant", "content": ""}])
    assert body([{"role": "assistant", "content": ""}], extra={"previous_response_id": "resp_1"})["input"] == []


# Assistants, calls and results.


def test_calls_and_results():
    """Calls are items after the text; results name the call."""
    calls = [{"id": f"call_{n}", "type": "function", "function": {"name": "add", "arguments": f'{{"a":{n}}}'}} for n in (1, 2)]
    sent = items(USER, {"role": "assistant", "content": "Well.", "tool_calls": calls}, result("call_2", "two"), result("call_1", "one"), tools=[TOOL])
    assert sent == [
        USER,
        {"type": "message", "role": "assistant", "content": "Well."},
        {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'},
        {"type": "function_call", "call_id": "call_2", "name": "add", "arguments": '{"a":2}'},
        {"type": "function_call_output", "call_id": "call_2", "output": "two"},
        {"type": "function_call_output", "call_id": "call_1", "output": "one"},
    ]


def test_a_call_of_a_custom_tool():
    """Call and result are of kinds of their own."""
    call = ToolCall("call_1", FunctionCall("sql", "select 1"), "custom")
    sent = items(USER, Message("assistant", None, tool_calls=(call,)), result())
    assert sent[1:] == [
        {"type": "custom_tool_call", "call_id": "call_1", "name": "sql", "input": "select 1"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "2"},
    ]


@pytest.mark.parametrize(
    ("content", "output"),
    [
        (None, ""),
        ((Text("a"), Text("b")), "ab"),
        ((Text("a"), Image("https://x.test/a.png")), [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "https://x.test/a.png"}]),
    ],
    ids=["nothing", "texts", "a picture"],
)
def test_what_a_tool_gives(content, output):
    """Text is a text; with pictures it is a list."""
    call = ToolCall("call_1", FunctionCall("add"))
    sent = items(USER, Message("assistant", None, tool_calls=(call,)), Message("tool", content, tool_call_id="call_1"))
    assert sent[-1] == {"type": "function_call_output", "call_id": "call_1", "output": output}


def test_the_result_of_a_call_that_is_no_functions():
    """In the API's own form it goes as it is."""
    shot = {"type": "computer_call_output", "call_id": "call_1", "output": {"type": "computer_screenshot", "file_id": "f"}}
    assert (
        items(USER, turn({"type": "computer_call", "id": "cu_1", "call_id": "call_1"}), {"role": "tool", "tool_call_id": "call_1", "content": [shot]})[-1]
        == shot
    )


def test_ids_that_are_too_long_are_replaced_the_same_in_call_and_result():
    """By a hash, so that the same id is always the same."""
    call = ToolCall("x" * 65, FunctionCall("add"))
    conversation = (USER, Message("assistant", None, tool_calls=(call,)), result("x" * 65))
    _, sent, output = items(*conversation)
    assert sent["call_id"] == output["call_id"] == items(*conversation)[1]["call_id"]
    assert sent["call_id"].startswith("call_")
    assert len(sent["call_id"]) <= 64


def test_ids_of_the_providers_own_turns_stay():
    """It knows them, however long they are."""
    call = {"type": "function_call", "call_id": "y" * 70, "name": "add", "arguments": "{}"}
    _, sent, output = items(USER, turn(call), result("y" * 70))
    assert sent["call_id"] == output["call_id"] == "y" * 70


def test_a_call_and_a_result_without_ids():
    """They are matched in their order."""
    call = ToolCall("", FunctionCall("add"))
    sent = items(USER, Message("assistant", None, tool_calls=(call, call)), Message("tool", "1"), Message("tool", "2"))
    assert [item["call_id"] for item in sent[1:3]] == [item["call_id"] for item in sent[3:]]
    assert len({item["call_id"] for item in sent[1:]}) == 2


def test_a_result_of_nothing_is_refused():
    """It must name its call, where none is open."""
    with pytest.raises(InvalidRequestError, match="tool_call_id"):
        encode([USER, Message("tool", "1")])


def test_an_assistants_refusal():
    """It is a part of its own kind, beside the text."""
    assert items(USER, {"role": "assistant", "content": "Hm.", "refusal": "No."})[1]["content"] == [
        {"type": "output_text", "text": "Hm."},
        {"type": "refusal", "refusal": "No."},
    ]
    assert items(USER, Message("assistant", (Refusal("No."),)))[1]["content"] == [{"type": "refusal", "refusal": "No."}]


def test_an_assistants_parts():
    """Text is output, an item stands before what was said, and reasoning is no part of it."""
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    sent = items(USER, Message("assistant", (ReasoningBlock("hm"), Text("a"), Other(search), Text("b"))))
    assert sent[1:] == [
        search,
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}]},
    ]


def test_a_spoken_answer_goes_back_as_text():
    """With a warning, once."""
    spoken = Message("assistant", None, audio={"id": "a1", "transcript": "Hello."})
    assert items(USER, spoken, spoken)[1] == {"type": "message", "role": "assistant", "content": "Hello."}
    assert notes([USER, spoken, spoken]) == [("dropped", "messages.audio")]


def test_fields_of_another_providers_turn_are_dropped():
    """With a warning for calls and one for messages; the caller's own stay."""
    call = ToolCall("call_1", FunctionCall("add"), extra={"namespace": "n"})
    plain = Message("assistant", "a", tool_calls=(call,), extra={"phase": "commentary"})
    assert items(USER, plain)[1:] == [
        {"type": "message", "role": "assistant", "content": "a", "phase": "commentary"},
        {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": "{}", "namespace": "n"},
    ]
    state = turn("x", provider="other").provider_state
    foreign = Message("assistant", "a", tool_calls=(call,), provider_state=state, extra={"phase": "commentary"})
    assert items(USER, foreign)[1:] == [
        {"type": "message", "role": "assistant", "content": "a"},
        {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": "{}"},
    ]
    assert notes([USER, foreign]) == [("dropped", "messages.extra"), ("dropped", "tool_calls.extra")]


def test_the_callers_messages_are_not_changed():
    """Encoding twice gives the same."""
    given = [USER, turn("a", {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": "{}"}), result()]
    assert encode(given, OURS).body == encode(given, OURS).body
