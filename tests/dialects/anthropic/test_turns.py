"""Messages on their way to the Messages API: what the API refuses never leaves, and nothing that was said is lost."""

import base64

import pytest

from llmclient.dialects.anthropic import AnthropicMessages
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Audio, File, FunctionCall, Image, Message, Other, ProviderState, ReasoningBlock, Refusal, Text, ToolCall
from tests.dialects.anthropic.kit import TOOL, USER, body, encode, notes, turns

PNG = b"\x89PNG\r\n\x1a\n"
PDF = b"%PDF-1.4\n"
CACHE = {"type": "ephemeral"}


def call(identity="t1", name="add", arguments='{"a": 1}'):
    """Return a call in OpenAI's shape."""
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def asked(*calls):
    """Return an assistant's turn that only calls tools."""
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def told(identity, content, **more):
    """Return a tool's message."""
    return {"role": "tool", "tool_call_id": identity, "content": content, **more}


def test_peers_18_the_system_prompt_is_lifted_out():
    """The first system message stands beside the turns, as the string that it is."""
    sent = body([{"role": "system", "content": "Be brief."}, USER])
    assert "Be brief." == sent["system"]
    assert [USER] == sent["messages"]


def test_a_developer_is_a_system():
    """Developer messages are lifted too, and several become blocks in their order."""
    sent = body([{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, USER])
    assert [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}] == sent["system"]


def test_a_system_prompt_keeps_its_cache_mark():
    """Parts with a mark of their own stay blocks."""
    sent = body([{"role": "system", "content": [{"type": "text", "text": "a", "cache_control": CACHE}]}, USER])
    assert [{"type": "text", "text": "a", "cache_control": CACHE}] == sent["system"]


def test_a_later_system_message_is_moved_where_the_model_refuses_it():
    """Older models take no system turn: the text goes to the system prompt, and a warning says so."""
    talk = [USER, {"role": "system", "content": "new rule"}]
    assert "new rule" == body(talk)["system"]
    assert [("moved", "messages.system")] == notes(talk)


def test_a_later_system_message_stays_where_the_model_takes_it():
    """Newer models take it after a user's turn."""
    assert [USER, {"role": "system", "content": "new rule"}] == turns(USER, {"role": "system", "content": "new rule"}, model="claude-opus-4-8")
    assert [] == notes([USER, {"role": "system", "content": "new rule"}], model="claude-opus-4-8")


@pytest.mark.parametrize(
    "talk",
    [
        [USER, {"role": "assistant", "content": "ok"}, {"role": "system", "content": "new rule"}, USER],
        [USER, {"role": "system", "content": "new rule"}, USER],
    ],
    ids=["after an answer", "before a user"],
)
def test_a_system_turn_in_a_place_where_none_may_be_is_moved(talk):
    """Between an answer and a question the API takes none, nor before a user's turn."""
    sent = body(talk, model="claude-opus-5")
    assert "new rule" == sent["system"]
    assert "system" not in [turn["role"] for turn in sent["messages"]]
    assert ("moved", "messages.system") in notes(talk, model="claude-opus-5")


def test_system_turns_can_be_switched_off():
    """The quirk `system_turns`: a host that takes none gets none, whatever the model."""
    talk = [USER, {"role": "system", "content": "new rule"}]
    never = AnthropicMessages(system_turns="never")
    assert "system" not in body(talk, model="claude-opus-5")
    assert "new rule" == body(talk, never, model="claude-opus-5")["system"]


def test_peers_19_neighbours_of_one_role_are_merged():
    """User and assistant alternate."""
    sent = turns(USER, {"role": "user", "content": "there"}, {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}, USER)
    assert ["user", "assistant", "user"] == [turn["role"] for turn in sent]
    assert [{"type": "text", "text": "hi"}, {"type": "text", "text": "there"}] == sent[0]["content"]
    assert [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}] == sent[1]["content"]


