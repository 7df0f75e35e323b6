"""What the models of one vendor take at Converse: the API is one, but it refuses what a model does not know.

The facts are from https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html, from
the models' own pages there, and from what the API was seen to refuse.
"""

from __future__ import annotations

import fnmatch
from typing import Final, Literal, TypeAlias

import attrs

from llmclient.dialects.anthropic import families as claude

TopK: TypeAlias = Literal["none", "flat", "nested"]
"""Where `top_k` stands among the model's own fields: nowhere, as top_k, or as inferenceConfig.topK."""
Thinking: TypeAlias = Literal["none", "claude", "nova", "effort", "level"]
"""In whose shape the model is told how much to think."""

MEDIA: Final = frozenset({"image", "document", "video", "audio"})
PLACES: Final = frozenset({"system", "messages", "tools"})


@attrs.frozen(kw_only=True)
class Family:
    """What the models of one vendor take. The defaults are those of a model that nobody knows: what is given is sent, and the API has the last word."""

    system: bool = True
    """Whether there is a system prompt; else it is put before the first user's text."""
    leading_assistant: bool = False
    """Whether the assistant may speak first."""
    in_results: frozenset[str] = MEDIA
    """Media that may stand within a tool's result."""
    beside_results: frozenset[str] = MEDIA | {"text"}
    """What may stand in one turn with a tool's result."""
    result_status: bool = True
    """Whether a tool's result may say that it is an error."""
    auto_choice: bool = False
    """Whether `auto` may be said; it is the usual choice anyway."""
    forced_choice: bool = True
    """Whether a tool call can be forced."""
    top_k: TopK = "none"
    thinking: Thinking = "none"
    efforts: tuple[str, ...] = ()
    """The words for how much to think, lowest first."""
    off: bool = True
    """Whether the model can be told not to think."""
    caching: frozenset[str] = PLACES
    """Where a cache point may stand."""


_BARE: Final = Family(caching=frozenset())
_CLAUDE: Final = Family(
    leading_assistant=True,
    in_results=frozenset({"image", "document"}),
    beside_results=frozenset({"text", "image"}),
    auto_choice=True,
    top_k="flat",
    thinking="claude",
)
_NOVA: Final = Family(in_results=frozenset({"image"}), auto_choice=True, top_k="nested", caching=frozenset({"system", "messages"}))
_NOVA_2: Final = attrs.evolve(_NOVA, thinking="nova", efforts=("low", "medium", "high"))
_TITAN: Final = attrs.evolve(_BARE, system=False)
_LLAMA: Final = attrs.evolve(_BARE, in_results=frozenset({"image", "document"}), beside_results=frozenset())
_LLAMA_3: Final = attrs.evolve(_LLAMA, forced_choice=False)
_MISTRAL: Final = attrs.evolve(_BARE, in_results=frozenset({"document"}), beside_results=frozenset())
_MISTRAL_OLD: Final = attrs.evolve(_MISTRAL, system=False)
_QWEN: Final = attrs.evolve(_BARE, leading_assistant=True, in_results=frozenset(), thinking="level", efforts=("low", "high"), off=False)
_GPT_OSS: Final = attrs.evolve(_BARE, thinking="effort", efforts=("low", "medium", "high"), off=False)
_PALMYRA: Final = attrs.evolve(_BARE, beside_results=frozenset(), result_status=False)
_GLM: Final = attrs.evolve(_BARE, leading_assistant=True, auto_choice=True)
_KIMI: Final = attrs.evolve(_GLM, in_results=frozenset())

FAMILIES: Final[tuple[tuple[str, Family], ...]] = (
    ("*claude*", _CLAUDE),
    ("amazon.nova-2-*", _NOVA_2),
    ("amazon.nova-*", _NOVA),
    ("amazon.titan-*", _TITAN),
    ("meta.llama2-*", _LLAMA_3),
    ("meta.llama3-*", _LLAMA_3),
    ("meta.*", _LLAMA),
    ("mistral.mistral-7b-*", _MISTRAL_OLD),
    ("mistral.mixtral-8x7b-*", _MISTRAL_OLD),
    ("mistral.*", _MISTRAL),
    ("qwen.*", _QWEN),
    ("openai.gpt-oss-safeguard-*", _BARE),
    ("openai.gpt-oss-*", _GPT_OSS),
    ("writer.*", _PALMYRA),
    ("zai.*", _GLM),
    ("moonshot*", _KIMI),
    ("ai21.*", _BARE),
    ("cohere.*", _BARE),
    ("deepseek.*", _BARE),
    ("google.*", _BARE),
    ("minimax.*", _BARE),
    ("nvidia.*", _BARE),
)
"""Patterns of model ids, without their region -> what they take. The first that fits counts."""

REGIONS: Final = frozenset("us eu apac ap jp au ca sa me af in il mx kr global us-gov regional".split())
"""What stands before a model's id where it may be served from several regions."""

UNKNOWN: Final = Family()
_NO_CLAUDE: Final = claude.Family(thinking="none", off="omit", efforts=(), sampling=True, structured=True, system_turns=False, omits_thoughts=False)


def bare(model: str, regions: frozenset[str]) -> str:
    """Return the vendor's id in a model id, inference profile or ARN; the id of a profile of one's own tells of no vendor."""
    steps = model.split("/")
    name = next((step for step in reversed(steps) if "." in step), steps[-1])
    head, dot, rest = name.partition(".")
    return rest if dot and head in regions and "." in rest else name


def family_of(name: str, table: tuple[tuple[str, Family], ...]) -> Family:
    """Return what a model takes, by its bare id."""
    return next((family for pattern, family in table if fnmatch.fnmatchcase(name, pattern)), UNKNOWN)


def claude_of(name: str, family: Family) -> claude.Family:
    """Return what this Claude takes beside that; of other models, nothing that would narrow it."""
    if family.thinking != "claude":
        return _NO_CLAUDE
    found = claude.family_of(name)
    # Beside a budget, an effort is behind a beta that Converse was never seen to take.
    return attrs.evolve(found, efforts=()) if found.thinking == "budget" else found
