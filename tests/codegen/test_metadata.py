"""What a TOML file may say, and what is said of one that is wrong: file, path and a suggestion."""

from __future__ import annotations

import pytest

from codegen.metadata import load_folder
from codegen.problems import MetadataError
from llmclient.auth import Bearer, HeaderKey, NoAuth, QueryKey
from llmclient.dialects.openai import OpenAIChat, OpenAIEmbeddings

HEAD = """
schema = 1
name = "acme"
title = "Acme"
docs = "https://acme.test/docs"
checked = "2026-11-22"
status = "listed"
base_url = "https://api.acme.test/v1"
"""
CHAT = """
[chat]
dialect = "openai"
"""


def load(folder, **files):
    """Write TOML files and load them."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return load_folder(folder)


def complaints(folder, **files):
    """Return the lines of the error that the files cause."""
    with pytest.raises(MetadataError) as caught:
        load(folder, **files)
    return str(caught.value).splitlines()


def head(**changes):
    """Return the head of a file with some keys replaced, or left out where None."""
    lines = dict(line.split(" = ", 1) for line in HEAD.strip().splitlines()) | changes
    return "".join(f"{key} = {value}\n" for key, value in lines.items() if value is not None)


def test_the_smallest_file(tmp_path):
    """A file needs where, when and one operation; the rest is as usual."""
    (acme,) = load(tmp_path, acme=HEAD + CHAT)
    assert (acme.name, acme.class_name, acme.facts.auth, acme.facts.models, acme.by_model, acme.apis) == ("acme", "Acme", Bearer(), {}, (), {})
    assert acme.slots == {"chat": OpenAIChat()}
    assert acme.variables == {"api_key": ("ACME_API_KEY",), "api_base": ("ACME_API_BASE",)}


@pytest.mark.parametrize(
    ("table", "auth"),
    [
        ('kind = "bearer"\noptional = true', Bearer(optional=True)),
        ('kind = "header"\nheader = "x-key"\nprefix = "Key "', HeaderKey("x-key", "Key ")),
        ('kind = "query"\nparam = "k"', QueryKey("k")),
        ('kind = "none"', NoAuth()),
    ],
)
def test_kinds_of_auth(tmp_path, table, auth):
    """The kind names a class of llmclient.auth, the other keys are its fields."""
    (acme,) = load(tmp_path, acme=f"{HEAD}[auth]\n{table}\n{CHAT}")
    assert acme.facts.auth == auth


def test_a_provider_without_a_key_reads_none(tmp_path):
    """Where there is nothing to prove, no variable is named for a key, unless the file names one."""
    (acme,) = load(tmp_path, acme=f'{HEAD}[auth]\nkind = "none"\n{CHAT}')
    assert acme.variables == {"api_base": ("ACME_API_BASE",)}
    (acme,) = load(tmp_path, acme=f'{HEAD}[auth]\nkind = "none"\n[env]\napi_key = ["K"]\n{CHAT}')
    assert acme.variables["api_key"] == ("K", "ACME_API_KEY")


def test_the_usual_variables_come_last_and_once(tmp_path):
    """The file's own variables come first; the usual name is not repeated."""
    text = f'{HEAD}[env]\napi_key = ["ACME_API_KEY", "ACME_TOKEN"]\napi_base = ["ACME_URL"]\nregion = ["ACME_REGION"]\n{CHAT}'
    (acme,) = load(tmp_path, acme=text)
    assert acme.variables == {"api_key": ("ACME_API_KEY", "ACME_TOKEN"), "api_base": ("ACME_URL", "ACME_API_BASE"), "region": ("ACME_REGION",)}


def test_options_name_their_variables(tmp_path):
    """An option of the provider's own is read from the variables that it names."""
    option = '[[options]]\nname = "account"\nrequired = true\nenv = ["ACME_ACCOUNT"]\n'
    (acme,) = load(tmp_path, acme=head(base_url='"https://{account}.acme.test/{region}"') + option + CHAT)
    assert acme.variables["account"] == ("ACME_ACCOUNT",)