def test_peers_19_results_come_first_and_together():
    """All results of a turn stand at the start of the next user's turn, before what the user says."""
    sent = turns(USER, asked(call("t1"), call("t2")), told("t1", "1"), USER, told("t2", "2"), tools=[TOOL])
    assert 3 == len(sent)
    assert ["tool_result", "tool_result", "text"] == [block["type"] for block in sent[2]["content"]]
    assert ["t1", "t2"] == [block["tool_use_id"] for block in sent[2]["content"][:2]]


def test_a_turn_of_calls_has_no_text():
    """Arguments become the object that the API wants."""
    sent = turns(USER, asked(call()), told("t1", "1"))
    assert [{"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}] == sent[1]["content"]


def test_arguments_keep_integers_of_any_size():
    """Beyond 64 bits, too."""
    sent = encode([USER, asked(call(arguments='{"a": 123456789012345678901234567890}')), told("t1", "1")]).body
    assert 123456789012345678901234567890 == sent["messages"][1]["content"][0]["input"]["a"]


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", '"text"'], ids=["cut off", "a list", "a text"])
def test_arguments_that_are_no_object_are_refused(arguments):
    """The API takes objects only; the error names the function."""
    with pytest.raises(InvalidRequestError, match="'add' are no JSON object"):
        encode([USER, asked(call(arguments=arguments)), told("t1", "1")])


def test_results_carry_text_pictures_and_their_failure():
    """A result may be parts, and may say that the tool failed."""
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    sent = turns(USER, asked(call()), told("t1", [{"type": "text", "text": "see"}, picture], is_error=True, cache_control=CACHE))
    assert sent[2]["content"] == [
        {
            "type": "tool_result", "tool_use_id": "t1", "is_error": True, "cache_control": CACHE,
            "content": [{"type": "text", "text": "see"}, {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}],
        }
    ]  # fmt: skip


def test_a_result_may_be_empty():
    """An empty result stays one, and one without content says nothing."""
    sent = turns(USER, asked(call("t1"), call("t2")), told("t1", ""), told("t2", None))
    assert [{"type": "tool_result", "tool_use_id": "t1", "content": ""}, {"type": "tool_result", "tool_use_id": "t2"}] == sent[2]["content"]


def test_unknown_fields_of_a_result_are_noted():
    """What the API does not know is left out with a warning."""
    assert [("dropped", "messages.extra")] == notes([USER, asked(call()), told("t1", "1", artifact="x")])


def test_foreign_ids_are_made_acceptable():
    """Letters that the API refuses go, the same way each time, and results still match."""
    sent = turns(USER, asked(call("functions.add:0")), told("functions.add:0", "1"))
    identity = sent[1]["content"][0]["id"]
    assert identity.startswith("toolu_")
    assert identity == sent[2]["content"][0]["tool_use_id"]
    assert sent == turns(USER, asked(call("functions.add:0")), told("functions.add:0", "1"))


def test_calls_without_ids_are_answered_in_order():
    """Results without an id answer the calls that are still open, first come first served."""
    sent = turns(USER, asked(call("", "add"), call("", "sub")), told("", "1"), told("", "2"))
    ids = [block["id"] for block in sent[1]["content"]]
    assert 2 == len(set(ids))
    assert ids == [block["tool_use_id"] for block in sent[2]["content"]]


def test_a_result_that_answers_nothing_is_refused():
    """Without an id and without a call there is nothing to answer."""
    with pytest.raises(InvalidRequestError, match="needs a tool_call_id"):
        encode([USER, told("", "1")])


def test_peers_20_blank_text_is_left_out():
    """Blocks of blanks are refused by the API: they go, and what was more than nothing is noted."""
    sent = turns({"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "hi"}]}, {"role": "assistant", "content": ""})
    assert [USER] == sent
    talk = [USER, {"role": "assistant", "content": " \n"}]
    assert [USER] == turns(*talk)
    assert [("moved", "messages.blank")] == notes(talk)


def test_a_conversation_of_nothing_is_refused():
    """The API needs a message; a system prompt alone is none."""
    with pytest.raises(InvalidRequestError, match="no message with text"):
        encode([{"role": "system", "content": "a"}, {"role": "user", "content": " "}])


def test_peers_20_the_last_answer_loses_its_trailing_blanks():
    """A prefilled answer may not end in blanks; others may."""
    talk = [USER, {"role": "assistant", "content": "The answer is \n"}]
    assert "The answer is" == turns(*talk)[-1]["content"]
    assert [("moved", "messages.content")] == notes(talk)
    assert "The answer is \n" == turns(*talk, USER)[1]["content"]


def test_names_of_speakers_are_noted():
    """The API has no place for them; each request says so once."""
    talk = [{**USER, "name": "ann"}, {"role": "assistant", "content": "a", "name": "bot"}, USER]
    assert [("dropped", "messages.name")] == notes(talk)


def test_a_message_can_be_marked_for_the_cache():
    """The mark of a message goes to its last block."""
    talk = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "cache_control": CACHE}
    assert [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": CACHE}] == turns(talk)[0]["content"]


def test_a_mark_never_stands_on_a_thought():
    """Thoughts cannot be marked: the mark goes to the last block that can."""
    thought = ReasoningBlock("hm", "sig", provider="acme")
    talk = Message("assistant", "a", reasoning=(thought,), extra={"cache_control": CACHE})
    sent = turns(USER, talk, USER)[1]["content"]
    assert [None, CACHE] == [block.get("cache_control") for block in sent]
    assert "cache_control" not in turns(USER, Message("assistant", reasoning=(thought,), extra={"cache_control": CACHE}), USER)[1]["content"][0]


def test_unknown_fields_of_a_message_are_noted():
    """Null says nothing; anything else is named in a warning."""
    assert [("dropped", "messages.extra")] == notes([{**USER, "weight": 1}])
    assert [] == notes([{**USER, "weight": None}])


# Parts.


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Image(data=PNG), {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}}),
        (Image("https://example.com/a.png"), {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}),
        (Image("data:image/gif;base64,R0lG"), {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "R0lG"}}),
        (File(data=PDF, filename="a.pdf"), {
            "type": "document", "title": "a.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(PDF).decode()},
        }),
        (File("https://example.com/a.pdf"), {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}}),
        (File(file_id="file_1", extra={"citations": {"enabled": True}}), {
            "type": "document", "source": {"type": "file", "file_id": "file_1"}, "citations": {"enabled": True},
        }),
        (File(data="Grüße".encode(), media_type="text/markdown"), {
            "type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"},
        }),
        (File(data=PNG, media_type="image/png", extra={"cache_control": CACHE}), {
            "type": "image", "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}, "cache_control": CACHE,
        }),
        (Refusal("no"), {"type": "text", "text": "no"}),
        (Other({"type": "container_upload", "file_id": "f"}), {"type": "container_upload", "file_id": "f"}),
        (Other({"type": "search_result", "source": "s"}), {"type": "search_result", "source": "s"}),
        (Other({"type": "odd_new_tool_result", "x": 1}), {"type": "odd_new_tool_result", "x": 1}),
    ],
    ids=["bytes", "address", "data URL", "pdf", "pdf address", "uploaded", "text file", "picture file", "refusal", "upload", "search result", "newer result"],
)  # fmt: skip
def test_parts_become_blocks(part, block):
    """Each part has its block, and the API's own blocks go as they are."""
    assert [block, {"type": "text", "text": "?"}] == turns(Message("user", (part, Text("?"))))[0]["content"]


