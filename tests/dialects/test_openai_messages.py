"""Messages on their way out in OpenAI's dialect."""

from __future__ import annotations

import pytest

from llmclient.dialects.openai import OpenAIChat
from llmclient.dialects.openai.messages import hash_id
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Audio, File, FunctionCall, Image, Message, Other, ProviderState, ReasoningBlock, Refusal, Text, ToolCall
from tests.dialects.kit import notes, sent

PNG = b"\x89PNG\r\n\x1a\n"


def call(identity="call_1", name="add", arguments='{"a":1}', **extra):
    return ToolCall(identity, FunctionCall(name, arguments), extra=extra)


def assistant(content=None, **more):
    return Message("assistant", content, **more)


def test_plain_messages():
    """Strings and roles as they are."""
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]
    assert sent(OpenAIChat(), *messages) == messages


@pytest.mark.parametrize(
    ("quirks", "role", "goes"),
    [
        ({}, "system", "system"),
        ({"system_role": "developer"}, "system", "developer"),
        ({"system_role": "user"}, "system", "user"),
        ({}, "developer", "developer"),
        ({"developer_role": "system"}, "developer", "system"),
    ],
)
def test_roles_of_instructions(quirks, role, goes):
    """Who knows no such role is told in another."""
    assert sent(OpenAIChat(**quirks), {"role": role, "content": "x"}, "hi")[0]["role"] == goes


def test_system_messages_are_merged_to_the_first_place():
    """Some take but one, and only in front."""
    dialect = OpenAIChat(merge_system=True, developer_role="system")
    given = ["u", {"role": "system", "content": "a"}, {"role": "developer", "content": [{"type": "text", "text": "b"}]}, {"role": "system", "content": "c"}]
    first, second = sent(dialect, *given)
    assert first == {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, {"type": "text", "text": "c"}]}
    assert second == {"role": "user", "content": "u"}
    assert sent(dialect, {"role": "system", "content": "a"}, {"role": "system", "content": "b"}, "u")[0]["content"] == "a\n\nb"
    assert [m["role"] for m in sent(dialect, {"role": "system", "content": "a"}, "u")] == ["system", "user"]
    assert [m["role"] for m in sent(dialect, "u")] == ["user"]


def test_neighbours_of_one_role_are_joined():
    """User and assistant must alternate at some providers; turns with calls stay apart."""
    dialect = OpenAIChat(merge_same_role=True)
    assert sent(dialect, "a", "b", assistant("c"), assistant("d")) == [{"role": "user", "content": "a\n\nb"}, {"role": "assistant", "content": "c\n\nd"}]
    kept = sent(dialect, assistant("c"), assistant(tool_calls=(call(),)), {"role": "tool", "tool_call_id": "call_1", "content": "1"}, "a")
    assert [m["role"] for m in kept] == ["assistant", "assistant", "tool", "user"]
    assert sent(dialect, assistant(""), assistant("d")) == [{"role": "assistant", "content": "d"}]


def test_a_bridge_between_a_tool_and_a_user():
    """Mistral refuses a user's message right after a tool's."""
    tool = {"role": "tool", "tool_call_id": "call_1", "content": "1"}
    assert [m["role"] for m in sent(OpenAIChat(tool_bridge="OK"), tool, tool, "hi")] == ["tool", "tool", "assistant", "user"]
    assert sent(OpenAIChat(tool_bridge="OK"), tool, "hi")[1] == {"role": "assistant", "content": "OK"}


def test_a_last_assistant_message_is_marked_to_be_continued():
    """Mistral and DeepSeek call it prefix, Moonshot partial; the caller's own mark stays."""
    assert sent(OpenAIChat(prefill_field="prefix"), "hi", assistant("Once"))[-1] == {"role": "assistant", "content": "Once", "prefix": True}
    given = {"role": "assistant", "content": "Once", "partial": False}
    assert sent(OpenAIChat(prefill_field="partial"), "hi", given)[-1]["partial"] is False
    assert "prefix" not in sent(OpenAIChat(prefill_field="prefix"), "hi")[-1]


