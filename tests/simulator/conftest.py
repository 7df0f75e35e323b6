"""A simulator, and ways to ask it."""

import pytest
import requests

from llmclient.simulator import Simulator


@pytest.fixture
def simulator():
    """A running simulator."""
    with Simulator() as running:
        yield running


@pytest.fixture
def http():
    """A session that reads nothing from the environment."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def ask(simulator, http):
    """Ask for a chat completion; gives the response."""

    def post(question="Hello there, world", *, model="echo", headers=None, **body):
        messages = body.pop("messages", [{"role": "user", "content": question}])
        return http.post(simulator.url + "/v1/chat/completions", json={"model": model, "messages": messages, **body}, headers=headers, timeout=10)

    return post
