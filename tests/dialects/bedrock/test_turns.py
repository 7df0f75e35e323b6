"""Messages on their way out: turns alternate, results come first, thoughts go back only to where they came from."""

import fnmatch

import attrs
import pytest

from llmclient.dialects.bedrock import BedrockConverse
from llmclient.dialects.bedrock.families import FAMILIES
from llmclient.errors import InvalidRequestError
from llmclient.types.messages import File, Image, Message, ProviderState, ReasoningBlock, Refusal, Text
from tests.dialects.bedrock.kit import CALL, CLAUDE, DIALECT, LLAMA, MISTRAL, NOVA, PNG, RESULT, TOOL, USER, answer, assistant, body, decode, notes, turns, user

ANYBODY = BedrockConverse(families=(), provider="acme")
PALMYRA = "us.writer.palmyra-x5-v1:0"
CALLED = assistant({"toolUse": {"toolUseId": "call_1", "name": "add", "input": {"a": 1}}})
RETURNED = {"toolResult": {"toolUseId": "call_1", "content": [{"text": "2"}]}}
DOT = {"text": "."}


def test_a_question():
    """A string is a user's text."""
    assert [user("hi")] == turns("hi")


def test_system_prompts_stand_at_the_top():
    """System's and developer's messages are lifted; later ones with a warning."""
    sent = body([{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, USER])
    assert ([{"text": "a"}, {"text": "b"}], [user("hi")]) == (sent["system"], sent["messages"])
    later = [USER, {"role": "system", "content": "a"}]
    assert [{"text": "a"}] == body(later)["system"]
    assert [("moved", "messages.system")] == notes(later)


@pytest.mark.parametrize("model", ["amazon.titan-text-express-v1", "mistral.mistral-7b-instruct-v0:2"])
def test_models_without_a_system_prompt(model):
    """It stands before the first user's text, with a warning."""
    messages = [{"role": "system", "content": "be brief"}, USER]
    assert {"messages": [user("be brief", "hi")]} == body(messages, model)
    assert [("moved", "messages.system")] == notes(messages, model)
    assert [user("be brief"), assistant("a")] == body([messages[0], {"role": "assistant", "content": "a"}], model)["messages"]
    assert "system" in body(messages, model, ANYBODY)
    assert {"messages": [user("hi")]} == body([{"role": "system", "content": " "}, USER], model)


def test_turns_alternate():
    """Neighbours of one role are merged."""
    assert [user("a", "b"), assistant("c", "d"), user("e")] == turns(
        "a", "b", {"role": "assistant", "content": "c"}, {"role": "assistant", "content": "d"}, "e"
    )


@pytest.mark.parametrize("model", [NOVA, LLAMA, MISTRAL, "vendor.model"])
def test_peers_41_the_user_speaks_first(model):
    """41: An assistant that begins, or nothing at all, gets a user's turn before it; Claude and Qwen let the assistant begin."""
    first = {"role": "assistant", "content": "a"}
    assert [user("."), assistant("a"), user("b")] == turns(first, "b", model=model)
    assert [("moved", "messages")] == notes([first, "b"], model)
    for free in (CLAUDE, "qwen.qwen3-32b-v1:0"):
        assert [assistant("a"), user("b")] == turns(first, "b", model=free)
        assert [] == notes([first, "b"], free)
        assert [user("."), assistant("a"), user("b")] == turns(first, "b", model=free, dialect=ANYBODY)


def test_peers_41_there_is_at_least_one_message():
    """41: A system prompt alone gets a turn of the user."""
    assert [user(".")] == turns({"role": "system", "content": "s"})


def test_peers_41_blank_text_is_refused():
    """41: Blank parts are left out; a message that says nothing else says a dot; an answer that says nothing is no turn."""
    assert [user("a")] == turns({"role": "user", "content": [{"type": "text", "text": " \n"}, {"type": "text", "text": "a"}]})
    assert [("moved", "messages.blank")] == notes([{"role": "user", "content": " "}])
    assert [user(".")] == turns({"role": "user", "content": ""}) == turns({"role": "user", "content": None})
    assert [user("a", "b")] == turns("a", {"role": "assistant", "content": " "}, "b")
    assert [user("-")] == turns("", dialect=attrs.evolve(DIALECT, blank_text="-"))


def test_peers_41_a_document_needs_a_text():
    """41: One that stands alone gets a dot before it."""
    document = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}
    block = {"document": {"format": "pdf", "source": {"bytes": "JVBERi0="}, "name": "a"}}
    assert [user(".", block)] == turns({"role": "user", "content": [document]})
    assert [("moved", "messages.document")] == notes([{"role": "user", "content": [document]}])
    assert [user(block, "what?")] == turns({"role": "user", "content": [document, {"type": "text", "text": "what?"}]})