# Calls and results.


def test_calls_and_results():
    """The content of a turn of calls alone is null."""
    out = sent(OpenAIChat(), assistant(tool_calls=(call(),)), {"role": "tool", "tool_call_id": "call_1", "content": "3"})
    assert out == [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "3"},
    ]


@pytest.mark.parametrize(("how", "goes"), [("null", {"content": None}), ("empty", {"content": ""}), ("omit", {})])
def test_what_stands_for_no_content(how, goes):
    """Null, an empty text, or nothing at all."""
    out = sent(OpenAIChat(null_content=how), assistant(tool_calls=(call(),)))[0]
    assert {key: value for key, value in out.items() if key == "content"} == goes


def test_results_repeat_the_functions_name():
    """It is found by the call's id; the caller's own comes first."""
    dialect = OpenAIChat(tool_result_name=True)
    results = [{"role": "tool", "tool_call_id": "call_1", "content": "3"}, {"role": "tool", "tool_call_id": "call_1", "name": "own", "content": "3"}]
    lost = {"role": "tool", "tool_call_id": "call_9", "content": "3"}
    assert [m.get("name") for m in sent(dialect, assistant(tool_calls=(call(),)), *results, lost)] == [None, "add", "own", None]


def test_ids_that_the_provider_refuses_are_hashed_alike_in_call_and_result():
    """Mistral wants nine letters and digits; its own ids stay."""
    dialect = OpenAIChat(tool_id_length=9)
    calls = assistant(tool_calls=(call("call_1"), call("D681PevKs")))
    first, second, third = sent(dialect, calls, *({"role": "tool", "tool_call_id": i, "content": "x"} for i in ("call_1", "D681PevKs")))
    ids = [c["id"] for c in first["tool_calls"]]
    assert ids == [second["tool_call_id"], third["tool_call_id"]]
    assert ids == [hash_id("call_1", 9), "D681PevKs"]
    assert ids[0].isalnum()
    assert len(ids[0]) == 9
    assert hash_id("a", 9) != hash_id("b", 9)


def test_ids_that_are_too_long_are_hashed():
    """OpenAI refuses ids over 40 characters, which other providers give."""
    long = "x" * 41
    out = sent(OpenAIChat(tool_id_max=40), assistant(tool_calls=(call(long), call("x" * 40))))
    ids = [c["id"] for c in out[0]["tool_calls"]]
    assert ids == [hash_id(long, 24), "x" * 40]


def test_turns_of_several_calls_are_split():
    """Where a turn holds one call, each gets its own."""
    out = sent(OpenAIChat(parallel_tools=False), assistant("both", tool_calls=(call("a"), call("b"))))
    assert [(m["content"], [c["id"] for c in m["tool_calls"]]) for m in out] == [("both", ["a"]), ("", ["b"])]


def test_split_calls_stand_before_their_results():
    """Each call is followed by its own result, whatever the order of the results; a result of nothing stays."""
    results = [{"role": "tool", "tool_call_id": name, "content": name} for name in ("b", "a", "x")]
    out = sent(OpenAIChat(parallel_tools=False), "hi", assistant("both", tool_calls=(call("a"), call("b"))), *results, "thanks")
    assert [m["tool_calls"][0]["id"] if "tool_calls" in m else m["content"] for m in out] == ["hi", "a", "a", "b", "b", "x", "thanks"]


def test_results_follow_the_order_of_the_calls():
    """Only the results of one turn are moved; a result of nothing comes after them."""
    results = [{"role": "tool", "tool_call_id": name, "content": name} for name in ("x", "b", "a")]
    out = sent(OpenAIChat(tool_results_in_order=True), "hi", assistant("both", tool_calls=(call("a"), call("b"))), *results, "thanks")
    assert [m["content"] for m in out] == ["hi", "both", "a", "b", "x", "thanks"]


