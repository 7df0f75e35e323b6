"""Who runs: the same work written with bare urllib3, with bare requests and with llmclient, and with each peer's own client.

Each class imports its library when it is made, so that a peer's environment needs that peer only.
Every method returns what it read, for `verify`.
"""

from __future__ import annotations

import base64
import json
from array import array
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

from benchmarks import native
from benchmarks.canned import ANSWER, DIMENSIONS, EMBEDDING_MODEL, MESSAGES, MODEL, TEXTS, WORDS, words

KEY: Final = "sk-benchmark"
HEADERS: Final = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
CONNECTIONS: Final = 100


class Contestant(Protocol):
    """One way to do the work. A contestant that lacks a method does not take part in that benchmark."""

    def chat(self) -> str:
        """Ask one question; return the answer's text."""
        ...

    def stream(self) -> str:
        """Read a stream of 2,003 chunks; return their joined text."""
        ...

    def embed(self) -> Sequence[Sequence[float]]:
        """Embed 64 texts; return the vectors."""
        ...


class _Wire:
    """What the two bare contestants share: the bodies, as JSON the way everybody writes it."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        self.addresses = addresses
        self.chat_body: dict[str, Any] = {"model": MODEL, "messages": MESSAGES, "temperature": 0}
        self.stream_body = self.chat_body | {"stream": True, "stream_options": {"include_usage": True}}
        self.embed_body: dict[str, Any] = {"model": EMBEDDING_MODEL, "input": TEXTS, "encoding_format": "float"}
        self.base64_body = self.embed_body | {"encoding_format": "base64"}


def _text(answer: Any) -> str:
    return str(answer["choices"][0]["message"]["content"])


def _delta(event: Any) -> str:
    return str(event["choices"][0]["delta"].get("content") or "") if event["choices"] else ""


def _unpack(encoded: str) -> array[float]:
    return array("f", base64.b64decode(encoded))


class Urllib3(_Wire):
    """urllib3 and json.loads, and nothing else."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        import urllib3
        from urllib3.util import create_urllib3_context

        super().__init__(addresses)
        self.pool = urllib3.PoolManager(maxsize=CONNECTIONS, block=True)
        context = create_urllib3_context()
        if addresses["authority"]:
            context.load_verify_locations(addresses["authority"])
        self.secure = urllib3.PoolManager(maxsize=CONNECTIONS, block=True, ssl_context=context)

    def _post(self, url: str, body: Any) -> Any:
        return json.loads(self.pool.request("POST", url, body=json.dumps(body).encode(), headers=HEADERS).data)

    def chat(self) -> str:
        """One POST."""
        return _text(self._post(self.addresses["chat"] + "/chat/completions", self.chat_body))

    def tls(self) -> str:
        """One POST over a new TLS connection, all connections with one SSL context."""
        url = self.addresses["tls"] + "/chat/completions"
        return _text(json.loads(self.secure.request("POST", url, body=json.dumps(self.chat_body).encode(), headers=HEADERS).data))

    def stream(self) -> str:
        """Split the body at blank lines."""
        return self._read("stream")

    def chunked(self) -> str:
        """The same where each event is an HTTP chunk."""
        return self._read("chunked")

    def _read(self, which: str) -> str:
        url = self.addresses[which] + "/chat/completions"
        response = self.pool.request("POST", url, body=json.dumps(self.stream_body).encode(), headers=HEADERS, preload_content=False)
        texts: list[str] = []
        rest = b""
        for piece in response.stream(65_536):
            *events, rest = (rest + piece).split(b"\n\n")
            texts += [_delta(json.loads(event[6:])) for event in events if event[6:] != b"[DONE]"]
        response.release_conn()
        return "".join(texts)

    def embed(self) -> list[list[float]]:
        """One POST, floats."""
        return [row["embedding"] for row in self._post(self.addresses["embed"] + "/embeddings", self.embed_body)["data"]]

    def base64(self) -> list[array[float]]:
        """One POST, base64."""
        return [_unpack(row["embedding"]) for row in self._post(self.addresses["base64"] + "/embeddings", self.base64_body)["data"]]

    def map(self, count: int) -> list[str]:
        """A pool of 64 threads."""
        with ThreadPoolExecutor(64) as executor:
            return list(executor.map(lambda _: self.chat(), range(count)))


