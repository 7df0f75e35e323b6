"""The simulator's generateContent: Google's shapes, its checks and its complaints; and the library against it."""

import json

import pytest

import llmclient
from llmclient import errors
from llmclient.simulator import Simulator
from llmclient.types.listing import ListModelsRequest
from llmclient.types.messages import Image, Message, Text, Tool, read_messages
from llmclient.types.tokens import CountTokensRequest

USER = {"role": "user", "parts": [{"text": "Hello there, world"}]}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}, {"name": "g"}]}]
CALL = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"city": "x"}}}]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": "5"}}}]}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}


@pytest.fixture
def say(simulator, http):
    """Post a request; gives the response."""

    def post(*contents, model="echo", method="generateContent", base="/v1beta", query="", headers=None, **body):
        whole = {"contents": list(contents or (USER,)), **body}
        return http.post(f"{simulator.url}{base}/models/{model}:{method}{query}", json=whole, headers=headers, timeout=10)

    return post


@pytest.fixture
def client(simulator):
    """The library, pointed at the simulator."""
    vertex = {"api_key": "ya29.any", "project": "p", "region": "us-central1", "api_base": simulator.url}
    with llmclient.Client(providers={"gemini": {"api_key": "any", "api_base": simulator.url}, "vertex_ai": vertex}) as made:
        yield made


def events(response):
    """Return the events of a stream, framed as Google frames them."""
    assert response.text.endswith("\r\n\r\n")
    return [json.loads(block.removeprefix("data: ")) for block in response.text.split("\r\n\r\n")[:-1]]


def refused(response):
    """Return the words of a refusal, which has Google's shape."""
    error = response.json()["error"]
    assert error["code"] == response.status_code
    return error["status"], error["message"]


def test_a_plain_answer_in_full(say):
    """Every field, with its value."""
    answer = say().json()
    assert 24 == len(answer.pop("responseId"))
    counts = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}]}
    assert answer == {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello there, world"}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {**counts, "serviceTier": "standard"}, "modelVersion": "echo",
    }  # fmt: skip


def test_a_stream_in_full(say):
    """Whole answers with pieces of text, a running usage, and no end marker."""
    response = say(method="streamGenerateContent", query="?alt=sse")
    assert "text/event-stream" == response.headers["content-type"]
    found = events(response)
    assert ["Hello", " there,", " world"] == [event["candidates"][0]["content"]["parts"][0]["text"] for event in found[:-1]]
    assert [1, 2, 3, 3] == [event["usageMetadata"]["candidatesTokenCount"] for event in found]
    assert {"content": {"role": "model"}, "finishReason": "STOP", "index": 0} == found[-1]["candidates"][0]


def test_a_stream_without_alt_is_an_array(say):
    """Of the same answers."""
    response = say(method="streamGenerateContent")
    assert "application/json; charset=UTF-8" == response.headers["content-type"]
    assert events(say(method="streamGenerateContent", query="?alt=sse")) == response.json()


def test_a_call_in_full(say):
    """The first tool is called, with a signature, and the reason is STOP."""
    (candidate,) = say(tools=TOOLS).json()["candidates"]
    (part,) = candidate["content"]["parts"]
    assert ("STOP", "f", {"city"}) == (candidate["finishReason"], part["functionCall"]["name"], part["functionCall"]["args"].keys())
    assert part["thoughtSignature"]


def test_thoughts_are_shown_when_asked_for(say):
    """They are counted anyway."""
    shown = say(model="reasoner", generationConfig={"thinkingConfig": {"includeThoughts": True}}).json()
    hidden = say(model="reasoner").json()
    assert [True, None] == [part.get("thought") for part in shown["candidates"][0]["content"]["parts"]]
    assert [None] == [part.get("thought") for part in hidden["candidates"][0]["content"]["parts"]]
    assert shown["usageMetadata"]["thoughtsTokenCount"] == hidden["usageMetadata"]["thoughtsTokenCount"] > 0
    none = say(model="reasoner", generationConfig={"thinkingConfig": {"thinkingBudget": 0}}).json()
    assert "thoughtsTokenCount" not in none["usageMetadata"]


