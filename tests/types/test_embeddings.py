"""An embedding request that is made by hand is read and checked as that of a client is."""

from __future__ import annotations

import pytest

from llmclient.errors import InvalidRequestError
from llmclient.types.embeddings import EmbeddingRequest


def test_an_embedding_request_takes_a_text():
    """A text alone is not read letter by letter."""
    assert ("abc",) == EmbeddingRequest(model="m", input="abc").input


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": [None]}, "input"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": "8"}, "dimensions"),
        ({"input": "a", "truncate": True}, "truncate"),
        ({"input": "a", "user": 5}, "user"),
        ({"input": "a", "extra": []}, "extra"),
        ({"input": "a", "headers": {None: "x"}}, "headers"),
    ],
)
def test_an_embedding_request_is_checked(fields, param):
    """The error names what is wrong."""
    with pytest.raises(InvalidRequestError) as caught:
        EmbeddingRequest(model="m", **fields)
    assert param == caught.value.param