def test_a_file_by_path_has_its_name_for_a_title(tmp_path):
    """The file is read when the request is made."""
    path = tmp_path / "notes.txt"
    path.write_text("remember")
    block = turns(Message("user", (File(path=path), Text("?"))))[0]["content"][0]
    assert ("notes.txt", "remember") == (block["title"], block["source"]["data"])


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Audio(data=b"RIFF"), "audio parts are not taken"),
        (Other({"type": "video_url"}), "'video_url' are not known"),
        (ReasoningBlock("hm"), "only stand in an assistant's message"),
        (Image("gs://bucket/a.png"), "gs://bucket/a.png cannot be fetched"),
        (File(data=b"PK", media_type="application/zip"), "application/zip are not taken"),
        (File(data=b"\xff\xfe", media_type="text/plain"), "no text in UTF-8"),
    ],
    ids=["audio", "unknown", "reasoning", "bucket", "zip", "not text"],
)
def test_parts_that_cannot_be_carried_are_refused(part, words):
    """The error names what it is."""
    with pytest.raises(InvalidRequestError, match=words):
        encode([Message("user", (part, Text("?")))])


def test_addresses_are_refused_where_the_host_fetches_nothing():
    """The quirk `url_sources`."""
    talk = [Message("user", (Image("https://example.com/a.png"),))]
    assert encode(talk).body
    with pytest.raises(InvalidRequestError, match="cannot be fetched here"):
        encode(talk, AnthropicMessages(url_sources=False))


