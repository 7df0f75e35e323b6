"""One suite over all generated adapters."""

from __future__ import annotations

import ast
import dis
import json
import os
import pathlib
import re
import sys
import types

import attrs
import pytest

from codegen.dialects import DIALECTS, load
from codegen.metadata import load_folder
from llmclient import registry
from llmclient.auth import NoAuth
from llmclient.dialects.base import ChatDialect, Dialect
from llmclient.errors import ConfigurationError, InvalidRequestError
from llmclient.models import ModelInfo
from llmclient.provider import Provider
from llmclient.types.chat import PARAMS, ChatRequest
from llmclient.wire import jsons
from tests.quirks.probes import SAMPLES, SCHEMA, ready
from tests.quirks.reset import places

ROOT = pathlib.Path(__file__).parents[2]
FILES = {metadata.name: metadata for metadata in load_folder(ROOT / "codegen" / "providers")}
ADAPTERS = {name: registry.adapter(name) for name in FILES}
SHARED = pathlib.Path(os.environ.get("LLMCLIENT_SHARED", ROOT.parent / "shared"))

TIER_1 = """
groq ai21 huggingface baseten together fireworks perplexity cerebras openrouter deepinfra deepseek novita nvidia_nim nebius nscale hyperbolic
featherless galadriel sambanova heroku friendliai meta_llama v0 amazon_nova github xai vllm hosted_vllm lm_studio llamafile docker_model_runner
xinference infinity oobabooga lemonade moonshot dashscope baichuan minimax volcengine xiaomi_mimo zhipu zai linkup poe wandb nanogpt aiml
aleph_alpha anyscale bytez comet_api compactifai maritalk siliconflow yi lambda_ai ovhcloud
""".split()
ALIASES = {
    "ai21_chat": "ai21",
    "ai21-chat": "ai21",
    "hugging-face": "huggingface",
    "together_ai": "together",
    "togetherai": "together",
    "fireworks-ai": "fireworks",
    "fireworksai": "fireworks",
    "perplexity-ai": "perplexity",
    "pplx": "perplexity",
    "deep-infra": "deepinfra",
    "deep-seek": "deepseek",
    "novita-ai": "novita",
    "nebius-ai": "nebius",
    "nscale-ai": "nscale",
    "hyperbolic-ai": "hyperbolic",
    "llama": "meta_llama",
    "meta-llama": "meta_llama",
    "amazon-nova": "amazon_nova",
    "nova": "amazon_nova",
    "github-models": "github",
    "infinity-embedding": "infinity",
    "moonshot-ai": "moonshot",
    "alibaba": "dashscope",
    "qwen": "dashscope",
    "tongyi": "dashscope",
    "minimax-ai": "minimax",
    "volc": "volcengine",
    "doubao": "volcengine",
    "bytedance": "volcengine",
    "mimo": "xiaomi_mimo",
    "glm": "zhipu",
    "zhipuai": "zhipu",
    "aiml_api": "aiml",
    "aimlapi": "aiml",
    "openai-compatible": "openai_compatible",
    "openai_like": "openai_compatible",
    "custom": "openai_compatible",
}

every = pytest.mark.parametrize("name", FILES)


@pytest.mark.parametrize("name", [*TIER_1, "openai", "openai_compatible", "simulator"])
def test_the_whole_catalogue_is_there(name):
    """Every OpenAI-compatible provider of litellm-rs has its adapter, and so have OpenAI, anything compatible and the simulator."""
    assert registry.adapter(name).name == name


def test_the_catalogue_is_complete():
    """Its table has 58 rows."""
    assert len(TIER_1) == len(set(TIER_1)) == 58


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_the_usual_aliases_are_known(alias, name):
    """A name that litellm-rs takes means the same provider here."""
    assert registry.canonical(alias) == name


@every
def test_a_module_says_whose_it_is(name):
    """Each adapter module defines PROVIDER_NAME, and exports it with the class."""
    module = sys.modules[f"llmclient.adapters.{name}"]
    cls = ADAPTERS[name]
    assert module.PROVIDER_NAME == cls.name == name
    assert set(module.__all__) == {"PROVIDER_NAME", cls.__name__}
    assert issubclass(cls, Provider)


