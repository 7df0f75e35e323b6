"""Everything but chat, over HTTP."""

import base64
import io
import struct
import wave

import pytest


@pytest.fixture
def post(simulator, http):
    """Post JSON, or a form, to a path below /v1; gives the response."""

    def send(path, body=None, **more):
        return http.post(f"{simulator.url}/v1/{path}", json=body, timeout=10, **more)

    return send


def test_embeddings_in_full(post):
    """Every field, and one vector for each text, in order."""
    answer = post("embeddings", {"model": "embed", "input": ["two words", "word"], "dimensions": 8}).json()
    vectors = [item.pop("embedding") for item in answer["data"]]
    assert answer == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0}, {"object": "embedding", "index": 1}],
        "model": "embed",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    assert [len(vector) for vector in vectors] == [8, 8]


def test_base64_has_the_same_floats(post):
    """Little-endian, 32 bits each."""
    body = {"model": "embed", "input": "word"}
    plain = post("embeddings", body).json()["data"][0]["embedding"]
    packed = base64.b64decode(post("embeddings", body | {"encoding_format": "base64"}).json()["data"][0]["embedding"])
    assert list(struct.unpack("<64f", packed)) == plain


@pytest.mark.parametrize(("given", "vectors", "count"), [("a b", 1, 2), (["a b", "c"], 2, 3), ([1, 2, 3], 1, 3), ([[1, 2], [3]], 2, 3)])
def test_texts_and_tokens_are_embedded(post, given, vectors, count):
    """One or several of each."""
    answer = post("embeddings", {"model": "any-name", "input": given}).json()
    assert (len(answer["data"]), answer["usage"]["prompt_tokens"]) == (vectors, count)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, None),
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"input": ["a", []]}, "input[1]"),
        ({"input": [["a"]]}, "input[0]"),
        ({"input": ["a"] * 2_049}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 1e9}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
    ],
)
def test_wrong_embedding_requests(post, change, param):
    """400, and the parameter's name."""
    response = post("embeddings", {"model": "embed", "input": "a", **change})
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


def test_a_missing_model_of_embeddings(post):
    """404, as for chat."""
    assert post("embeddings", {"model": "missing", "input": "a"}).status_code == 404


def test_models(simulator, http):
    """The list, one of them, one with a slash, and one that is missing."""
    answer = http.get(simulator.url + "/v1/models").json()
    assert [model["id"] for model in answer["data"]] == ["canned", "echo", "embed", "fail", "lorem", "reasoner"]
    assert answer["data"][1] == {"id": "echo", "object": "model", "created": 1_700_000_000, "owned_by": "simulator"}
    assert http.get(simulator.url + "/v1/models/echo").json() == answer["data"][1]
    assert http.get(simulator.url + "/v1/models/a%2Fb c").json()["id"] == "a/b c"
    assert http.get(simulator.url + "/v1/models/missing").status_code == 404


def test_moderations(post):
    """Texts are judged one by one, parts together; all categories are there."""
    results = post("moderations", {"input": ["nice", "you idiot, I hate you"]}).json()["results"]
    assert [result["flagged"] for result in results] == [False, True]
    assert [name for name, flagged in results[1]["categories"].items() if flagged] == ["harassment", "hate"]
    assert {len(results[1][field]) for field in ("categories", "category_scores", "category_applied_input_types")} == {13}
    parts = [{"type": "text", "text": "ki"}, {"type": "text", "text": "ll"}, {"type": "image_url", "image_url": {"url": "x"}}]
    answer = post("moderations", {"input": parts, "model": "m"}).json()
    assert (answer["model"], len(answer["results"]), answer["results"][0]["categories"]["violence"]) == ("m", 1, True)
    assert post("moderations", {"input": "kind"}).json()["results"][0]["flagged"] is False
    assert post("moderations", {}).status_code == 400
    assert post("moderations", {"input": [5]}).json()["error"]["param"] == "input[0]"


def test_speech(post):
    """A WAV file, or its bare samples."""
    sound = post("audio/speech", {"model": "speech", "input": "hello", "voice": "alloy"})
    samples = post("audio/speech", {"model": "speech", "input": "hello", "voice": {"id": "v1"}, "response_format": "pcm"})
    assert (sound.headers["content-type"], samples.headers["content-type"]) == ("audio/wav", "audio/pcm")
    with wave.open(io.BytesIO(sound.content)) as file:
        assert file.readframes(file.getnframes()) == samples.content
    assert post("audio/speech", {"model": "speech", "input": "hello", "voice": "alloy", "response_format": "midi"}).status_code == 400
    assert post("audio/speech", {"model": "speech", "input": "hello"}).json()["error"]["param"] == "voice"