class Requests(_Wire):
    """A requests.Session, used as its documentation does."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        import requests
        from requests.adapters import HTTPAdapter

        super().__init__(addresses)
        self.session = requests.Session()
        self.session.headers.update(HEADERS)
        self.session.mount("http://", HTTPAdapter(pool_maxsize=CONNECTIONS, pool_block=True))

    def _post(self, url: str, body: Any) -> Any:
        return self.session.post(url, json=body).json()

    def chat(self) -> str:
        """One POST."""
        return _text(self._post(self.addresses["chat"] + "/chat/completions", self.chat_body))

    def tls(self) -> str:
        """One POST over a new TLS connection."""
        url = self.addresses["tls"] + "/chat/completions"
        return _text(self.session.post(url, json=self.chat_body, verify=self.addresses["authority"]).json())

    def stream(self) -> str:
        """Read line by line."""
        return self._read("stream")

    def chunked(self) -> str:
        """The same where each event is an HTTP chunk."""
        return self._read("chunked")

    def _read(self, which: str) -> str:
        url = self.addresses[which] + "/chat/completions"
        texts: list[str] = []
        with self.session.post(url, json=self.stream_body, stream=True) as response:
            texts += [_delta(json.loads(line[6:])) for line in response.iter_lines() if line.startswith(b"data: ") and line != b"data: [DONE]"]
        return "".join(texts)

    def embed(self) -> list[list[float]]:
        """One POST, floats."""
        return [row["embedding"] for row in self._post(self.addresses["embed"] + "/embeddings", self.embed_body)["data"]]

    def base64(self) -> list[array[float]]:
        """One POST, base64."""
        return [_unpack(row["embedding"]) for row in self._post(self.addresses["base64"] + "/embeddings", self.base64_body)["data"]]

    def map(self, count: int) -> list[str]:
        """A pool of 64 threads."""
        with ThreadPoolExecutor(64) as executor:
            return list(executor.map(lambda _: self.chat(), range(count)))


class Llmclient:
    """This library, with its defaults."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        import llmclient

        bases = {name: addresses[name] for name in ("chat", "stream", "chunked", "embed", "base64")}
        self.clients = {name: llmclient.Client(providers={"openai": {"api_key": KEY, "api_base": base}}) for name, base in bases.items()}
        others = {name: {"api_key": KEY, "api_base": f"{addresses['native']}/{name}"} for name in ("anthropic", "gemini", "bedrock")}
        self.native = llmclient.Client(providers=others)
        if addresses["tls"]:
            tls = {"openai": {"api_key": KEY, "api_base": addresses["tls"]}}
            self.clients["tls"] = llmclient.Client(providers=tls, verify=addresses["authority"])

    def chat(self) -> str:
        """One call."""
        return self.clients["chat"].chat(f"openai/{MODEL}", MESSAGES, temperature=0).text

    def tls(self) -> str:
        """One call over a new TLS connection."""
        return self.clients["tls"].chat(f"openai/{MODEL}", MESSAGES, temperature=0).text

    def stream(self) -> str:
        """Typed chunks, and the assembled response."""
        return self._read("stream")

    def chunked(self) -> str:
        """The same where each event is an HTTP chunk."""
        return self._read("chunked")

    def anthropic(self) -> str:
        """The same from Anthropic."""
        return self._read_native(f"anthropic/{native.ANTHROPIC_MODEL}")

    def gemini(self) -> str:
        """The same from Gemini."""
        return self._read_native(f"gemini/{native.GEMINI_MODEL}")

    def bedrock(self) -> str:
        """The same from Bedrock."""
        return self._read_native(f"bedrock/{native.BEDROCK_MODEL}")

    def _read_native(self, model: str) -> str:
        with self.native.stream(model, MESSAGES, temperature=0) as stream:
            return "".join([chunk.text for chunk in stream])

    def _read(self, which: str) -> str:
        with self.clients[which].stream(f"openai/{MODEL}", MESSAGES, temperature=0) as stream:
            return "".join([chunk.text for chunk in stream])

    def embed(self) -> Sequence[Sequence[float]]:
        """Floats on the wire."""
        return self.clients["embed"].embed(f"openai/{EMBEDDING_MODEL}", TEXTS).vectors

    def base64(self) -> Sequence[Sequence[float]]:
        """Base64 on the wire."""
        return self.clients["base64"].embed(f"openai/{EMBEDDING_MODEL}", TEXTS).vectors

    def map(self, count: int) -> list[str]:
        """The library's own fan-out."""
        items = self.clients["chat"].map(f"openai/{MODEL}", [MESSAGES] * count, workers=64, temperature=0)
        return [item.response.text if item.response is not None else repr(item.error) for item in items]