def test_the_last_assistants_text_ends_in_no_blanks():
    """They are cut, with a warning."""
    messages = ["a", {"role": "assistant", "content": "so \n"}]
    assert [user("a"), assistant("so")] == turns(*messages)
    assert [("moved", "messages.content")] == notes(messages)
    assert [user("a"), assistant("so "), user("b")] == turns("a", {"role": "assistant", "content": "so "}, "b")


# Tools.


def test_a_call_and_its_result():
    """Arguments are parsed; the result is a user's."""
    assert [user("hi"), CALLED, user(RETURNED)] == turns(USER, CALL, RESULT, tools=[TOOL])


def test_results_stand_together_and_first():
    """In one turn, though the user spoke between them."""
    calls = {**CALL, "tool_calls": [CALL["tool_calls"][0], {**CALL["tool_calls"][0], "id": "call_2"}]}
    sent = turns(USER, calls, RESULT, "wait", {**RESULT, "tool_call_id": "call_2"}, tools=[TOOL])
    assert user(RETURNED, {"toolResult": {"toolUseId": "call_2", "content": [{"text": "2"}]}}, "wait") == sent[2]
    assert 3 == len(sent)


@pytest.mark.parametrize("model", [LLAMA, MISTRAL, PALMYRA])
def test_peers_42_results_stand_alone(model):
    """42: Llama, Mistral and Palmyra take nothing beside results: the user's text follows behind a dot of the assistant."""
    messages = [USER, CALL, RESULT, "and?"]
    assert [user("hi"), CALLED, user(RETURNED), assistant("."), user("and?")] == turns(*messages, model=model, tools=[TOOL])
    assert [("moved", "messages")] == notes(messages, model, tools=[TOOL])
    assert [user("hi"), CALLED, user(RETURNED, "and?")] == turns(*messages, model=model, dialect=ANYBODY, tools=[TOOL])


def test_peers_42_claude_takes_no_document_beside_a_result():
    """42: A document follows in a turn of its own; a text and a picture may stand there."""
    document = File(data=b"%PDF-", media_type="application/pdf", filename="a")
    last = Message("user", (Text("and?"), document))
    sent = turns(USER, CALL, RESULT, last, tools=[TOOL])
    assert [user(RETURNED), assistant(".")] == sent[2:4]
    assert {"text", "document"} == {next(iter(block)) for block in sent[4]["content"]}
    assert 3 == len(turns(USER, CALL, RESULT, last, dialect=ANYBODY, tools=[TOOL]))
    assert 3 == len(turns(USER, CALL, RESULT, Message("user", (Text("and?"), Image(PNG))), tools=[TOOL]))


def test_peers_42_palmyra_takes_no_status():
    """42: A result's status is left out, and an error with a warning; the others take it in either spelling."""
    failed = {**RESULT, "is_error": True}
    assert "error" == turns(USER, CALL, failed, tools=[TOOL])[2]["content"][0]["toolResult"]["status"]
    assert "error" == turns(USER, CALL, {**RESULT, "status": "error"}, tools=[TOOL])[2]["content"][0]["toolResult"]["status"]
    assert user(RETURNED) == turns(USER, CALL, failed, model=PALMYRA, tools=[TOOL])[2]
    assert [("dropped", "messages.status")] == notes([USER, CALL, failed], PALMYRA, tools=[TOOL])
    assert [] == notes([USER, CALL, {**RESULT, "status": "success"}], PALMYRA, tools=[TOOL])
    assert "status" in turns(USER, CALL, failed, model=PALMYRA, dialect=ANYBODY, tools=[TOOL])[2]["content"][0]["toolResult"]