@pytest.mark.parametrize(
    ("form", "content_type", "text"),
    [
        ("text", "text/plain; charset=utf-8", "A recording of 48000 bytes.\n"),
        ("srt", "text/plain; charset=utf-8", "1\n00:00:00,000 --> 00:00:01,000\nA recording of 48000 bytes.\n\n"),
        ("vtt", "text/plain; charset=utf-8", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nA recording of 48000 bytes.\n\n"),
    ],
)
def test_transcriptions_as_text(post, form, content_type, text):
    """The text tells the size of the file."""
    response = post("audio/transcriptions", data={"model": "scribe", "response_format": form}, files={"file": ("a.wav", b"\0" * 48_000)})
    assert (response.headers["content-type"], response.text) == (content_type, text)


@pytest.mark.parametrize("path", ["audio/transcriptions", "audio/translations"])
def test_transcriptions_as_json(post, path):
    """Short, or with segments."""
    files = {"file": ("a.wav", b"\r\n--\0" * 10)}
    short = post(path, data={"model": "scribe"}, files=files).json()
    assert short == {"text": "A recording of 50 bytes.", "usage": {"type": "tokens", "input_tokens": 1, "output_tokens": 5, "total_tokens": 6}}
    long = post(path, data={"model": "scribe", "response_format": "verbose_json"}, files=files).json()
    assert (long["language"], long["segments"][0]["text"], long["usage"]["type"]) == ("english", short["text"], "duration")


def test_wrong_transcription_requests(post):
    """A form with a file and a model is needed."""
    files = {"file": ("a.wav", b"x")}
    assert post("audio/transcriptions", files=files).json()["error"]["param"] == "model"
    assert post("audio/transcriptions", data={"model": "scribe"}, files={"other": b"x"}).json()["error"]["param"] == "file"
    assert post("audio/transcriptions", data={"model": "missing"}, files=files).status_code == 404
    assert post("audio/transcriptions", data={"model": "scribe", "response_format": "xml"}, files=files).status_code == 400
    assert "multipart" in post("audio/transcriptions", {}).json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [(b"--b\r\n", "has no end"), (b"", "has no end"), (b"--b\r\n\r\nx\r\n--b--", "has no name"), (b"--b\r\nx: y\r\n\r\nx\r\n--b--\r\n", "has no name")],
)
def test_a_broken_form_is_refused(post, body, complaint):
    """With status 400."""
    response = post("audio/transcriptions", data=body, headers={"content-type": "multipart/form-data; boundary=b"})
    assert response.status_code == 400
    assert complaint in response.json()["error"]["message"]


def test_pictures(post, http):
    """As base64 or by address; each has another colour."""
    answer = post("images/generations", {"model": "image", "prompt": "a red circle", "n": 2}).json()
    pictures = [base64.b64decode(item["b64_json"]) for item in answer["data"]]
    assert len(set(pictures)) == 2
    assert answer["usage"]["total_tokens"] == 3 + 170
    addressed = post("images/generations", {"prompt": "a red circle", "response_format": "url"}).json()["data"][0]
    fetched = http.get(addressed["url"])
    assert (fetched.content, fetched.headers["content-type"]) == (pictures[0], "image/png")
    assert post("images/generations", {}).json()["error"]["param"] == "prompt"
    assert post("images/generations", {"prompt": "x", "n": 11}).status_code == 400


def test_edited_pictures(post):
    """The colour depends on the prompt and on what was sent."""
    colours = {
        post("images/edits", data={"prompt": prompt}, files={"image": ("a.png", picture)}).json()["data"][0]["b64_json"]
        for prompt in "ab"
        for picture in (b"x", b"xy")
    }
    assert len(colours) == 4
    assert post("images/edits", data={"prompt": "a"}, files={"image": (None, b"x")}).json()["error"]["param"] == "image"


def test_rerank(post):
    """The most words in common come first; equals keep their order."""
    body = {"model": "rerank", "query": "capital of France", "documents": ["Berlin", {"text": "Paris is the capital of France"}, "the capital", "Rome"]}
    answer = post("rerank", body).json()
    assert [(item["index"], item["relevance_score"]) for item in answer["results"]] == [(1, 1.0), (2, 0.333333), (0, 0.0), (3, 0.0)]
    assert answer["usage"]["total_tokens"] == 3 + 1 + 6 + 2 + 1
    assert answer["meta"]["billed_units"] == {"search_units": 1}
    few = post("rerank", body | {"top_n": 1, "return_documents": True}).json()["results"]
    assert few == [{"index": 1, "relevance_score": 1.0, "document": {"text": "Paris is the capital of France"}}]
    assert post("rerank", body | {"query": "?"}).json()["results"][0]["index"] == 0
    assert post("rerank", body | {"documents": [5]}).json()["error"]["param"] == "documents[0]"
    assert post("rerank", body | {"model": "missing"}).status_code == 404