def test_a_model_family_builds_on_chat(tmp_path):
    """Without a dialect of its own an entry changes what [chat] says, and gives reasons only for that."""
    text = f"""{HEAD}
    [chat]
    dialect = "openai"
    max_tokens_field = "max_tokens"
    because.max_tokens_field = "older"
    [[chat_by_model]]
    match = ["new-*", "newer-*"]
    max_tokens_field = "max_completion_tokens"
    because.max_tokens_field = "newer"
    [[chat_by_model]]
    match = "other"
    dialect = "openai"
    """
    (acme,) = load(tmp_path, acme=text)
    assert acme.by_model == ((("new-*", "newer-*"), OpenAIChat()), (("other",), OpenAIChat()))
    assert acme.slots["chat"] == OpenAIChat(max_tokens_field="max_tokens")


def test_a_dialect_may_have_its_own_host_and_auth(tmp_path):
    """One operation can live on another host, with another way to sign."""
    embed = """
    [embed]
    dialect = "openai"
    base_url = "https://vectors.acme.test"
    auth = { kind = "header", header = "x-key" }
    formats = { float = "raw" }
    because = { base_url = "another machine", auth = "another team", formats = "another word" }
    """
    (acme,) = load(tmp_path, acme=HEAD + embed)
    assert acme.slots == {"embed": OpenAIEmbeddings(base_url="https://vectors.acme.test", auth=HeaderKey("x-key"), formats={"float": "raw"})}


def test_whole_numbers_are_numbers_too(tmp_path):
    """A range in TOML may be written without points."""
    text = f'{HEAD}[chat]\ndialect = "openai"\ntemperature_range = [0, 1]\nbecause.temperature_range = "so"\n'
    (acme,) = load(tmp_path, acme=text)
    assert acme.slots["chat"].temperature_range == (0.0, 1.0)
    assert [type(bound) for bound in acme.slots["chat"].temperature_range] == [float, float]


def test_files_come_sorted(tmp_path):
    """The order of files on disk does not matter."""
    files = {name: head(name=f'"{name}"') + CHAT for name in ("b", "a", "c")}
    assert [metadata.name for metadata in load(tmp_path, **files)] == ["a", "b", "c"]


QUIRK = HEAD + '[chat]\ndialect = "openai"\n'