def test_the_detail_of_a_picture_is_noted():
    """The API knows no detail; each request says so once."""
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}
    assert [("dropped", "messages.detail")] == notes([{"role": "user", "content": [picture, picture]}])


# What earlier turns thought.


def thinker(*blocks, content="so", calls=()):
    """Return an answer with thoughts."""
    return Message("assistant", content, reasoning=blocks, tool_calls=calls)


def test_peers_22_thoughts_are_replayed_unchanged_before_the_call():
    """Signed and hidden thoughts go back in their order, before the text and the calls."""
    made = ToolCall("t1", FunctionCall("add", "{}"))
    blocks = (ReasoningBlock("hm", "sig", provider="acme", dialect="anthropic"), ReasoningBlock("", redacted="xyz", provider="acme", dialect="anthropic"))
    assert turns(USER, thinker(*blocks, calls=(made,)), told("t1", "1"))[1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "text", "text": "so"},
        {"type": "tool_use", "id": "t1", "name": "add", "input": {}},
    ]


@pytest.mark.parametrize(
    "block",
    [
        ReasoningBlock("hm", "foreign", provider="gemini", dialect="gemini"),
        ReasoningBlock("hm", "foreign", provider="acme", dialect="openai"),
        ReasoningBlock("hm"),
        ReasoningBlock("hm", provider="acme", dialect="anthropic"),
    ],
    ids=["provider", "dialect", "unsigned", "unsigned of ours"],
)
def test_thoughts_of_others_stay_at_home(block):
    """No byte of another vendor's signature goes out, and no thought without a signature."""
    assert "so" == turns(USER, thinker(block), USER)[1]["content"]


def test_a_thought_of_nobody_in_particular_may_go():
    """One without a provider was written by the caller, who knows."""
    assert "sig" == turns(USER, thinker(ReasoningBlock("hm", "sig")), USER)[1]["content"][0]["signature"]


def test_thoughts_within_the_content_are_replayed():
    """Reasoning parts count as thoughts."""
    talk = Message("assistant", (ReasoningBlock("hm", "sig"), Text("so")))
    assert ["thinking", "text"] == [block["type"] for block in turns(USER, talk, USER)[1]["content"]]


def test_peers_52_unsigned_thoughts_where_the_host_takes_them():
    """The quirk `unsigned_thinking`: some hosts want thoughts back that they never signed."""
    block = ReasoningBlock("hm", provider="acme", dialect="anthropic")
    sent = turns(USER, thinker(block), USER, dialect=AnthropicMessages(provider="acme", unsigned_thinking=True))
    assert {"type": "thinking", "thinking": "hm"} == sent[1]["content"][0]
    assert "so" == turns(USER, thinker(block), USER)[1]["content"]


KEPT = [
    {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "x"}},
    {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"type": "web_search_result", "encrypted_content": "e"}]},
    {"type": "text", "text": "so", "citations": [{"type": "web_search_result_location", "url": "u"}]},
    {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}},
]


