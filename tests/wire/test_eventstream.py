"""The decoder of Amazon's binary event stream, on frames made by hand and on recorded ones."""

import base64
import datetime
import json
import struct
import uuid
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmclient.errors import ResponseParsingError
from llmclient.wire.eventstream import EventStreamDecoder, Message


def frame(headers=b"", payload=b"", **wrong):
    """Return one message; `total`, `length`, `prelude_crc` and `crc` replace what would be right."""
    prelude = struct.pack(">II", wrong.get("total", 16 + len(headers) + len(payload)), wrong.get("length", len(headers)))
    body = prelude + struct.pack(">I", wrong.get("prelude_crc", zlib.crc32(prelude))) + headers + payload
    return body + struct.pack(">I", wrong.get("crc", zlib.crc32(body)))


def header(name, kind, value):
    """Return one header with the bytes of its value."""
    return bytes([len(name)]) + name.encode() + bytes([kind]) + value


def text(name, value):
    """Return one header whose value is a string."""
    return header(name, 7, struct.pack(">H", len(value.encode())) + value.encode())


IDENTITY = uuid.UUID("12345678-1234-5678-1234-567812345678")
VALUES = {
    "true": (0, b"", True),
    "false": (1, b"", False),
    "byte": (2, b"\xff", -1),
    "short": (3, b"\x80\x00", -32_768),
    "int": (4, b"\x7f\xff\xff\xff", 2_147_483_647),
    "long": (5, b"\xff" * 8, -1),
    "bytes": (6, b"\x00\x02\x00\xff", b"\x00\xff"),
    "string": (7, b"\x00\x03\xe2\x82\xac", "€"),
    "timestamp": (8, struct.pack(">q", 1_700_000_000_123), datetime.datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=datetime.UTC)),
    "uuid": (9, IDENTITY.bytes, IDENTITY),
}


@pytest.mark.parametrize(("kind", "encoded", "expected"), VALUES.values(), ids=VALUES)
def test_reads_each_type_of_header(kind, encoded, expected):
    """The value has its type, and the header after it is found."""
    message = EventStreamDecoder().feed(frame(header("x", kind, encoded) + text("next", "y"), b"p"))
    assert [Message({"x": expected, "next": "y"}, b"p")] == message
    assert type(message[0].headers["x"]) is type(expected)


def test_a_message_may_have_neither_headers_nor_payload():
    """The smallest message is sixteen bytes long."""
    assert [Message({}, b"")] == EventStreamDecoder().feed(frame())


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=6), st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_any_split_gives_the_same_messages(payloads, sizes):
    """Messages are delivered by the bytes that end them, wherever reads are cut."""
    body = b"".join(frame(text(":event-type", str(index)), payload) for index, payload in enumerate(payloads))
    decoder, messages, start, turn = EventStreamDecoder(), [], 0, 0
    while start < len(body):
        size = sizes[turn % len(sizes)]
        messages += decoder.feed(body[start : start + size])
        start, turn = start + size, turn + 1
    assert [Message({":event-type": str(index)}, payload) for index, payload in enumerate(payloads)] == messages
    assert not decoder.finish()


def test_pending_tells_of_a_message_without_its_end():
    """A body that is cut in a message leaves bytes over."""
    decoder = EventStreamDecoder()
    assert not decoder.pending
    assert [Message({}, b"a")] == decoder.feed(frame(payload=b"a") + frame(payload=b"b")[:-1])
    assert decoder.pending
    assert decoder.finish()


WRONG = {
    "prelude checksum": (frame(prelude_crc=1), "prelude has the wrong checksum"),
    "message checksum": (frame(payload=b"a", crc=1), "message has the wrong checksum"),
    "shorter than the overhead": (frame(total=15), "cannot hold"),
    "headers longer than the message": (frame(b"", b"abc", length=4), "cannot hold"),
    "too long": (frame(total=(16 << 20) + 1), "longer than"),
    "unknown type of header": (frame(header("x", 10, b"")), "malformed"),
    "header cut in its value": (frame(header("x", 7, b"\x00\x05a")), "longer than its message"),
    "header cut in its name": (frame(b"\x05a"), "longer than its message"),
    "header without a type": (frame(b"\x01a"), "longer than its message"),
    "name that is no UTF-8": (frame(b"\x01\xff\x00"), "malformed"),
    "time beyond the calendar": (frame(header("x", 8, b"\x7f" + b"\xff" * 7)), "malformed"),
}


@pytest.mark.parametrize(("body", "message"), WRONG.values(), ids=WRONG)
def test_a_broken_message_raises_and_keeps_raising(body, message):
    """The failure is a ResponseParsingError of the library, also when it is read by single bytes."""
    decoder = EventStreamDecoder()
    with pytest.raises(ResponseParsingError, match=message) as caught:
        [decoder.feed(body[index : index + 1]) for index in range(len(body))]
    assert caught.value.provider == "llmclient"
    with pytest.raises(ResponseParsingError):
        decoder.feed(frame())
    with pytest.raises(ResponseParsingError):
        decoder.finish()


def test_messages_before_a_broken_one_are_handed_over_first():
    """The failure waits for the next call."""
    decoder = EventStreamDecoder()
    assert [Message({}, b"a")] == decoder.feed(frame(payload=b"a") + frame(payload=b"b", crc=1))
    with pytest.raises(ResponseParsingError):
        decoder.finish()


def test_an_impossible_length_is_refused_before_its_bytes_come():
    """Twelve bytes are enough to refuse a message of four gigabytes."""
    with pytest.raises(ResponseParsingError):
        EventStreamDecoder().feed(frame(total=0xFFFFFFFF)[:12])


def recorded(folder):
    """Yield the bodies of recorded event streams."""
    for path in sorted(folder.glob("wire/exchanges/bedrock/*/*.json")):
        response = json.loads(path.read_text())["response"]
        if response["body_kind"] == "eventstream" and response.get("body_base64"):
            yield base64.b64decode(response["body_base64"])


def test_recorded_streams_decode_whole_and_by_odd_pieces(shared_folder):
    """Real Bedrock streams give typed messages with JSON payloads, and nothing is left over."""
    count = 0
    for body in recorded(shared_folder):
        whole, pieces = EventStreamDecoder(), EventStreamDecoder()
        messages = whole.feed(body)
        assert messages == [message for start in range(0, len(body), 333) for message in pieces.feed(body[start : start + 333])]
        assert not whole.finish()
        assert all(":message-type" in message.headers and isinstance(json.loads(message.payload), dict) for message in messages)
        count += len(messages)
    assert count > 100