BAD = {
    "a misspelt quirk": (
        QUIRK + 'max_token_field = "max_tokens"\nbecause.max_token_field = "x"',
        ["acme.toml: chat.max_token_field: unknown; did you mean 'max_tokens_field'?"],
    ),
    "a wrong literal": (
        QUIRK + 'max_tokens_field = "max_token"\nbecause.max_tokens_field = "x"',
        ["acme.toml: chat.max_tokens_field: 'max_token' is not allowed; did you mean 'max_tokens'?"],
    ),
    "a wrong type": (QUIRK + 'stream_only = "yes"\nbecause.stream_only = "x"', ["acme.toml: chat.stream_only: must be true or false, got 'yes'"]),
    "a number for a string": (QUIRK + "path = 7\nbecause.path = 'x'", ["acme.toml: chat.path: must be a string, got 7"]),
    "a string for a number": (QUIRK + "max_stop = '4'\nbecause.max_stop = 'x'", ["acme.toml: chat.max_stop: must be a whole number, got '4'"]),
    "true for a number": (QUIRK + "max_stop = true\nbecause.max_stop = 'x'", ["acme.toml: chat.max_stop: must be a whole number, got True"]),
    "a string for a list": (QUIRK + 'unsupported = "n"\nbecause.unsupported = "x"', ["acme.toml: chat.unsupported: must be a list, got 'n'"]),
    "a wrong item": (QUIRK + 'efforts = ["low", 2]\nbecause.efforts = "x"', ["acme.toml: chat.efforts[1]: must be a string, got 2"]),
    "an item twice": (QUIRK + 'unsupported = ["n", "n"]\nbecause.unsupported = "x"', ["acme.toml: chat.unsupported: holds something twice"]),
    "a range of three": (
        QUIRK + "temperature_range = [0, 1, 2]\nbecause.temperature_range = 'x'",
        ["acme.toml: chat.temperature_range: must be a list of 2, got [0, 1, 2]"],
    ),
    "a wrong bound": (
        QUIRK + "temperature_range = [0, 'x']\nbecause.temperature_range = 'x'",
        ["acme.toml: chat.temperature_range[1]: must be a number, got 'x'"],
    ),
    "a string for a table": (QUIRK + 'rename = "x"\nbecause.rename = "x"', ["acme.toml: chat.rename: must be a table, got 'x'"]),
    "a wrong value in a table": (QUIRK + 'rename.seed = 1\nbecause.rename = "x"', ["acme.toml: chat.rename.seed: must be a string, got 1"]),
    "no parameter": (
        QUIRK + 'unsupported = ["temprature"]\nbecause.unsupported = "x"',
        ["acme.toml: chat.unsupported: 'temprature' is no portable parameter; did you mean 'temperature'?"],
    ),
    "a renamed parameter that is none": (
        QUIRK + 'rename = { sead = "random_seed" }\nbecause.rename = "x"',
        ["acme.toml: chat.rename: 'sead' is no portable parameter; did you mean 'seed'?"],
    ),
    "a setting that is none": (
        QUIRK + 'setting_fields = { project_id = "projekt" }\nbecause.setting_fields = "x"',
        ["acme.toml: chat.setting_fields.project_id: there is no setting 'projekt'; did you mean 'project'?"],
    ),
    "what a provider sets": (QUIRK + 'provider = "x"\nbecause.provider = "x"', ["acme.toml: chat.provider: unknown"]),
    "no reason": (QUIRK + "stream_only = true", ["acme.toml: chat.because.stream_only: missing: every quirk says why"]),
    "an empty reason": (QUIRK + "stream_only = true\nbecause.stream_only = ' '", ["acme.toml: chat.because.stream_only: says nothing"]),
    "a reason for nothing": (
        QUIRK + "stream_only = true\nbecause = { stream_only = 'x', stream_ony = 'x' }",
        ["acme.toml: chat.because.stream_ony: gives a reason for nothing; did you mean 'stream_only'?"],
    ),
    "reasons that are no table": (QUIRK + "because = 'x'", ["acme.toml: chat.because: must be a table, got 'x'"]),
    "the default": (
        QUIRK + "max_tokens_field = 'max_completion_tokens'\nbecause.max_tokens_field = 'x'",
        ["acme.toml: chat.max_tokens_field: 'max_completion_tokens' is what it is anyway; leave it out"],
    ),
    "an unknown dialect": (HEAD + '[chat]\ndialect = "opnai"', ["acme.toml: chat.dialect: unknown dialect 'opnai'; did you mean 'openai'?"]),
    "no dialect": (HEAD + "[chat]", ["acme.toml: chat.dialect: missing"]),
    "a dialect that is no table": (HEAD + "chat = 'openai'", ["acme.toml: chat: must be a table, got 'openai'"]),
    "a family that is no table": (HEAD + "chat_by_model = ['x']" + CHAT, ["acme.toml: chat_by_model[0]: must be a table, got 'x'"]),
    "families that are no list": (HEAD + "chat_by_model = 'x'" + CHAT, ["acme.toml: chat_by_model: must be tables, [[chat_by_model]], got 'x'"]),
    "a family without a pattern": (QUIRK + "[[chat_by_model]]", ["acme.toml: chat_by_model[0].match: must be a list, got None"]),
    "a pattern twice": (
        QUIRK + "[[chat_by_model]]\nmatch = 'x'\n[[chat_by_model]]\nmatch = 'x'",
        ["acme.toml: chat_by_model[1].match: ['x'] is empty or there already"],
    ),
    "a family on a broken base": (
        QUIRK + "max_stop = '4'\nbecause.max_stop = 'x'\n[[chat_by_model]]\nmatch = 'x'",
        ["acme.toml: chat.max_stop: must be a whole number, got '4'"],
    ),
    "a quirk of a family": (
        QUIRK + "[[chat_by_model]]\nmatch = 'x'\nstream_ony = true\nbecause.stream_ony = 'x'",
        [
            "acme.toml: chat_by_model[0].stream_ony: unknown; did you mean 'stream_only'?",
        ],
    ),
    "apis that are no table": (HEAD + "chat_apis = 'x'" + CHAT, ["acme.toml: chat_apis: must be a table of tables, got 'x'"]),
    "an api without a dialect": (QUIRK + "[chat_apis.responses]", ["acme.toml: chat_apis.responses.dialect: missing"]),
    "no operation": (HEAD, ["acme.toml: has no operation; add a table such as [chat]"]),
    "no TOML": ("schema =", ["acme.toml: is no TOML: Invalid value (at end of document)"]),
    "a misspelt key": (
        head(statsu='"listed"', status=None) + CHAT,
        [
            "acme.toml: statsu: unknown; did you mean 'status'?",
            "acme.toml: status: missing",
        ],
    ),
    "a misspelt table": (HEAD + CHAT + '[embeds]\ndialect = "openai"', ["acme.toml: embeds: unknown; did you mean 'embed'?"]),
    "another schema": (head(schema="2") + CHAT, ["acme.toml: schema: must be 1, got 2"]),
    "another name": (head(name='"amce"') + CHAT, ["acme.toml: name: must be 'acme', as the file is called, got 'amce'"]),
    "no module name": (
        head(name='"3com"') + CHAT,
        ["acme.toml: name: '3com' is no module name; use small letters, digits and _, a letter first", "acme.toml: class_name: '3com' is no class name"],
    ),
    "a keyword": (head(name='"class"') + CHAT, ["acme.toml: name: 'class' is no module name; use small letters, digits and _, a letter first"]),
    "no class name": (head(class_name='"acme inc"') + CHAT, ["acme.toml: class_name: 'acme inc' is no class name"]),
    "two lines of title": (head(title='"Ac\\nme"') + CHAT, ["acme.toml: title: must be one line of text without quotes and backslashes, got 'Ac\\nme'"]),
    "a title with quotes": (head(title="'Ac\"me'") + CHAT, ["acme.toml: title: must be one line of text without quotes and backslashes, got 'Ac\"me'"]),
    "a class that adapters import": (head(class_name='"Bearer"') + CHAT, ["acme.toml: class_name: 'Bearer' is a name that adapters import; choose another"]),
    "docs without a page": (
        head(docs='"acme.test"') + CHAT,
        ["acme.toml: docs: must be the address of a page, https://…, or a file in docs/, got 'acme.test'"],
    ),
    "no date": (head(checked='"22.11.2026"') + CHAT, ["acme.toml: checked: must be a date such as 2026-11-22, got '22.11.2026'"]),
    "no such day": (head(checked='"2026-02-30"') + CHAT, ["acme.toml: checked: must be a date such as 2026-11-22, got '2026-02-30'"]),
    "no such status": (head(status='"xyz"') + CHAT, ["acme.toml: status: 'xyz' is not allowed; known are listed, retired, unverified, verified"]),
    "retired without a word": (head(status='"retired"') + CHAT, ['acme.toml: retired: missing: status is "retired"']),
    "retired in secret": (HEAD + '[retired]\ndate = "2026-01-01"\nreason = "gone"' + CHAT, ["acme.toml: retired: needs status = \"retired\", not 'listed'"]),
    "retired some day": (
        head(status='"retired"') + '[retired]\ndate = "2026-01"\nreason = " "' + CHAT,
        [
            "acme.toml: retired.date: must be a date such as 2026-11-22, got '2026-01'",
            "acme.toml: retired.reason: says nothing",
        ],
    ),
    "retired without a reason": (head(status='"retired"') + '[retired]\ndate = "2026-01-01"' + CHAT, ["acme.toml: retired.reason: missing"]),
    "plain http": (
        head(base_url='"http://api.acme.test"') + CHAT,
        ["acme.toml: base_url: must begin with https:// unless local = true, got 'http://api.acme.test'"],
    ),
    "no host": (head(base_url='"https://"') + CHAT, ["acme.toml: base_url: must be a host and perhaps a path, without a slash at the end, got 'https://'"]),
    "a slash at the end": (
        head(base_url='"https://a.test/"') + CHAT,
        [
            "acme.toml: base_url: must be a host and perhaps a path, without a slash at the end, got 'https://a.test/'",
        ],
    ),
    "a query": (
        head(base_url='"https://a.test?x=1"') + CHAT,
        [
            "acme.toml: base_url: must be a host and perhaps a path, without a slash at the end, got 'https://a.test?x=1'",
        ],
    ),
    "a broken address": (
        head(base_url='"https://[a.test"') + CHAT,
        ["acme.toml: base_url: must begin with https:// unless local = true, got 'https://[a.test'"],
    ),
    "an unknown placeholder": (head(base_url='"https://{regoin}.acme.test"') + CHAT, ["acme.toml: base_url: {regoin} is no option; did you mean 'region'?"]),
    "half a placeholder": (
        head(base_url='"https://a.test/{region"') + CHAT,
        ["acme.toml: base_url: has a brace without its partner: 'https://a.test/{region'"],
    ),
    "a path without a slash": (QUIRK + "path = 'chat'\nbecause.path = 'x'", ["acme.toml: chat.path: must begin with a slash, got 'chat'"]),
    "a path with an unknown placeholder": (
        QUIRK + "path = '/{modle}'\nbecause.path = 'x'",
        ["acme.toml: chat.path: {modle} is no option; did you mean 'model'?"],
    ),
    "a plain host of a dialect": (
        QUIRK + "base_url = 'http://a.test'\nbecause.base_url = 'x'",
        [
            "acme.toml: chat.base_url: must begin with https:// unless local = true, got 'http://a.test'",
        ],
    ),
    "an unknown auth": (HEAD + '[auth]\nkind = "baerer"' + CHAT, ["acme.toml: auth: unknown kind 'baerer'; did you mean 'bearer'?"]),
    "an auth without a kind": (HEAD + "[auth]\noptional = true" + CHAT, ["acme.toml: auth: must be a table with a kind"]),
    "a misspelt auth": (HEAD + '[auth]\nkind = "bearer"\noptoinal = true' + CHAT, ["acme.toml: auth.optoinal: unknown; did you mean 'optional'?"]),
    "an auth without its header": (HEAD + '[auth]\nkind = "header"' + CHAT, ["acme.toml: auth.header: missing"]),
    "no shell variable": (HEAD + '[env]\napi_key = ["302AI_KEY"]' + CHAT, ["acme.toml: env.api_key[0]: '302AI_KEY' is no name of a shell variable"]),
    "a variable twice": (HEAD + '[env]\napi_key = ["A", "A"]' + CHAT, ["acme.toml: env.api_key[1]: 'A' is there already"]),
    "an unknown setting": (HEAD + '[env]\napi_kye = ["A"]' + CHAT, ["acme.toml: env.api_kye: unknown; did you mean 'api_key'?"]),
    "a key shared with nobody": (HEAD + '[env]\nshared = ["A"]' + CHAT, ["acme.toml: env.shared: A is read by no other provider"]),
    "an option that is taken": (HEAD + '[[options]]\nname = "api_key"' + CHAT, ["acme.toml: options[0].name: 'api_key' cannot be the name of an option"]),
    "an option twice": (HEAD + '[[options]]\nname = "a"\n[[options]]\nname = "a"' + CHAT, ["acme.toml: options[1].name: 'a' is there already"]),
    "an option of no type": (
        HEAD + '[[options]]\nname = "a"\ntype = "string"' + CHAT,
        ["acme.toml: options[0].type: 'string' is not allowed; did you mean 'str'?"],
    ),
    "a useless default": (
        HEAD + '[[options]]\nname = "a"\nrequired = true\ndefault = "x"' + CHAT,
        ["acme.toml: options[0].default: is useless: the option is required"],
    ),
    "a variable of an option": (HEAD + '[[options]]\nname = "a"\nenv = ["A-B"]' + CHAT, ["acme.toml: options[0].env[0]: 'A-B' is no name of a shell variable"]),
    "no header": (HEAD + '[headers]\n"X Y" = "1"' + CHAT, ["acme.toml: headers.\"X Y\": X Y: '1' is no header"]),
    "no setting to send": (HEAD + '[setting_headers]\nX-A = "regin"' + CHAT, ["acme.toml: setting_headers.X-A: there is no setting 'regin'; did you mean 'region'?"]),
    "no header to send a setting in": (HEAD + '[setting_headers]\n"X A" = "region"' + CHAT, ["acme.toml: setting_headers.\"X A\": 'X A' is no name of a header"]),
    "a header of two lines": (HEAD + '[headers]\nX = "1\\n2"' + CHAT, ["acme.toml: headers.X: X: '1\\n2' is no header"]),
    "an alias that is none": (
        head(aliases='["Acme-AI"]') + CHAT,
        [
            "acme.toml: aliases[0]: 'Acme-AI' is no name; use small letters, digits and _ (a user's - is read as _)",
        ],
    ),
    "an alias twice": (
        head(aliases='["a", "acme", "a"]') + CHAT,
        ["acme.toml: aliases[1]: 'acme' is there already", "acme.toml: aliases[2]: 'a' is there already"],
    ),
    "models out of order": (QUIRK + "[models]\nb = {}\na = {}", ["acme.toml: models.a: out of order: it comes before 'b'; models are sorted by id"]),
    "a misspelt fact": (QUIRK + '[models]\n"m-1.5" = { contxt = 1 }', ["acme.toml: models.\"m-1.5\".contxt: unknown; did you mean 'context'?"]),
    "no context": (QUIRK + "[models]\nm = { context = 0 }", ["acme.toml: models.m.context: must be above 0, got 0"]),
    "a model that is no table": (QUIRK + "[models]\nm = 1", ["acme.toml: models.m: must be a table, got 1"]),
    "a useless name": (QUIRK + "[models]\nm = { name = 'm' }", ["acme.toml: models.m.name: is the id; leave it out"]),
    "no mode": (
        QUIRK + "[models]\nm = { mode = 'xyz' }",
        [
            "acme.toml: models.m.mode: 'xyz' is not allowed; known are "
            + "chat, completion, embed, image, moderate, ocr, other, realtime, rerank, speech, transcribe, video"
        ],
    ),
    "no ability": (QUIRK + "[models]\nm = { abilities = 'tool' }", ["acme.toml: models.m.abilities: 'tool' is not allowed; did you mean 'tools'?"]),
    "abilities out of order": (
        QUIRK + "[models]\nm = { abilities = 'vision tools' }",
        [
            "acme.toml: models.m.abilities: must be sorted words, one blank between two, got 'vision tools'",
        ],
    ),
    "no price": (QUIRK + "[models]\nm = { prices = 'inptu=1' }", ["acme.toml: models.m.prices: 'inptu=1' is no price"]),
    "a negative price": (QUIRK + "[models]\nm = { prices = 'input=-1' }", ["acme.toml: models.m.prices: a price must be a number from 0, got '-1'"]),
    "a price twice": (QUIRK + "[models]\nm = { prices = 'input=1 input=2' }", ["acme.toml: models.m.prices: gives a price twice"]),
    "a price that is no string": (QUIRK + "[models]\nm = { prices = 1.5 }", ["acme.toml: models.m.prices: must be a string, got 1.5"]),
    "released some time": (
        QUIRK + "[models]\nm = { released = '2026' }",
        ["acme.toml: models.m.released: must be a date such as 2026-11-22 or 2026-11, got '2026'"],
    ),
    "retired in some month": (
        QUIRK + "[models]\nm = { retired = '2026-11' }",
        ["acme.toml: models.m.retired: must be a date such as 2026-11-22, got '2026-11'"],
    ),
    "an unknown api": (QUIRK + "[models]\nm = { api = 'responses' }", ["acme.toml: models.m.api: there is no [chat_apis.responses]"]),
    "efforts in a list": (
        QUIRK + "[models]\nm = { efforts = 'low high' }",
        ["acme.toml: models.m.efforts: must be words with commas between them, got 'low high'"],
    ),
    "a model's id with a blank": (QUIRK + '[models]\n" m" = {}', ['acme.toml: models." m": is no model\'s id']),
    "own models that are none": (head(first_party='["x-*"]') + CHAT, ["acme.toml: first_party[0]: 'x-*' is none of the models"]),
}