def kept(**changes):
    """Return an answer whose blocks only this API knows."""
    fields = {
        "content": "so",
        "tool_calls": (ToolCall("t1", FunctionCall("add", '{"a": 1}')),),
        "provider_state": ProviderState("acme", "anthropic", {"content": KEPT}),
    }
    return Message("assistant", **(fields | changes))


def test_blocks_of_server_tools_are_replayed_as_they_came():
    """The state holds them in their order."""
    assert KEPT == turns(USER, kept(), told("t1", "2"))[1]["content"]


def test_blank_text_is_not_replayed():
    """Even a state may hold blank text, which the API refuses to take back."""
    state = ProviderState("acme", "anthropic", {"content": [{"type": "text", "text": ""}, *KEPT]})
    assert KEPT == turns(USER, kept(provider_state=state), told("t1", "2"))[1]["content"]


@pytest.mark.parametrize(
    "changes",
    [
        {"content": "edited"},
        {"tool_calls": ()},
        {"provider_state": ProviderState("other", "anthropic", {"content": KEPT})},
        {"provider_state": ProviderState("acme", "openai", {"content": KEPT})},
        {"provider_state": ProviderState("acme", "anthropic", {})},
    ],
    ids=["text changed", "call removed", "another provider", "another dialect", "nothing in it"],
)
def test_a_state_that_does_not_fit_is_not_replayed(changes):
    """What the caller changed counts, and what another provider made stays there."""
    sent = turns(USER, kept(**changes), *([told("t1", "2")] if "tool_calls" not in changes else [USER]))
    content = sent[1]["content"]
    kinds = ["text"] if isinstance(content, str) else [block["type"] for block in content]
    assert "server_tool_use" not in kinds
    assert ["text", "tool_use"][: len(kinds)] == kinds


def test_odd_fields_of_a_foreign_call_stay_at_home():
    """Another vendor's signature on a call is left out with a warning; the API's own fields go."""
    made = ToolCall("t1", FunctionCall("add", "{}"), extra={"extra_content": {"google": {"thought_signature": "s"}}, "caller": {"type": "direct"}})
    talk = [USER, Message("assistant", tool_calls=(made,)), told("t1", "1")]
    assert {"type": "tool_use", "id": "t1", "name": "add", "input": {}, "caller": {"type": "direct"}} == turns(*talk)[1]["content"][0]
    assert [("dropped", "tool_calls.extra")] == notes(talk)


def test_a_refusal_is_sent_back_as_text():
    """An answer that only refused would be an empty turn otherwise."""
    assert "I cannot." == turns(USER, Message("assistant", refusal="I cannot."), USER)[1]["content"]


def test_a_spoken_answer_is_sent_back_as_its_transcript():
    """Another vendor's audio answer has no other form here."""
    talk = [USER, Message("assistant", audio={"id": "a1", "transcript": "hello"}), USER]
    assert "hello" == turns(*talk)[1]["content"]
    assert [("dropped", "messages.audio")] == notes(talk)


def test_the_apis_own_shape_is_understood():
    """Messages written for the API itself go as they are."""
    talk = [
        USER,
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "tool_use", "id": "t1", "name": "add", "input": {}}],
        },
        {"role": "user", "content": [{"type": "text", "text": "ok"}, {"type": "tool_result", "tool_use_id": "t1", "content": "1"}]},
    ]
    sent = turns(*talk)
    assert talk[1]["content"] == sent[1]["content"]
    assert ["tool_result", "text"] == [block["type"] for block in sent[2]["content"]]


def test_the_request_is_not_changed():
    """What the caller gave stays as it was."""
    content = [{"type": "text", "text": "a", "cache_control": CACHE}, {"type": "tool_result", "tool_use_id": "t1", "content": "x"}]
    talk = [{"role": "user", "content": content}, {"role": "assistant", "content": "b "}]
    before = repr(talk)
    encode(talk)
    assert before == repr(talk)