def test_a_call_without_an_id():
    """Some hosts give none, and take it back so."""
    out = sent(OpenAIChat(), {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "add"}}]}, {"role": "tool", "content": "3"})
    assert out[0]["tool_calls"] == [{"type": "function", "function": {"name": "add", "arguments": "{}"}}]
    assert out[1] == {"role": "tool", "content": "3"}


def test_custom_calls_go_back_as_they_came():
    """A custom tool has a text for input, not arguments."""
    given = {"id": "c", "type": "custom", "custom": {"name": "code", "input": "print(1)"}}
    custom = ToolCall("c", FunctionCall("code", "print(1)"), "custom")
    assert sent(OpenAIChat(), assistant(tool_calls=(custom,)))[0]["tool_calls"] == [given]


# Parts.


def test_parts_in_openais_shape():
    """Each kind, from bytes or by address."""
    parts = (Text("t"), Image(data=PNG, detail="low"), Audio(data=b"ID3x", format="mp3"), File(data=b"%PDF-1", filename="a.pdf"), File(file_id="f"))
    out = sent(OpenAIChat(), Message("user", parts))[0]["content"]
    assert [part["type"] for part in out] == ["text", "image_url", "input_audio", "file", "file"]
    assert out[1]["image_url"]["detail"] == "low"
    assert out[2]["input_audio"]["format"] == "mp3"
    assert out[3]["file"]["filename"] == "a.pdf"
    assert out[4] == {"type": "file", "file": {"file_id": "f"}}


@pytest.mark.parametrize("part", [Image(url="https://x/y.png"), Audio(data=b"x"), File(file_id="f"), Refusal("no")])
def test_parts_that_are_not_taken_are_refused(part):
    """Content is never dropped."""
    role = "assistant" if isinstance(part, Refusal) else "user"
    with pytest.raises(InvalidRequestError, match="parts are not taken here") as caught:
        sent(OpenAIChat(parts=frozenset({"text"})), Message(role, (part,)))
    assert caught.value.param == "messages"


def test_text_parts_are_joined_where_only_strings_are_taken():
    """Mixed content stays a list."""
    dialect = OpenAIChat(content_as_string=True)
    assert sent(dialect, Message("user", (Text("a"), Text("b"))))[0]["content"] == "ab"
    assert len(sent(dialect, Message("user", (Text("a"), Image(url="https://x/y.png"))))[0]["content"]) == 2


def test_images_by_address_or_inline_only():
    """The other way is refused, with what to do."""
    remote, inline = Message("user", (Image(url="https://x/y.png"),)), Message("user", (Image(data=PNG),))
    with pytest.raises(InvalidRequestError, match="pass the bytes"):
        sent(OpenAIChat(images_as="data"), remote)
    with pytest.raises(InvalidRequestError, match="pass a URL"):
        sent(OpenAIChat(images_as="url"), inline)
    assert sent(OpenAIChat(images_as="url"), remote)[0]["content"][0]["image_url"] == {"url": "https://x/y.png"}
    assert sent(OpenAIChat(images_as="data"), inline)[0]["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")


def test_recordings_as_data_urls():
    """DashScope takes a data URL, or an address."""
    dialect = OpenAIChat(audio_as="data_url")
    inline, remote = sent(dialect, Message("user", (Audio(data=b"ID3x", format="mp3"), Audio(url="https://x/y.wav"))))[0]["content"]
    assert inline["input_audio"] == {"data": "data:audio/mpeg;base64,SUQzeA==", "format": "mp3"}
    assert remote["input_audio"] == {"data": "https://x/y.wav"}
    with pytest.raises(InvalidRequestError, match="remote"):
        sent(OpenAIChat(), Message("user", (Audio(url="https://x/y.wav"),)))