@pytest.mark.parametrize(("text", "lines"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said(tmp_path, text, lines):
    """The whole message: file, path, what is wrong, and a suggestion where there is one."""
    assert complaints(tmp_path, acme=text) == lines


def test_a_file_that_is_no_text(tmp_path):
    """Bytes that are no UTF-8 are reported like anything else."""
    (tmp_path / "acme.toml").write_bytes(b"\xff")
    with pytest.raises(MetadataError, match=r"^acme\.toml: is no TOML: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte$"):
        load_folder(tmp_path)


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    """Every file and every problem in it, in the order of the files."""
    lines = complaints(tmp_path, b=head(name='"b"', schema="2", checked='"x"') + CHAT, a=QUIRK.replace("acme", "a") + "max_stp = 1", c=head(name='"c"') + CHAT)
    assert lines == [
        "a.toml: chat.because.max_stp: missing: every quirk says why",
        "a.toml: chat.max_stp: unknown; did you mean 'max_stop'?",
        "b.toml: schema: must be 1, got 2",
        "b.toml: checked: must be a date such as 2026-11-22, got 'x'",
    ]


def test_a_name_means_one_provider(tmp_path):
    """An alias that is another provider's name or alias is an error."""
    files = {name: head(name=f'"{name}"', aliases=aliases) + CHAT for name, aliases in {"a": '["x"]', "b": '["a", "x"]', "c": None}.items()}
    assert complaints(tmp_path, **files) == ["b.toml: aliases[0]: 'a' is a name in a.toml already", "b.toml: aliases[1]: 'x' is a name in a.toml already"]


def test_a_key_goes_to_one_provider(tmp_path):
    """Two providers reading one variable is an error: a key would go to a host that it does not belong to."""
    files = {name: f'{head(name=chr(34) + name + chr(34))}[env]\napi_key = ["KEY"]\n{CHAT}' for name in ("a", "b")}
    assert complaints(tmp_path, **files) == ["a.toml: env.api_key: KEY is read by b too; if that is meant, name it in env.shared"]


def test_a_key_may_be_shared_on_purpose(tmp_path):
    """One maker with two hosts says so in one of the files."""
    files = {name: f'{head(name=chr(34) + name + chr(34))}[env]\napi_key = ["KEY"]\n{CHAT}' for name in ("a", "b")}
    files["b"] = files["b"].replace("[env]", '[env]\nshared = ["KEY"]')
    assert [metadata.variables["api_key"] for metadata in load(tmp_path, **files)] == [("KEY", "A_API_KEY"), ("KEY", "B_API_KEY")]


@pytest.mark.parametrize("value", ["import os", "__import__('os')", "{{ 7 * 7 }}", "lambda: 0", '"""', "'; raise SystemExit"])
def test_toml_holds_no_code(tmp_path, value):
    """Whatever a file says is a value: code in a string stays a string."""
    text = (
        f"{HEAD}[chat]\ndialect = 'openai'\nbody.x = {value!r}\nbecause.body = 'x'"
        if "'" not in value
        else f'{HEAD}[chat]\ndialect = "openai"\nbody.x = "{value}"\nbecause.body = "x"'
    )
    (acme,) = load(tmp_path, acme=text)
    assert acme.slots["chat"].body == {"x": value}
