"""The simulator, held against OpenAI's own client: what that client reads without complaint has OpenAI's shape."""

import base64
import io
import json
import wave

import pytest

from llmclient.simulator import Simulator

openai = pytest.importorskip("openai", reason="the package openai is not installed")
pydantic = pytest.importorskip("pydantic", reason="the package pydantic is not installed")

pytestmark = pytest.mark.sdk

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
HELLO = [{"role": "user", "content": "Hello there, world"}]


@pytest.fixture(scope="module")
def simulator():
    """A simulator for this file."""
    with Simulator(api_key="sk-right") as running:
        yield running


@pytest.fixture
def client(simulator):
    """OpenAI's client, which neither retries nor waits for long."""
    with openai.OpenAI(api_key="sk-right", base_url=simulator.url + "/v1", max_retries=0, timeout=10) as made:
        yield made


def test_chat(client):
    """A plain answer has its text, its usage and its request id."""
    answer = client.chat.completions.create(model="echo", messages=[{"role": "system", "content": "Be brief."}, *HELLO])
    assert answer.choices[0].message.content == "Hello there, world"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer._request_id.startswith("req_")


def test_no_field_is_unknown_to_the_client(client):
    """Every field of an answer and of a chunk is one that OpenAI documents, but for the filler."""
    answer = client.chat.completions.create(model="echo", messages=HELLO, logprobs=True, top_logprobs=1)
    parts = [answer, answer.choices[0], answer.choices[0].message, answer.choices[0].logprobs.content[0], answer.usage]
    assert [part.model_extra for part in parts] == [{}] * 5
    for chunk in client.chat.completions.create(model="echo", messages=HELLO, stream=True):
        assert set(chunk.model_extra) <= {"obfuscation"}