def test_files_by_address_and_by_id():
    """OpenAI takes no address; Mistral's id stands in the part itself."""
    remote = Message("user", (File(url="https://x/y.pdf"),))
    with pytest.raises(InvalidRequestError, match="files by address"):
        sent(OpenAIChat(), remote)
    assert sent(OpenAIChat(file_urls=True), remote)[0]["content"][0]["file"]["file_data"] == "https://x/y.pdf"
    assert sent(OpenAIChat(file_id_flat=True), Message("user", (File(file_id="f"),)))[0]["content"] == [{"type": "file", "file_id": "f"}]


def test_unknown_parts_go_out_verbatim():
    """What only some hosts know, such as video, is theirs to judge."""
    video = {"type": "video_url", "video_url": {"url": "https://x"}}
    assert sent(OpenAIChat(parts=frozenset()), Message("user", (Other(video),)))[0]["content"] == [video]


def test_reasoning_parts_stand_in_answers_only():
    """They join the reasoning of the turn; in a user's message they are an error."""
    block = ReasoningBlock("hm", provider="acme", dialect="openai")
    out = sent(OpenAIChat(replay_reasoning="reasoning"), assistant((block, Text("yes"))))[0]
    assert out == {"role": "assistant", "content": [{"type": "text", "text": "yes"}], "reasoning": "hm"}
    assert sent(OpenAIChat(), assistant((block,)))[0]["content"] is None
    with pytest.raises(InvalidRequestError, match="reasoning may only stand"):
        sent(OpenAIChat(), Message("user", (block,)))


def test_a_part_of_a_wrong_content_is_an_empty_text():
    """A message without content has an empty one, except an assistant's."""
    assert sent(OpenAIChat(), Message("user"))[0]["content"] == ""


# Odd fields.


def test_names_of_speakers():
    """Sent as given, or dropped with one warning."""
    messages = [{"role": "user", "name": "ann", "content": "a"}, {"role": "user", "name": "bob", "content": "b"}]
    assert [m["name"] for m in sent(OpenAIChat(), *messages)] == ["ann", "bob"]
    dialect = OpenAIChat(drop_message_name=True)
    assert all("name" not in m for m in sent(dialect, *messages))
    assert notes(dialect, messages) == [("dropped", "messages.name")]


def test_a_tools_name_is_kept_where_only_tools_have_one():
    """Mistral takes names of tools and of nobody else."""
    dialect = OpenAIChat(drop_message_name=True, tool_result_name=True)
    assert sent(dialect, {"role": "tool", "tool_call_id": "c", "name": "add", "content": "1"})[0]["name"] == "add"


def test_refusals_and_audio_go_back():
    """A refusal as it came, or as text where the field is refused; of a recording only its id."""
    refused = assistant(refusal="no")
    assert sent(OpenAIChat(), refused)[0] == {"role": "assistant", "content": None, "refusal": "no"}
    assert sent(OpenAIChat(drop_unknown_message_fields=True), refused)[0] == {"role": "assistant", "content": "no"}
    spoken = assistant(audio={"id": "audio_1", "data": "xxx", "transcript": "hi"})
    assert sent(OpenAIChat(), spoken)[0]["audio"] == {"id": "audio_1"}
    assert "audio" not in sent(OpenAIChat(), assistant(audio={"data": "x"}))[0]


def test_unknown_fields_of_messages():
    """Sent verbatim without nulls, or dropped with one warning that names them."""
    message = {"role": "user", "content": "a", "cache_control": {"type": "ephemeral"}, "function_call": None}
    assert sent(OpenAIChat(), message)[0] == {"role": "user", "content": "a", "cache_control": {"type": "ephemeral"}}
    dialect = OpenAIChat(drop_unknown_message_fields=True)
    assert sent(dialect, message)[0] == {"role": "user", "content": "a"}
    assert notes(dialect, [message, message]) == [("dropped", "messages.extra")]
    assert notes(dialect, [{"role": "user", "content": "a", "function_call": None}]) == []


