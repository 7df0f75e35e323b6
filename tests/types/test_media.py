"""Media: one source, of its type, read when it is sent."""

from __future__ import annotations

import pytest

from llmclient.errors import InvalidRequestError
from llmclient.types.media import Audio, File, Image


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Image needs one of url, data and path, got none"),
        ({"url": "https://a.test/x.png", "data": b"x"}, "Image needs one of url, data and path, got 2"),
        ({"url": 5}, "Image: url must be a str: an address, or data:<type>;base64,<text>, got int"),
        ({"url": b"x"}, "got bytes"),
        ({"data": "iVBORw0KGgo="}, "Image: data must be bytes; base64 text goes into url"),
        ({"path": 5}, r"Image: path must be a str or a pathlib.Path, got int"),
    ],
)
def test_a_source_is_needed(fields, message):
    """Exactly one; the error says where what was given belongs."""
    with pytest.raises(InvalidRequestError, match=message):
        Image(**fields)


def test_what_the_provider_has_needs_no_source():
    """A file by its id, and a recording that it made."""
    assert "file-1" == File(file_id="file-1").file_id
    assert "audio-1" == Audio(id="audio-1").id


@pytest.mark.parametrize("path", ["a\0b", "\ud800"])
def test_a_path_that_no_file_can_have(path):
    """The error is one of ours."""
    with pytest.raises(InvalidRequestError, match="cannot read"):
        Image(path=path).load()
