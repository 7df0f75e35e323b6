"""Content parts: text, media by value and in S3, documents with the names that the API takes, and the API's own blocks."""

import pytest

from llmclient.errors import InvalidRequestError
from llmclient.types.messages import Audio, File, Image, Message, Other, ReasoningBlock, Refusal, Text
from tests.dialects.bedrock.kit import PNG, notes, turns

PDF = b"%PDF-1.4"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def block(part, *, text="?"):
    """Return the block that a part becomes, beside a text."""
    return turns(Message("user", (Text(text), part)))[0]["content"][-1]


def noted(part):
    """Return the parameters of the warnings for a part."""
    return [param for _, param in notes([Message("user", (Text("?"), part))])]


@pytest.mark.parametrize(
    ("part", "kind", "form"),
    [
        (Image(PNG), "image", "png"),
        (Image(data=b"\xff\xd8\xff"), "image", "jpeg"),
        (Image(data=b"GIF8"), "image", "gif"),
        (Image(data=b"x", media_type="image/webp"), "image", "webp"),
        (File(data=PDF), "document", "pdf"),
        (File(data=b"a,b", filename="t.csv"), "document", "csv"),
        (File(data=b"# a", media_type="text/markdown"), "document", "md"),
        (File(data=b"a", media_type="text/x-python"), "document", "txt"),
        (File(data=b"{}", media_type="application/json"), "document", "txt"),
        (File(data=b"x", media_type=SHEET), "document", "xlsx"),
        (File(data=b"x", media_type="video/quicktime"), "video", "mov"),
        (File(data=b"x", media_type="image/png"), "image", "png"),
        (File(data=b"x", media_type="audio/flac"), "audio", "flac"),
        (Audio(data=b"x", format="mp3"), "audio", "mp3"),
        (Audio(data=b"x", format="wav"), "audio", "wav"),
        (Audio(data=b"x", media_type="audio/ogg"), "audio", "ogg"),
    ],
)
def test_media_by_value(part, kind, form):
    """The block and its format follow from the type; the bytes are base64."""
    sent = block(part)
    assert [kind] == list(sent)
    assert (form, ["bytes"]) == (sent[kind]["format"], list(sent[kind]["source"]))
    assert [] == noted(part)


@pytest.mark.parametrize(
    ("part", "kind", "form"),
    [
        (Image("s3://bucket/a.jpg"), "image", "jpeg"),
        (File("s3://bucket/a.mp4"), "video", "mp4"),
        (File("s3://bucket/a"), "document", "pdf"),
        (File(file_id="s3://bucket/a.csv"), "document", "csv"),
        (Other({"type": "video_url", "video_url": {"url": "s3://bucket/a.webm"}}), "video", "webm"),
        (Other({"type": "video_url", "video_url": "s3://bucket/a"}), "video", "mp4"),
    ],
)
def test_media_in_s3(part, kind, form):
    """The address goes as it is."""
    sent = block(part)[kind]
    assert (form, True) == (sent["format"], sent["source"]["s3Location"]["uri"].startswith("s3://bucket/a"))


def test_the_owner_of_a_bucket():
    """It stands beside the address."""
    sent = block(Image("s3://bucket/a.png", extra={"bucketOwner": "123456789012"}))
    assert {"s3Location": {"uri": "s3://bucket/a.png", "bucketOwner": "123456789012"}} == sent["image"]["source"]


def test_a_video_by_value():
    """In the shape that others use."""
    video = Other({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}})
    assert {"video": {"format": "mp4", "source": {"bytes": "AAAA"}}} == block(video)


@pytest.mark.parametrize(
    "part",
    [
        Image("https://example.com/a.png"),
        File("https://example.com/a.pdf"),
        File(file_id="file-1"),
        Audio(id="audio-1"),
        Audio("data:audio/amr;base64,AAAA", media_type="audio/amr"),
        Image(data=b"x", media_type="image/tiff"),
        File(data=b"x", media_type="application/zip"),
        Other({"type": "hologram", "hologram": {}}),
        Other({"type": "image", "image": {}, "text": "two kinds"}),
        ReasoningBlock("hm"),
    ],
)
def test_what_cannot_be_carried_is_refused(part):
    """Nothing is left out: the error names the part."""
    with pytest.raises(InvalidRequestError) as caught:
        block(part)
    assert caught.value.param == "messages"


@pytest.mark.parametrize("kind", ["guardContent", "searchResult", "video"])
def test_blocks_of_the_apis_own(kind):
    """They go as they are, without the type that a part needs."""
    assert {kind: {"x": 1}} == block(Other({"type": kind, kind: {"x": 1}}))


def test_refusals_are_text():
    """What the model declined goes back as text."""
    assert {"text": "no"} == block(Refusal("no"))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("report.pdf", "report"),
        ("v1.2 notes", "v1 2 notes"),
        ("John's résumé #1.docx", "John s r sum 1"),
        ("a  b\tc_d-(e)[f].md", "a b c_d-(e)[f]"),
        ("分期.pdf", "document"),
        ("x" * 300, "x" * 200),
        (None, "document"),
    ],
)
def test_names_of_documents(given, sent):
    """The API takes few characters in them, and 200 at most."""
    assert sent == block(File(data=PDF, filename=given))["document"]["name"]


def test_no_two_documents_have_one_name():
    """Not in the whole request, whatever was left of their names."""
    files = [File(data=PDF, filename="a.pdf"), File(data=PDF, filename="a.csv"), File(data=PDF), File(data=PDF)]
    sent = turns(Message("user", (Text("?"), *files[:2])), Message("assistant", "ok"), Message("user", (Text("?"), *files[2:])))
    assert ["a", "a 2", "document", "document 2"] == [block["document"]["name"] for turn in sent for block in turn["content"] if "document" in block]


def test_a_path_names_its_document(tmp_path):
    """Read when the request is sent."""
    path = tmp_path / "notes.txt"
    path.write_text("hi")
    assert {"format": "txt", "source": {"bytes": "aGk="}, "name": "notes"} == block(File(path=path))["document"]


def test_what_stands_beside_a_document():
    """Context and citations are the API's own words; others are dropped with a warning."""
    part = File(data=PDF, extra={"citations": {"enabled": True}, "context": "old", "title": "x", "nothing": None})
    sent = block(part)["document"]
    assert ({"enabled": True}, "old") == (sent["citations"], sent["context"])
    assert ["messages.content.title"] == noted(part)


def test_a_level_of_detail_is_dropped():
    """With a warning; the picture is sent."""
    assert ["messages.detail"] == noted(Image(PNG, detail="low"))