def test_a_stream_gives_what_a_plain_call_gives(client):
    """Text, finish reason and usage are the same."""
    plain = client.chat.completions.create(model="lorem", messages=HELLO, max_completion_tokens=30)
    chunks = list(client.chat.completions.create(model="lorem", messages=HELLO, max_completion_tokens=30, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == plain.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == plain.choices[0].finish_reason == "length"
    assert chunks[-1].usage == plain.usage
    assert plain.usage.completion_tokens == 30


def test_the_clients_own_accumulator_reads_the_stream(client):
    """`stream()` puts text and tool calls together again."""
    with client.chat.completions.stream(model="echo", messages=[{"role": "user", "content": "weather in city Paris"}], tools=[WEATHER]) as stream:
        events = [event.type for event in stream]
        final = stream.get_final_completion()
    call = final.choices[0].message.tool_calls[0]
    assert "tool_calls.function.arguments.done" in events
    assert call.function.parsed_arguments == {"city": "Paris", "unit": "c"}


def test_tools_and_their_results(client):
    """A call comes with arguments, and its result is answered with text."""
    question = {"role": "user", "content": "What is the weather in city Paris?"}
    first = client.chat.completions.create(model="echo", messages=[question], tools=[WEATHER])
    call = first.choices[0].message.tool_calls[0]
    assert first.choices[0].finish_reason == "tool_calls"
    assert json.loads(call.function.arguments) == {"city": "Paris", "unit": "c"}
    result = {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"}
    second = client.chat.completions.create(model="echo", messages=[question, first.choices[0].message, result], tools=[WEATHER])
    assert second.choices[0].message.content == "The tool says: 21 degrees"


class Step(pydantic.BaseModel):
    """A part of an answer in a given form."""

    explanation: str
    output: float


class Solution(pydantic.BaseModel):
    """An answer in a given form."""

    steps: list[Step]
    final: int
    kind: str | None


def test_parse_gives_an_object_of_the_callers_class(client):
    """The client's own schema of a class is satisfied, plain and streamed."""
    answer = client.chat.completions.parse(model="echo", messages=HELLO, response_format=Solution)
    assert isinstance(answer.choices[0].message.parsed, Solution)
    with client.chat.completions.stream(model="echo", messages=HELLO, response_format=Solution) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == answer.choices[0].message.parsed


def test_several_answers_with_likelihoods(client):
    """`n` answers come with the likelihoods of their tokens."""
    answer = client.chat.completions.create(model="echo", messages=HELLO, n=2, logprobs=True, top_logprobs=3)
    assert [choice.index for choice in answer.choices] == [0, 1]
    for choice in answer.choices:
        assert "".join(token.token for token in choice.logprobs.content) == choice.message.content
        assert all(len(token.top_logprobs) == 3 and token.top_logprobs[0].token == token.token for token in choice.logprobs.content)


def test_pictures_and_sound_in_a_message(client):
    """Parts that are no text are counted, and the text is echoed."""
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
    ]
    answer = client.chat.completions.create(model="echo", messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == "What is this?"
    assert answer.usage.prompt_tokens_details.audio_tokens == 25
    assert answer.usage.prompt_tokens == 6 + 3 + 85 + 25 + 100


def test_embeddings(client):
    """The client asks for base64 by itself and reads the floats that it would get as numbers."""
    packed = client.embeddings.create(model="embed", input=["one text", "another"], dimensions=16)
    plain = client.embeddings.create(model="embed", input=["one text", "another"], dimensions=16, encoding_format="float")
    assert [item.embedding for item in packed.data] == [item.embedding for item in plain.data]
    assert len(packed.data[0].embedding) == 16
    assert packed.usage.prompt_tokens == 3


def test_models(client):
    """The list has the models, and each can be looked up."""
    assert {"echo", "lorem", "reasoner"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve("echo").owned_by == "simulator"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("missing-model")


def test_a_wrong_key(simulator):
    """401, as an AuthenticationError with OpenAI's code."""
    with openai.OpenAI(api_key="sk-wrong", base_url=simulator.url + "/v1", max_retries=0) as client, pytest.raises(openai.AuthenticationError) as caught:
        client.models.list()
    assert caught.value.code == "invalid_api_key"


@pytest.mark.parametrize(
    ("model", "kind", "code"),
    [
        ("missing-model", openai.NotFoundError, "model_not_found"),
        ("fault/status=429;retry-after=1", openai.RateLimitError, "rate_limit_exceeded"),
        ("fault/status=429;code=insufficient_quota", openai.RateLimitError, "insufficient_quota"),
        ("fault/status=500", openai.InternalServerError, None),
        ("fail", openai.InternalServerError, None),
    ],
)
def test_errors(client, model, kind, code):
    """Each status becomes the client's class for it."""
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model=model, messages=HELLO)
    assert caught.value.code == code


def test_the_client_retries_after_the_time_that_it_is_told(simulator):
    """One failure, then the answer."""
    with openai.OpenAI(api_key="sk-right", base_url=simulator.url + "/v1", max_retries=1) as client:
        answer = client.chat.completions.create(model="fault/status=503;retry-after-ms=1;times=1", messages=HELLO)
    assert answer.choices[0].message.content == "Hello there, world"


def test_an_error_inside_a_stream(client):
    """The client raises it after the chunks that came before."""
    stream = client.chat.completions.create(model="fault/error=2", messages=HELLO, stream=True)
    assert len([next(stream), next(stream)]) == 2
    with pytest.raises(openai.APIError, match="asked to fail"):
        next(stream)


def test_a_long_prompt(client):
    """The code says that the context is exceeded."""
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="echo", messages=[{"role": "user", "content": "word " * 130_000}])
    assert caught.value.code == "context_length_exceeded"


def test_pictures(client):
    """Generated and edited pictures are PNG files."""
    made = client.images.generate(model="image", prompt="a red circle", n=2)
    picture = base64.b64decode(made.data[0].b64_json)
    assert picture.startswith(b"\x89PNG")
    edited = client.images.edit(model="image", prompt="make it blue", image=("a.png", picture, "image/png"))
    assert base64.b64decode(edited.data[0].b64_json).startswith(b"\x89PNG")


def test_speech_and_its_transcription(client):
    """Speech is a WAV file, whose transcription tells its size."""
    sound = client.audio.speech.create(model="speech", voice="alloy", input="hello", response_format="wav").content
    with wave.open(io.BytesIO(sound)) as file:
        assert file.getnframes() > 0
    text = client.audio.transcriptions.create(model="scribe", file=("a.wav", sound, "audio/wav")).text
    assert text == f"A recording of {len(sound)} bytes."
    assert client.audio.transcriptions.create(model="scribe", file=("a.wav", sound), response_format="verbose_json").segments[0].text == text


def test_moderation(client):
    """A harsh word is flagged in its category, and only there."""
    results = client.moderations.create(input=["a kind word", "I will kill it"]).results
    assert [result.flagged for result in results] == [False, True]
    assert [name for name, flagged in results[1].categories.to_dict().items() if flagged] == ["violence"]