@pytest.mark.parametrize(
    ("model", "within", "beside"),
    [
        (CLAUDE, {"image", "document"}, True),
        (NOVA, {"image"}, True),
        (LLAMA, {"image", "document"}, False),
        (MISTRAL, {"document"}, False),
        ("moonshotai.kimi-k2.5", set(), True),
    ],
)
@pytest.mark.parametrize("kind", ["image", "document", "video"])
def test_files_in_results(model, within, beside, kind):
    """What a family takes within a result stays there; the rest is handed in behind it, in a turn of its own where it must be."""
    forms = {"image": "image/png", "document": "application/pdf", "video": "video/mp4"}
    result = Message("tool", (File(data=b"x", media_type=forms[kind]),), tool_call_id="call_1")
    sent = turns(USER, CALL, result, model=model, tools=[TOOL])
    held = sent[2]["content"][0]["toolResult"]["content"]
    assert [kind if kind in within else "text"] == [next(iter(block)) for block in held]
    assert any(kind in block for turn in sent for block in turn["content"]) is (kind not in within)
    co_located = beside and not (model == CLAUDE and kind == "video")
    assert (3 if kind in within or co_located else 5) == len(sent)
    assert ([] if kind in within else ["messages.tool"]) == [param for _, param in notes([USER, CALL, result], model, tools=[TOOL]) if param == "messages.tool"]


def test_files_of_several_results_follow_them_all():
    """They stand behind the last result, before what the user says next."""
    calls = {**CALL, "tool_calls": [CALL["tool_calls"][0], {**CALL["tool_calls"][0], "id": "call_2"}]}
    shown = Message("tool", (Image(PNG),), tool_call_id="call_1")
    sent = turns(USER, calls, shown, {**RESULT, "tool_call_id": "call_2"}, "and?", model=MISTRAL, tools=[TOOL])
    assert ["toolResult", "toolResult"] == [next(iter(block)) for block in sent[2]["content"]]
    assert (assistant("."), ["image", "text"]) == (sent[3], [next(iter(block)) for block in sent[4]["content"]])


def test_a_result_that_says_nothing():
    """It says a dot."""
    assert [DOT] == turns(USER, CALL, {**RESULT, "content": ""}, tools=[TOOL])[2]["content"][0]["toolResult"]["content"]


def test_a_result_may_be_json():
    """A block of the API's own goes as it is."""
    content = [{"type": "json", "json": {"a": 1}}]
    assert [{"json": {"a": 1}}] == turns(USER, CALL, {**RESULT, "content": content}, tools=[TOOL])[2]["content"][0]["toolResult"]["content"]


def test_foreign_ids_are_made_acceptable():
    """The same in the call and in its result; one that is missing answers the first open call."""
    identity = "functions.add:0 #é" + "x" * 70
    call = {**CALL, "tool_calls": [{**CALL["tool_calls"][0], "id": identity}]}
    sent = turns(USER, call, {**RESULT, "tool_call_id": identity}, tools=[TOOL])
    made = sent[1]["content"][0]["toolUse"]["toolUseId"]
    assert (made, True) == (sent[2]["content"][0]["toolResult"]["toolUseId"], made.startswith("tooluse_"))
    nameless = {**CALL, "tool_calls": [{**CALL["tool_calls"][0], "id": ""}]}
    sent = turns(USER, nameless, {"role": "tool", "content": "2"}, tools=[TOOL])
    assert sent[1]["content"][0]["toolUse"]["toolUseId"] == sent[2]["content"][0]["toolResult"]["toolUseId"]


def test_a_result_without_a_call_is_refused():
    """Where no id tells which call it answers, and none is open."""
    with pytest.raises(InvalidRequestError, match="tool_call_id"):
        turns(USER, {"role": "tool", "content": "2"})


def test_arguments_must_be_an_object():
    """Broken JSON, and what is no object, is refused by the tool's name."""
    for arguments in ("{", "[1]"):
        call = {**CALL, "tool_calls": [{"id": "c", "function": {"name": "add", "arguments": arguments}}]}
        with pytest.raises(InvalidRequestError, match="add"):
            turns(USER, call, tools=[TOOL])


# What goes back only to where it came from.

THOUGHT = ReasoningBlock("hm", "sig", provider="acme", dialect="bedrock")
REPLAYED = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}}


def test_thoughts_go_back():
    """Signed and hidden ones, before the text; so do those within the content, and those of nobody in particular."""
    hidden = ReasoningBlock("", redacted="eA==", provider="acme", dialect="bedrock")
    anybodys = ReasoningBlock("hm", "sig")
    message = Message("assistant", (anybodys, Text("a")), reasoning=(THOUGHT, hidden))
    assert assistant(REPLAYED, {"reasoningContent": {"redactedContent": "eA=="}}, REPLAYED, "a") == turns(USER, message)[1]


