"""Requests that are made by hand are read and checked as those of a client are."""

from __future__ import annotations

import pytest

from llmclient.errors import InvalidRequestError
from llmclient.types.chat import ChatRequest
from llmclient.types.messages import Message, Tool
from llmclient.types.rerank import RerankRequest


def test_a_chat_request_takes_what_a_client_takes():
    """Messages and tools in OpenAI's shape, one stop sequence as a text."""
    tool = {"type": "function", "function": {"name": "f"}}
    asked = ChatRequest(model="m", messages=[{"role": "user", "content": "hi"}], tools=[tool], stop="x", response_format="json_object")
    assert ChatRequest.make("m", "hi", tools=[tool], stop="x", response_format="json_object") == asked
    assert ((Message("user", "hi"),), (Tool("f"),), ("x",)) == (asked.messages, asked.tools, asked.stop)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"messages": ()}, "messages is empty"),
        ({"messages": [{"role": "robot"}]}, "role must be one of"),
        ({"messages": "hi", "temperature": "hot"}, "temperature must be a number, got str"),
        ({"messages": "hi", "headers": {1: "a"}}, "headers must be a dict with str as keys"),
    ],
)
def test_a_chat_request_is_checked(fields, message):
    """Before any dialect meets it."""
    with pytest.raises(InvalidRequestError, match=message):
        ChatRequest(model="m", **fields)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"query": None, "documents": ["a"]}, "query"),
        ({"query": "q", "documents": "abc"}, "documents"),
        ({"query": "q", "documents": ["a", 5]}, "documents"),
        ({"query": "q", "documents": ["a"], "top_n": 0}, "top_n"),
        ({"query": "q", "documents": ["a"], "return_documents": "yes"}, "return_documents"),
        ({"query": "q", "documents": ["a"], "extra": 5}, "extra"),
    ],
)
def test_a_rerank_request_is_checked(fields, param):
    """The error names what is wrong."""
    with pytest.raises(InvalidRequestError) as caught:
        RerankRequest(model="m", **fields)
    assert param == caught.value.param


def test_a_rerank_request_takes_texts_and_objects():
    """As a list or a tuple."""
    assert ("a", {"title": "b"}) == RerankRequest(model="m", query="q", documents=["a", {"title": "b"}]).documents
