"""Settings: typed, from the environment, and silent about the key."""

from __future__ import annotations

import pickle

import pytest

from llmclient.errors import ConfigurationError
from llmclient.types.config import ProviderConfig

ENV = {"api_key": ("A_KEY", "B_KEY"), "api_base": ("A_BASE",), "region": ("A_REGION",), "account": ("A_ACCOUNT",)}


def test_the_key_is_not_shown():
    """Neither are header values and options."""
    config = ProviderConfig(api_key="sk-secret-1", headers={"x-key": "sk-secret-2"}, extra={"token": "sk-secret-3"})
    assert "secret" not in repr(config) + str(config)
    assert "x-key" in repr(config)


def test_the_environment_fills_what_is_not_given():
    """In the order of the names; the empty string counts as unset."""
    config = ProviderConfig(api_base="http://given").filled(ENV, {"A_KEY": "", "B_KEY": "b", "A_BASE": "http://env", "A_ACCOUNT": "acc"})
    assert (config.api_key, config.api_base, config.get("account"), config.get("region")) == ("b", "http://given", "acc", None)


def test_a_provider_can_be_read_from_the_environment_alone():
    """As `from_env` does."""
    assert ProviderConfig.from_env("x", ENV, {"A_KEY": "a"}).api_key == "a"


def test_a_pickle_leaves_out_what_came_from_the_environment(monkeypatch):
    """It is read again on arrival."""
    monkeypatch.setenv("A_KEY", "from-here")
    monkeypatch.setenv("A_ACCOUNT", "acc-here")
    data = pickle.dumps(ProviderConfig(provider="x", region="eu").filled(ENV))
    assert b"from-here" not in data
    assert b"acc-here" not in data
    monkeypatch.setenv("A_KEY", "from-there")
    config = pickle.loads(data)
    assert (config.api_key, config.region, config.get("account")) == ("from-there", "eu", "acc-here")


def test_a_pickle_keeps_what_was_given_in_code():
    """A worker elsewhere can make the call."""
    assert pickle.loads(pickle.dumps(ProviderConfig(api_key="given"))).api_key == "given"


def test_a_dict_is_read():
    """The provider's own options go to extra; base_url is another name of api_base."""
    config = ProviderConfig.of("x", {"base_url": "http://a/", "account": "acc"}, frozenset({"account"}))
    assert (config.provider, config.get_api_base(), config.get("account"), config.extra) == ("x", "http://a", "acc", {"account": "acc"})


def test_a_config_is_given_its_name():
    """The caller's name for it wins."""
    assert ProviderConfig.of("mine", ProviderConfig(api_key="k")).provider == "mine"


@pytest.mark.parametrize(("name", "hint"), [("api_kee", "did you mean 'api_key'"), ("accout", "did you mean 'account'"), ("zzz", "known are account, adapter, api_base")])
def test_an_unknown_option_is_an_error_with_a_suggestion(name, hint):
    """Nothing is silently ignored."""
    with pytest.raises(ConfigurationError, match=hint):
        ProviderConfig.of("x", {name: "v"}, frozenset({"account"}))


def test_settings_must_be_a_dict():
    """A key alone is not enough."""
    with pytest.raises(ConfigurationError, match="must be a dict"):
        ProviderConfig.of("x", "sk-secret")


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ({"api_key": 5}, "api_key must be a str"),
        ({"api_base": "localhost:80"}, "is not a URL"),
        ({"max_retries": -1}, "max_retries must be"),
        ({"max_retries": True}, "max_retries must be"),
        ({"max_retries": "3"}, "max_retries must be"),
    ],
)
def test_shapes_are_checked(values, hint):
    """With the provider's name, and without I/O."""
    with pytest.raises(ConfigurationError, match=f"x: .*{hint}"):
        ProviderConfig(provider="x", **values).validate()


def test_nothing_given_is_nothing_known():
    """None, not the empty string."""
    config = ProviderConfig()
    config.validate()
    assert (config.get_api_key(), config.get_api_base(), config.get("region")) == (None, None, None)