# What must only go back to its maker.


def state(provider="acme", dialect="openai", **data):
    return ProviderState(provider, dialect, data)


def test_fields_of_another_provider_do_not_go_out():
    """No byte of one vendor's signature is sent to another; the same provider gets it back."""
    signed = call(extra_content={"google": {"thought_signature": "s1"}})
    message = assistant(tool_calls=(signed,), provider_state=state("gemini"), extra={"thought_signature": "s2"})
    assert "s1" not in str(sent(OpenAIChat(), message))
    assert "s2" not in str(sent(OpenAIChat(), message))
    assert notes(OpenAIChat(), [message]) == [("dropped", "tool_calls.extra"), ("dropped", "messages.extra")]
    out = sent(OpenAIChat(), message, provider="gemini")[0]
    assert out["thought_signature"] == "s2"
    assert out["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s1"}}


@pytest.mark.parametrize(
    ("how", "goes"),
    [
        ("never", {"content": "yes"}),
        ("reasoning_content", {"content": "yes", "reasoning_content": "hm"}),
        ("reasoning", {"content": "yes", "reasoning": "hm"}),
        ("tags", {"content": "<think>hm</think>yes"}),
        ("content_list", {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}]}),
        ("reasoning_details", {"content": "yes", "reasoning": "hm"}),
    ],
)
def test_where_earlier_reasoning_goes(how, goes):
    """Each provider wants it elsewhere, or not at all."""
    message = assistant("yes", reasoning=(ReasoningBlock("h", provider="acme", dialect="openai"), ReasoningBlock("m")))
    assert sent(OpenAIChat(replay_reasoning=how), message)[0] == {"role": "assistant", **goes}


def test_tags_before_parts_and_before_nothing():
    """A list of parts gets another part; a turn without content only the thought."""
    block = (ReasoningBlock("hm"),)
    dialect = OpenAIChat(replay_reasoning="tags")
    assert sent(dialect, assistant((Text("a"),), reasoning=block))[0]["content"][0] == {"type": "text", "text": "<think>hm</think>"}
    assert sent(dialect, assistant(reasoning=block))[0]["content"] == "<think>hm</think>"
    assert sent(OpenAIChat(replay_reasoning="content_list"), assistant(reasoning=block))[0]["content"][0]["type"] == "thinking"


@pytest.mark.parametrize("block", [ReasoningBlock("hm", provider="other"), ReasoningBlock("hm", provider="acme", dialect="anthropic")])
def test_reasoning_of_others_is_not_replayed(block):
    """Neither another provider's nor that of another dialect of the same."""
    out = sent(OpenAIChat(replay_reasoning="reasoning_content"), assistant("yes", reasoning=(block,)))
    assert out == [{"role": "assistant", "content": "yes"}]


def test_reasoning_details_go_back_verbatim():
    """OpenRouter wants them as they came; nobody else gets them."""
    details = [{"type": "reasoning.encrypted", "data": "xyz", "index": 0}]
    message = assistant("yes", provider_state=state("openrouter", reasoning_details=details))
    dialect = OpenAIChat(replay_reasoning="reasoning_details")
    assert sent(dialect, message, provider="openrouter")[0]["reasoning_details"] == details
    assert sent(dialect, message)[0] == {"role": "assistant", "content": "yes"}
    other = assistant("yes", provider_state=state("openrouter", "responses", reasoning_details=details))
    assert "reasoning_details" not in sent(dialect, other, provider="openrouter")[0]


def test_a_blank_stands_for_reasoning_where_it_is_demanded():
    """Moonshot refuses a turn of calls without any, even when the model thought nothing."""
    dialect = OpenAIChat(replay_reasoning="reasoning_content", replay_reasoning_blank=True)
    assert sent(dialect, assistant(tool_calls=(call(),)))[0]["reasoning_content"] == " "
    assert "reasoning_content" not in sent(dialect, assistant("yes"))[0]