@every
def test_the_adapter_is_what_the_file_says(name):
    """Nothing is lost between TOML and class."""
    metadata, cls = FILES[name], ADAPTERS[name]
    facts = metadata.facts
    assert (cls.title, cls.docs, cls.status, cls.base_url, cls.aliases) == (facts.title, facts.docs, facts.status, facts.base_url, facts.aliases)
    assert (cls.auth, dict(cls.env), cls.retired, dict(cls.headers)) == (facts.auth, metadata.variables, facts.retired, dict(facts.headers))
    assert {slot: getattr(cls, slot) for slot in DIALECTS if getattr(cls, slot) is not None} == metadata.slots
    assert [dialect for _, dialect in cls.chat_by_model] == [dialect for patterns, dialect in metadata.by_model for _ in patterns]
    assert [row[0] for row in cls.rows] == list(facts.models)


@every
def test_a_module_holds_no_logic(name):
    """No function, no branch, no loop, only absolute imports: differences, and nothing else."""
    tree = ast.parse((ROOT / "adapters" / f"{name}.py").read_text(encoding="utf-8"))
    banned = (ast.FunctionDef, ast.Lambda, ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.With, ast.comprehension, ast.BoolOp)
    assert [] == [type(node).__name__ for node in ast.walk(tree) if isinstance(node, banned)]
    assert [] == [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    (cls,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert all(isinstance(node, ast.Assign | ast.Expr) for node in cls.body)


@every
def test_no_default_is_repeated(name):
    """An attribute that equals the one of Provider is not written."""
    cls = ADAPTERS[name]
    own = {key: value for key, value in vars(cls).items() if not key.startswith("__")}
    assert [] == [key for key, value in own.items() if value == getattr(Provider, key)]


@every
def test_models_are_one_line_each(name):
    """A diff of prices is a diff of lines."""
    text = (ROOT / "adapters" / f"{name}.py").read_text(encoding="utf-8").partition("    rows = (\n")[2]
    assert [ast.literal_eval(line.strip().removesuffix(",")) for line in text.splitlines()[:-1]] == list(ADAPTERS[name].rows)


@every
def test_lines_are_short(name):
    """No line but that of a model has more than 160 columns."""
    lines = (ROOT / "adapters" / f"{name}.py").read_text(encoding="utf-8").splitlines()
    assert [] == [line for line in lines if len(line) > 160 and not line.startswith("        (")]


@every
def test_rows_are_constants(name):
    """Rows are one constant in the compiled module, so that importing makes no object for a model."""
    code = compile((ROOT / "adapters" / f"{name}.py").read_text(encoding="utf-8"), name, "exec")
    (body,) = [item for item in code.co_consts if isinstance(item, types.CodeType)]
    rows = ADAPTERS[name].rows
    assert not rows or rows in body.co_consts
    assert len([step for step in dis.get_instructions(body) if step.opname.startswith("BUILD") or step.opname == "CALL"]) < 200


@every
def test_rows_become_models(name):
    """Each row is well formed, and known by its own name."""
    infos = ADAPTERS[name]().models
    assert all(isinstance(info, ModelInfo) and info.provider == name for info in infos)
    assert [info.model_id for info in infos] == sorted({info.model_id for info in infos})
    assert [] == [info.model_id for info in infos if info.price is not None and info.price.currency != "USD"]


@every
def test_slots_hold_dialects(name):
    """Each slot holds a dialect of its operation."""
    cls = ADAPTERS[name]
    for slot in DIALECTS:
        dialect = getattr(cls, slot)
        assert dialect is None or isinstance(dialect, Dialect)
    chats = [cls.chat, *(dialect for _, dialect in cls.chat_by_model), *cls.chat_apis.values()]
    assert all(isinstance(dialect, ChatDialect) for dialect in chats if dialect is not None)


@every
def test_constructing_needs_nothing(name):
    """Every name answers with its full trait, without a key and without reading the environment."""
    provider = ADAPTERS[name]()
    assert provider.name == name
    assert provider.capabilities


@every
def test_a_chat_can_be_written(name):
    """Each chat dialect writes a plain question, for each family of models."""
    cls = ADAPTERS[name]
    options = {option.name: "x1" for option in cls.options if option.type == "str"}
    provider = cls({**options, "project": "p1", "region": "r1"})
    families = [re.sub(r"\[(.)[^]]*\]|[*?]", lambda match: match[1] or "1", pattern) for pattern, _ in provider.chat_by_model]
    for model in (*(["model-1"] if provider.chat else []), *families):
        wire = provider.transform_request(ChatRequest.make(model, "Hello?"))
        assert "Hello?" in jsons.dumps(wire.body).decode()
        assert model in wire.path or model in jsons.dumps(wire.body).decode()


VALUES = {name: (value,) for name, value in SAMPLES.items()} | {
    "tool_choice": ("required", "auto", "add"),
    "parallel_tool_calls": (False, True),
    "response_format": ({"type": "json_object"}, SCHEMA),
    "modalities": (("text", "audio"), ("text",)),
    "reasoning_effort": ("low", "high", "none", "default"),
    "service_tier": ("flex", "auto", "standard_only", "priority"),
}
"""Values of each parameter: a provider that takes any of them takes the parameter. The first is never one that may be left out in silence."""


def carries(provider, target, name, value, **others):
    """Return whether a parameter changes what is sent and no warning says otherwise; raises InvalidRequestError that is about another one."""
    plain = provider.transform_request(ChatRequest.make(target.model, "hi", api=target.api, **others))
    try:
        wire = provider.transform_request(ChatRequest.make(target.model, "hi", api=target.api, **others, **{name: value}))
    except InvalidRequestError as error:
        if error.param != name:
            raise
        return False
    told = any(warning.kind == "dropped" and warning.param == name for warning in wire.warnings)
    changed = (jsons.dumps(wire.body), dict(wire.headers), wire.path) != (jsons.dumps(plain.body), dict(plain.headers), plain.path)
    return changed and not told


@every
def test_supported_parameters_are_those_that_are_carried(name):
    """What `get_supported_openai_params` lists is what `transform_request` sends, for each family; whatever is not sent is told."""
    provider = ready(ADAPTERS[name])
    for place in places(ADAPTERS[name]):
        if place.target.slot == "chat":
            dialect = provider.chat_dialect(place.target.model, place.target.api)
            supported = dialect.supported_params(place.target.model)
            for param in PARAMS:
                others = {"tools": SAMPLES["tools"]} if param in ("tool_choice", "parallel_tool_calls") and "tools" in supported else {}
                calm = {"reasoning_effort": "none"} if param != "reasoning_effort" and "reasoning_effort" in supported else {}
                ways = [(value, more) for value in VALUES[param] for more in (others, others | calm)]
                carried = [carries(provider, place.target, param, value, **more) for value, more in ways]
                assert any(carried) is (param in supported), (place.where, param)
            if place.target.api is None:
                assert provider.get_supported_openai_params(place.target.model) == tuple(param for param in PARAMS if param in supported)


@every
def test_nothing_that_is_not_supported_is_lost_in_silence(name):
    """A parameter that is not carried gives a warning, or an error where it must not be dropped."""
    provider = ready(ADAPTERS[name])
    for place in places(ADAPTERS[name]):
        if place.target.slot == "chat":
            for param in set(PARAMS) - provider.chat_dialect(place.target.model, place.target.api).supported_params(place.target.model):
                request = ChatRequest.make(place.target.model, "hi", api=place.target.api, **{param: VALUES[param][0]})
                try:
                    told = [warning.param for warning in provider.transform_request(request).warnings]
                except InvalidRequestError as error:
                    told = [error.param]
                assert param in told, (place.where, param)


@pytest.mark.parametrize("name", [name for name, metadata in FILES.items() if metadata.facts.retired])
def test_using_a_retired_service_says_when_it_went(name):
    """The error has the date, the reason and the successor, and comes before anything is sent."""
    retired = ADAPTERS[name].retired
    provider = ADAPTERS[name]({"api_key": "secret"})
    with pytest.raises(ConfigurationError) as caught:
        provider.chat_completion(ChatRequest.make("m", "Hello?"))
    assert retired.date in str(caught.value)
    assert retired.reason in str(caught.value)
    assert (retired.successor or "") in str(caught.value)


def test_the_retired_ones():
    """What of the catalogue was gone when somebody last looked."""
    gone = {name: (ADAPTERS[name].retired.date, ADAPTERS[name].retired.successor) for name in TIER_1 if ADAPTERS[name].retired}
    assert gone == {
        "anyscale": ("2024-08-01", "openai_compatible"),
        "github": ("2026-07-30", None),
        "lambda_ai": ("2025-09-25", None),
        "linkup": ("2026-11-22", None),
        "meta_llama": ("2026-07-06", "meta"),
        "perplexity": ("2026-09-27", "perplexity_agent"),
    }


def test_no_key_goes_to_the_wrong_place():
    """Variables that belong to others are read by nobody, and none is read by two unless a file says so."""
    assert not [name for name, cls in ADAPTERS.items() if {"COMET_API_KEY", "OPENAI_API_KEY"} & set(cls.env.get("api_key", ())) and name != "openai"]


def test_only_local_services_are_plain_http():
    """A key never travels in the clear to another machine."""
    plain = {name for name, cls in ADAPTERS.items() if cls.base_url.startswith("http:")}
    assert plain == {name for name, metadata in FILES.items() if metadata.facts.local}
    hosts = {ADAPTERS[name].base_url.split("/")[2].partition(":")[0] for name in plain}
    assert hosts <= {"localhost", "127.0.0.1", "simulator.invalid"}


@pytest.mark.parametrize("name", ["vllm", "hosted_vllm", "lm_studio", "llamafile", "infinity", "lemonade", "openai_compatible", "ovhcloud"])
def test_some_need_no_key(name):
    """A server of one's own is asked without a key where there is none."""
    cls = ADAPTERS[name]
    assert cls.auth.optional
    assert not isinstance(cls.auth, NoAuth)


def test_a_quirk_that_a_table_names_exists():
    """Every line of the tables of dialects leads to a class, and the class to its slot."""
    for slot, dialects in DIALECTS.items():
        for place in dialects.values():
            kind = load(place)
            assert attrs.has(kind)
            assert issubclass(kind, ChatDialect if slot == "chat" else Dialect)


@pytest.mark.skipif(not (SHARED / "facts" / "providers.json").is_file(), reason="the folder of facts is not there (LLMCLIENT_SHARED)")
@pytest.mark.parametrize("name", [*TIER_1, "openai"])
def test_addresses_and_keys_are_those_of_the_facts(name):
    """The base address is that of the facts, and each of their key variables is read, in their order."""
    rows = {row["id"]: row for row in json.loads((SHARED / "facts" / "providers.json").read_text(encoding="utf-8"))}
    names = {name, *FILES[name].facts.aliases}
    row = next((rows[other] for other in sorted(names) if other in rows), None)
    if row is None:
        assert name == "hosted_vllm"
        return
    cls = ADAPTERS[name]
    assert cls.base_url == row["base_url"]
    own = [variable for variable in row["env"] if not (name == "vllm" and "HOSTED" in variable)]
    read = [variable for variable in cls.env.get("api_key", ()) if variable in own]
    assert read == own


@pytest.mark.parametrize("version", [None, "2023-06-01", "2026-10-21"])
@pytest.mark.parametrize("name", ["anthropic", "azure_anthropic", "kimi_for_coding"])
def test_the_parameters_of_a_version_are_those_that_are_sent(name, version):
    """The list equals what goes out without a warning, whichever version of the API the account asks for."""
    provider = registry.adapter(name)({"api_key": "k", "api_version": version} | ({"resource": "r"} if name.startswith("azure") else {}))
    samples = {"temperature": 0.2, "top_k": 5}
    sent = {each for each, value in samples.items() if not provider.transform_request(ChatRequest.make("claude-haiku-4-5", "hi", **{each: value})).warnings}
    assert sent == set(provider.get_supported_openai_params("claude-haiku-4-5")) & samples.keys()