def test_settings_are_kept(say):
    """Caps, stops, counts, and schemas in either language."""
    config = {"maxOutputTokens": 2, "candidateCount": 2}
    found = say(generationConfig=config).json()["candidates"]
    assert [("Hello there,", "MAX_TOKENS", 0), ("Hello there,", "MAX_TOKENS", 1)] == [
        (one["content"]["parts"][0]["text"], one["finishReason"], one["index"]) for one in found
    ]
    assert "Hello " == say(generationConfig={"stopSequences": ["there"]}).json()["candidates"][0]["content"]["parts"][0]["text"]
    for schema in ({"responseJsonSchema": SCHEMA}, {"response_schema": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}}):
        text = say(generationConfig={"responseMimeType": "application/json", **schema}).json()["candidates"][0]["content"]["parts"][0]["text"]
        assert {"city"} == json.loads(text).keys()
    scored = say(generationConfig={"responseLogprobs": True, "logprobs": 2}).json()["candidates"][0]["logprobsResult"]
    assert (3, 2) == (len(scored["chosenCandidates"]), len(scored["topCandidates"][0]["candidates"]))


@pytest.mark.parametrize(
    ("contents", "body", "words"),
    [
        ([], {"contents": []}, "contents is not specified"),
        ([{"role": "assistant", "parts": [{"text": "x"}]}], {}, "valid role"),
        ([{"role": "user", "parts": []}], {}, "must not be empty"),
        ([{"role": "user", "parts": [{"odd": 1}]}], {}, "oneof field 'data'"),
        ([], {"odd": 1}, 'Unknown name "odd"'),
        ([], {"generationConfig": {"odd": 1}}, 'Unknown name "odd" at'),
        ([], {"generationConfig": {"temperature": 3}}, "temperature"),
        ([], {"generationConfig": {"maxOutputTokens": 0}}, "max_output_tokens"),
        ([], {"generationConfig": {"stopSequences": list("abcdef")}}, "at most 5"),
        ([], {"generationConfig": {"candidateCount": 9}}, "candidate_count"),
        ([], {"generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "low"}}}, "only one of"),
        ([], {"generationConfig": {"responseSchema": SCHEMA}}, "JSON response MIME type"),
        ([], {"tools": [{"functionDeclarations": [{"name": "1 bad"}]}]}, "Invalid function name"),
        ([], {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "without function_declarations"),
        ([], {"tools": TOOLS, "toolConfig": {"functionCallingConfig": {"mode": "SOME"}}}, "mode"),
        ([], {"tools": TOOLS, "toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["f"]}}}, "allowed_function_names"),
        ([], {"cachedContent": "c", "tools": TOOLS}, "CachedContent"),
        ([USER, CALL, {"role": "user", "parts": [*RESULT["parts"], {"text": "x"}]}], {}, "number of function response parts"),
        ([USER, RESULT], {}, "number of function response parts"),
        ([USER, CALL, {"role": "user", "parts": [{"functionResponse": {"name": "g", "response": {}}}]}], {}, "does not answer"),
        ([USER, CALL, {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": "5"}}]}], {}, "Struct"),
        ([USER, CALL, {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": [{"$ref": "x"}]}}}]}], {}, r"\$ref"),
    ],
)
def test_what_google_refuses_is_refused(say, contents, body, words):
    """In its words, with INVALID_ARGUMENT."""
    status, message = refused(say(*contents, **body))
    assert "INVALID_ARGUMENT" == status
    assert words.replace("\\", "") in message


def test_an_unsigned_call_is_refused_from_gemini_3_on(say):
    """Its own signature and the documented dummy are taken."""
    assert "thought_signature" in refused(say(USER, CALL, RESULT, model="gemini-3-pro-preview"))[1]
    assert 200 == say(USER, CALL, RESULT, model="gemini-2.5-pro").status_code
    made = say(tools=TOOLS, model="gemini-3-pro-preview").json()["candidates"][0]["content"]
    assert 200 == say(USER, made, RESULT, model="gemini-3-pro-preview").status_code
    dummy = {"role": "model", "parts": [{**CALL["parts"][0], "thoughtSignature": "skip_thought_signature_validator"}]}
    assert 200 == say(USER, dummy, RESULT, model="gemini-3-pro-preview").status_code


def test_media_and_snake_case_are_taken(say):
    """And counted."""
    parts = [{"inline_data": {"mime_type": "image/png", "data": "AAAA"}}, {"fileData": {"mimeType": "audio/wav", "fileUri": "gs://b/a"}}, {"text": "x"}]
    answer = say({"role": "user", "parts": parts}, system_instruction={"parts": [{"text": "s"}]}).json()
    assert [{"modality": "TEXT", "tokenCount": 96}, {"modality": "AUDIO", "tokenCount": 25}] == answer["usageMetadata"]["promptTokensDetails"]


def test_failures_have_googles_shape(say):
    """Unknown models, failing ones, prompts that are too long, and waits in the body."""
    assert ("NOT_FOUND", 404) == (refused(found := say(model="missing"))[0], found.status_code)
    assert "INTERNAL" == refused(say(model="fail"))[0]
    assert "exceeds the maximum number of tokens" in refused(say({"role": "user", "parts": [{"text": "x " * 130_000}]}))[1]
    limited = say(headers={"x-simulator-fault": "status=429;retry-after=1.5"})
    assert "retry-after" not in limited.headers
    assert [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"}] == limited.json()["error"]["details"]


def test_a_wrong_key_is_a_bad_argument(http):
    """In whichever place it stands."""
    with Simulator(api_key="right") as simulator:
        url = f"{simulator.url}/v1beta/models/echo:generateContent"
        for headers, query in (({"x-goog-api-key": "right"}, ""), ({"authorization": "Bearer right"}, ""), ({}, "?key=right")):
            assert 200 == http.post(url + query, json={"contents": [USER]}, headers=headers, timeout=10).status_code
        for headers in ({"x-goog-api-key": "wrong"}, {}):
            response = http.post(url, json={"contents": [USER]}, headers=headers, timeout=10)
            assert ("INVALID_ARGUMENT", "API_KEY_INVALID") == (refused(response)[0], response.json()["error"]["details"][0]["reason"])


# The library against it.


@pytest.mark.parametrize("name", ["gemini", "vertex_ai"])
def test_the_library_chats(client, name):
    """Plain and streamed say the same."""
    plain = client.chat(f"{name}/reasoner", "Hello there, world")
    with client.stream(f"{name}/reasoner", "Hello there, world") as stream:
        said = "".join(chunk.text for chunk in stream)
    assert "Hello there, world" == plain.text == said == stream.response.text
    assert (plain.usage, plain.finish_reason, plain.id is not None) == (stream.response.usage, stream.response.finish_reason, True)
    assert plain.usage.reasoning_tokens > 0


def test_the_library_hears_thoughts(client):
    """When it asks for effort; the model's name tells how that is said."""
    extra = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    assert "user wrote" in client.chat("gemini/reasoner", "hi", extra=extra).reasoning
    with client.stream("gemini/reasoner", "hi", extra=extra) as stream:
        assert "user wrote" in "".join(chunk.reasoning or "" for chunk in stream)


@pytest.mark.parametrize("model", ["gemini/gemini-2.5-flash", "gemini/gemini-3-pro-preview", "vertex_ai/gemini-3-flash-preview"])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_library_makes_a_round_of_tools(client, model, streamed):
    """Two calls, their results, and an answer to them; the simulator checks signatures and order."""
    tools = [FUNCTION, {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}}]
    messages = [{"role": "user", "content": "Call f and g"}]
    if streamed:
        with client.stream(model, messages, tools=tools) as stream:
            pieces = [piece for chunk in stream for piece in chunk.tool_calls]
        answer = stream.response
        assert ["f", "g"] == [piece.function.name for piece in pieces]
    else:
        answer = client.chat(model, messages, tools=tools)
    assert ("tool_calls", ["f", "g"]) == (answer.finish_reason, [call.function.name for call in answer.tool_calls])
    results = [{"role": "tool", "tool_call_id": call.id, "content": "done"} for call in reversed(answer.tool_calls)]
    assert "done" in client.chat(model, [*messages, answer.message, *results], tools=tools).text


def test_an_instance_by_another_name_gets_its_signatures_back(simulator):
    """They belong to the adapter, whatever its user calls it; the simulator refuses an unsigned call."""
    with llmclient.Client(providers={"mine": {"adapter": "gemini", "api_key": "any", "api_base": simulator.url}}) as client:
        answer = client.chat("mine/gemini-3-pro-preview", "Call f", tools=[FUNCTION])
        messages = ["Call f", answer.message, {"role": "tool", "tool_call_id": answer.tool_calls[0].id, "content": "done"}]
        again = client.chat("mine/gemini-3-pro-preview", messages, tools=[FUNCTION])
    assert "done" in again.text
    signature = answer.message.provider_state.data["parts"][0]["thoughtSignature"]
    assert signature == again.request.json()["contents"][1]["parts"][0]["thoughtSignature"]


def test_the_library_carries_a_foreign_conversation(client):
    """Calls that another vendor made go to Gemini 3 with the dummy."""
    calls = [{"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    messages = ["hi", {"role": "assistant", "content": None, "tool_calls": calls}, {"role": "tool", "tool_call_id": "toolu_1", "content": "done"}]
    assert "done" in client.chat("gemini/gemini-3-pro-preview", messages, tools=[FUNCTION]).text


def test_the_library_asks_for_shapes_and_pictures(client):
    """JSON by a schema; media in the prompt."""
    shape = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
    assert {"city"} == json.loads(client.chat("gemini/echo", "x", response_format=shape).text).keys()
    assert "see" == client.chat("gemini/echo", [Message("user", (Image(data=b"\x89PNG\r\n"), Text("see")))]).text
    assert 2 == len(client.chat("gemini/echo", "x", n=2).choices)


def test_the_library_embeds_lists_and_counts(client):
    """The other operations, on both services."""
    for name in ("gemini", "vertex_ai"):
        embedded = client.embed(f"{name}/embed", ["one", "two"], dimensions=8)
        assert ([8, 8], 2) == ([len(vector) for vector in embedded.vectors], embedded.usage.prompt_tokens)
        provider = client.provider(name)
        assert "echo" in list(provider.perform(ListModelsRequest()))
        counted = provider.perform(CountTokensRequest(model="echo", messages=read_messages("Hello there, world", "s"), tools=(Tool("f"),)))
        assert counted.tokens > 9
    nested = client.embed("vertex_ai/gemini-embedding-2", ["one"], dimensions=8)
    assert 8 == len(nested.vectors[0])


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("missing", errors.ModelNotFoundError),
        ("fail", errors.ApiError),
        ("fault/status=429", errors.RateLimitError),
        ("fault/status=503", errors.ProviderUnavailableError),
        ("fault/error-200", errors.ProviderError),
        ("fault/garbage", errors.ResponseParsingError),
        ("fault/empty", errors.ResponseParsingError),
    ],
)
def test_the_library_tells_failures_apart(client, model, kind):
    """By their class."""
    with pytest.raises(kind):
        client.chat(f"gemini/{model}", "hi", retry=llmclient.Retry(max_attempts=1))


@pytest.mark.parametrize(("fault", "kind"), [("truncate=2", errors.StreamTruncatedError), ("error=1", errors.ProviderError), ("garbage", errors.ResponseParsingError)])
def test_the_library_notices_broken_streams(client, fault, kind):
    """After the chunks before."""
    with pytest.raises(kind):
        list(client.stream(f"gemini/fault/{fault}", "Hello there, world", retry=llmclient.Retry(max_attempts=1)))