@pytest.mark.parametrize("change", [{"provider": "other"}, {"dialect": "anthropic"}, {"signature": None}])
def test_thoughts_of_others_do_not(change):
    """Not a byte of another provider's or dialect's signature goes out, nor a thought without one."""
    assert assistant("a") == turns(USER, Message("assistant", "a", reasoning=(attrs.evolve(THOUGHT, **change),)))[1]


def test_an_answers_own_blocks_go_back_as_they_came():
    """Where their order tells more than the message does: text before a thought, a tool that ran at the provider."""
    blocks = [{"text": "a"}, REPLAYED, {"toolUse": {"toolUseId": "t", "name": "add", "input": {"a": 1}}}]
    message = decode(answer(*blocks, stop="tool_use")).message
    assert assistant(*blocks) == turns(USER, message, {**RESULT, "tool_call_id": "t"}, tools=[TOOL])[1]
    server = [{"toolUse": {"toolUseId": "s", "name": "nova_code_interpreter", "input": {}, "type": "server_tool_use"}}, {"toolResult": {"toolUseId": "s"}}, {"text": "b"}]
    assert assistant(*server) == turns(USER, decode(answer(*server)).message)[1]


def test_a_changed_answer_is_written_anew():
    """The state is passed over when the text or the calls are others, and when it is another provider's."""
    message = decode(answer("a", REPLAYED)).message
    assert assistant(REPLAYED, "b") == turns(USER, attrs.evolve(message, content="b"))[1]
    assert assistant("a") == turns(USER, attrs.evolve(message, reasoning=(), provider_state=ProviderState("other", "bedrock", {"content": []})))[1]
    assert assistant("a") == turns(USER, Message("assistant", "a", provider_state=ProviderState("acme", "bedrock", {})))[1]


def test_fields_of_a_foreign_call_stay_out():
    """With a warning."""
    call = {**CALL, "tool_calls": [{**CALL["tool_calls"][0], "thought": "x"}]}
    assert CALLED == turns(USER, call, RESULT, tools=[TOOL])[1]
    assert [("dropped", "tool_calls.extra")] == notes([USER, call, RESULT], tools=[TOOL])


def test_what_was_declined_or_spoken_is_text():
    """A refusal, and the transcript of a spoken answer."""
    assert assistant("no") == turns(USER, Message("assistant", refusal="no"))[1]
    assert assistant("no") == turns(USER, Message("assistant", (Refusal("no"),)))[1]
    spoken = Message("assistant", audio={"id": "a", "transcript": "yes"})
    assert assistant("yes") == turns(USER, spoken)[1]
    assert [("dropped", "messages.audio")] == notes([USER, spoken])


def test_names_and_unknown_fields_are_dropped_once():
    """With a warning each."""
    messages = [{**USER, "name": "Ann", "mood": "good"}, {"role": "assistant", "content": "a"}, {**USER, "name": "Bob", "mood": "bad"}]
    assert [("dropped", "messages.name"), ("dropped", "messages.extra")] == notes(messages)


def test_peers_44_families_are_found_through_regions_and_arns():
    """44: Whatever stands before the vendor, the family is the same; without the prefixes it is nobody's."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.meta.llama3-3-70b-instruct-v1:0"
    custom = "arn:aws:bedrock:us-east-1:123456789012:custom-model/meta.llama3-1-8b-instruct-v1:0:128k/abc123"
    bare = DIALECT.family_of("meta.llama3-3-70b-instruct-v1:0")
    for model in (LLAMA, "us-gov.meta.llama3-1-8b-instruct-v1:0", "global.meta.llama3-x", arn, custom):
        assert bare == DIALECT.family_of(model), model
    assert bare != attrs.evolve(DIALECT, region_prefixes=frozenset()).family_of(LLAMA)
    profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"
    assert DIALECT.family_of(profile) == DIALECT.family_of("vendor.model")


def test_each_family_is_reached():
    """No pattern is hidden by one before it."""
    names = [pattern.replace("*", "claude" if "claude" in pattern else "x") for pattern, _ in FAMILIES]
    assert [pattern for pattern, _ in FAMILIES] == [next(p for p, _ in FAMILIES if fnmatch.fnmatchcase(name, p)) for name in names]
