"""A client's settings are checked when it is made, not at its first call."""

from __future__ import annotations

import pathlib

import pytest
import requests

import llmclient
from llmclient.errors import ConfigurationError


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("strict", "yes"),
        ("session", requests.Response()),
        ("proxies", "http://proxy:3128"),
        ("verify", 5),
        ("cert", ["a.pem", "b.pem"]),
        ("cert", ("a.pem", 5)),
        ("on_attempt", "print"),
        ("retry", 3),
        ("providers", {5: {}}),
        ("providers", {5: {"adapter": "openai"}}),
        ("providers", {"openai": {5: "x"}}),
        ("providers", {"openai": {"headers": "x"}}),
        ("providers", {"openai": {"headers": {5: "x"}}}),
        ("providers", {"openai": {"headers": {"x": 5}}}),
        ("providers", {"openai": {"extra": "x"}}),
        ("providers", {"openai": {"adapter": 5}}),
    ],
)
def test_a_setting_of_the_wrong_type_is_refused(setting, value):
    """With the name of what is wrong."""
    with pytest.raises(ConfigurationError, match=setting if setting != "providers" else "must be|named by|unknown option"):
        llmclient.Client(**{setting: value})


def test_settings_of_the_right_type_pass():
    """Paths may be of pathlib."""
    path = pathlib.Path("bundle.pem")
    made = llmclient.Client(strict=True, session=requests.Session(), proxies={}, verify=path, cert=("a.pem", path), on_attempt=print)
    assert "from the environment" in repr(made)


def test_none_in_a_providers_settings_means_not_given():
    """As in a call."""
    made = llmclient.Client(providers={"simulator": {"headers": None, "extra": None, "timeout": None}})
    assert "hi" == made.chat("simulator/echo", "hi").text


def test_strict_of_a_call_is_a_bool():
    """A word would be true whatever it says."""
    with pytest.raises(ConfigurationError, match="strict must be True or False, got str"):
        llmclient.Client().chat("simulator/echo", "hi", strict="false")