class OpenAI:
    """OpenAI's SDK."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        import openai

        self.clients = {name: openai.OpenAI(api_key=KEY, base_url=addresses[name]) for name in ("chat", "stream", "chunked", "embed", "base64")}

    def chat(self) -> str:
        """One call."""
        return str(self.clients["chat"].chat.completions.create(model=MODEL, messages=MESSAGES, temperature=0).choices[0].message.content)

    def stream(self) -> str:
        """Typed chunks."""
        return self._read("stream")

    def chunked(self) -> str:
        """The same where each event is an HTTP chunk."""
        return self._read("chunked")

    def _read(self, which: str) -> str:
        create = self.clients[which].chat.completions.create
        return _join(create(model=MODEL, messages=MESSAGES, temperature=0, stream=True, stream_options={"include_usage": True}))

    def embed(self) -> list[list[float]]:
        """Floats on the wire."""
        answer = self.clients["embed"].embeddings.create(model=EMBEDDING_MODEL, input=TEXTS, encoding_format="float")
        return [row.embedding for row in answer.data]

    def base64(self) -> list[list[float]]:
        """Base64 on the wire, which is its default."""
        return [row.embedding for row in self.clients["base64"].embeddings.create(model=EMBEDDING_MODEL, input=TEXTS).data]


class AnyLLM:
    """Mozilla's any-llm, by the class that keeps its connections (its functions make a client for every call)."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        import any_llm

        self.library = any_llm
        self.addresses = addresses
        self.clients = {name: any_llm.AnyLLM.create("openai", api_key=KEY, api_base=addresses[name]) for name in ("chat", "stream", "chunked")}

    def chat(self) -> str:
        """One call."""
        return str(self.clients["chat"].completion(model=MODEL, messages=MESSAGES, temperature=0).choices[0].message.content)

    def stream(self) -> str:
        """Typed chunks."""
        return self._read("stream")

    def chunked(self) -> str:
        """The same where each event is an HTTP chunk."""
        return self._read("chunked")

    def _read(self, which: str) -> str:
        usage = {"include_usage": True}
        return _join(self.clients[which].completion(model=MODEL, messages=MESSAGES, temperature=0, stream=True, stream_options=usage))

    def embed(self) -> list[list[float]]:
        """Floats on the wire; only its functions embed without asyncio."""
        options: dict[str, Any] = {"provider": "openai", "api_key": KEY, "api_base": self.addresses["embed"], "encoding_format": "float"}
        return [row.embedding for row in self.library.embedding(EMBEDDING_MODEL, TEXTS, **options).data]


class LiteLLM:
    """litellm, by its functions, as its documentation does."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        import litellm

        self.library = litellm
        self.addresses = addresses

    def _options(self, which: str) -> dict[str, Any]:
        return {"api_key": KEY, "api_base": self.addresses[which]}

    def chat(self) -> str:
        """One call."""
        answer = self.library.completion(f"openai/{MODEL}", messages=MESSAGES, temperature=0, **self._options("chat"))
        return str(answer.choices[0].message.content)

    def stream(self) -> str:
        """Typed chunks."""
        return self._read("stream")

    def chunked(self) -> str:
        """The same where each event is an HTTP chunk."""
        return self._read("chunked")

    def _read(self, which: str) -> str:
        usage = {"include_usage": True}
        return _join(self.library.completion(f"openai/{MODEL}", messages=MESSAGES, temperature=0, stream=True, stream_options=usage, **self._options(which)))

    def embed(self) -> list[list[float]]:
        """Floats on the wire."""
        answer = self.library.embedding(f"openai/{EMBEDDING_MODEL}", input=TEXTS, encoding_format="float", **self._options("embed"))
        return [row["embedding"] for row in answer.data]


def _join(chunks: Iterable[Any]) -> str:
    return "".join([chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices])


LOCAL: Final = {"urllib3": Urllib3, "requests": Requests, "llmclient": Llmclient}
PEERS: Final = {"openai": OpenAI, "any-llm": AnyLLM, "litellm": LiteLLM}


def verify(contestant: object, bench: str) -> None:
    """Raise ValueError when a contestant does not read what the server says: speed of wrong answers is of no interest."""
    if bench in ("embed", "base64"):
        vectors = getattr(contestant, bench)()
        right = [len(vector) for vector in vectors] == [DIMENSIONS] * len(TEXTS)
    elif bench in ("stream", "chunked"):
        right = getattr(contestant, bench)() == "".join(words())
    elif bench in ("anthropic", "gemini", "bedrock"):
        # Who frames an answer with more events has fewer words in 2,003 of them.
        text = getattr(contestant, bench)()
        right = "".join(words()).startswith(text) and text.count(" ") >= WORDS - 5
    elif bench == "map":
        right = getattr(contestant, bench)(2) == [ANSWER] * 2
    else:
        right = getattr(contestant, "tls" if bench == "tls" else "chat")() == ANSWER
    if not right:
        raise ValueError(f"{type(contestant).__name__} read a wrong answer in {bench}")
