"""A streamed answer: chunks out, and the whole answer at its end.

A stream ends in exactly three ways: complete, with a typed error, or with StreamTruncatedError. Until the first chunk is
handed over a failed attempt is made again, as for a plain call; after it, never.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from operator import length_hint
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from llmclient.errors import Attempt, CancelledError, NetworkError, ProviderError, StreamTruncatedError
from llmclient.types.answer import Meta, Warning, attach
from llmclient.types.chat import ChatChunk, ChatResponse

if TYPE_CHECKING:
    from llmclient.deadline import Call
    from llmclient.dialects.base import ChatDecoder
    from llmclient.retry import Tries
    from llmclient.transport import Exchange

Opener = Callable[[], "tuple[Exchange, ChatDecoder]"]
"""Makes one connected attempt, with retries; raises when none is left."""
Claim = Callable[[ProviderError], ProviderError]
"""Fills in the provider's facts of an error that a decoder made."""


class Reader:
    """The part of a stream that does not know its caller: reads, decodes, and notices the end."""

    def __init__(self, opener: Opener, tries: Tries, call: Call, claim: Claim, describe: Callable[[Mapping[str, str]], Meta]) -> None:
        self._opener = opener
        self._tries = tries
        self._call = call
        self._claim = claim
        self._describe = describe
        self._pid = os.getpid()
        self._begun = False
        self._seen = 0
        self.pending: Iterator[ChatChunk] = iter(())
        self.failure: ProviderError | None = None
        self.ended = False
        self.exchange, self.decoder = opener()

    def batch(self) -> bool:
        """Put the next chunks into `pending`; returns False at the end of the stream, raises its failure."""
        while True:
            if self.ended:
                return False
            if self.failure is not None:
                raise copy.copy(self.failure)
            try:
                chunks = self._step()
            except ProviderError as error:
                failure = error
            else:
                if chunks:
                    self._begun = True
                    self.pending = iter(chunks)
                    return True
                continue
            self._fail(failure)

    def _step(self) -> list[ChatChunk]:
        decoder = self.decoder
        if decoder.error is not None:
            # Where it was made, frames hold the body, which may repeat the key.
            raise decoder.error.with_traceback(None)
        if decoder.done:
            self._finish()
            return []
        if decoder.events != self._seen:
            # The caller is back for more, so the time between events runs from now.
            self._seen = decoder.events
            self._call.expect_event()
        self._check_process()
        data = self.exchange.read_some()
        if data:
            return decoder.feed(data)
        chunks = decoder.finish()
        if decoder.error is None:
            self._finish()
        return chunks

    def _finish(self) -> None:
        if not self.ended:
            self.exchange.finish()
            self.ended = True

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            raise CancelledError("", "a stream that was opened before a fork can only be read in the process that opened it")

    def _fail(self, error: ProviderError) -> None:
        """Open the stream once more if nothing was handed over and the error allows it; otherwise raise it for good."""
        self.exchange.close()
        if not self._begun and not isinstance(error, StreamTruncatedError):
            self._reopen(error)
            return
        if self._begun and isinstance(error, NetworkError):
            error = StreamTruncatedError("", f"the connection was lost before the answer's end: {error.message}", cause=error.cause)
        self._settle(error)
        raise copy.copy(error)

    def _reopen(self, error: ProviderError) -> None:
        try:
            self._tries.fail(self._claim(error), after_success=True)
            self._seen = 0
            self.exchange, self.decoder = self._opener()
        except ProviderError as final:
            failure = final
        else:
            return
        self._settle(failure)
        raise copy.copy(failure)

    def _settle(self, error: ProviderError) -> None:
        self._claim(error).with_facts(attempts=self._tries.attempts)
        if isinstance(error, StreamTruncatedError):
            error.partial = self._assemble()
        # Kept without a traceback, and raised as a copy: its frames hold this reader, and those of the caller whatever he has.
        self.failure = error.with_traceback(None)

    def _assemble(self) -> ChatResponse:
        response = self.decoder.response()
        attach(response, self.meta())
        return response

    def meta(self) -> Meta:
        """Return how this answer came about, as far as it is known."""
        return self._describe(self.exchange.headers)

    def result(self) -> ChatResponse:
        """Return the complete answer; raises the stream's failure, or StreamTruncatedError while it is incomplete."""
        if self.failure is not None:
            raise copy.copy(self.failure)
        if self.decoder.done and self.decoder.error is None and not length_hint(self.pending):
            # Everything was handed over, though the caller did not ask for one more.
            self._finish()
        if not self.ended:
            error = StreamTruncatedError("", "the stream was not read to its end")
            self._claim(error).with_facts(attempts=self._tries.attempts)
            error.partial = self._assemble()
            raise error
        try:
            return self._assemble()
        except ProviderError as odd:
            failure = self._claim(odd).with_facts(attempts=self._tries.attempts)
        self.failure = failure.with_traceback(None)
        raise copy.copy(failure)

    def close(self) -> None:
        """Drop the connection; a reader that waits raises CancelledError."""
        if self.ended or self._pid != os.getpid():
            return
        self._call.cancel()
        self.exchange.close()


class ChatStream:
    """The chunks of one answer, to be read by one thread; `close` may be called from any.

    Iterate, with or without `with`. `response` is the answer that `chat` would have returned. Leaving early is no error;
    `response` then raises StreamTruncatedError, whose `partial` holds what had come.
    """

    def __init__(self, reader: Reader, call: Call) -> None:
        self._reader = reader
        self._call = call
        self._response: ChatResponse | None = None

    def __iter__(self) -> Iterator[ChatChunk]:
        reader = self._reader
        yield from reader.pending
        while reader.batch():
            yield from reader.pending

    def __next__(self) -> ChatChunk:
        reader = self._reader
        for chunk in reader.pending:
            return chunk
        if not reader.batch():
            raise StopIteration
        return next(reader.pending)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        # An abandoned stream gives its connection back at once, not when the pool is empty.
        if reader := getattr(self, "_reader", None):
            reader.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a stream is bound to its connection and cannot be pickled; pickle its response")

    @property
    def response(self) -> ChatResponse:
        """The whole answer.

        Raises the stream's error if it failed, and StreamTruncatedError while it has not been read to its end.
        """
        if self._response is None:
            self._response = self._reader.result()
        return self._response

    def read(self) -> ChatResponse:
        """Read to the end and return the whole answer."""
        while self._reader.batch():
            self._reader.pending = iter(())
        return self.response

    def close(self) -> None:
        """Stop, from any thread; a reader that waits raises CancelledError. Calling it twice, or at the end, does nothing."""
        self._reader.close()

    @property
    def provider(self) -> str:
        """The name of the provider that answers."""
        return self._call.provider

    @property
    def headers(self) -> Mapping[str, str]:
        """The response headers."""
        return self._reader.exchange.headers

    @property
    def request_id(self) -> str | None:
        """The provider's id of this request."""
        return self._reader.meta().request_id

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every try so far."""
        return self._reader.meta().attempts

    @property
    def warnings(self) -> tuple[Warning, ...]:
        """What was dropped, renamed or clamped in the request."""
        return self._reader.meta().warnings
