"""Embeddings, pictures and sounds."""

import array
import io
import math
import struct
import wave
import zlib

import pytest

from llmclient.simulator import media, vectors


def cosine(a, b):
    """Return how near two texts are."""
    return sum(x * y for x, y in zip(vectors.embed(a, 256), vectors.embed(b, 256), strict=True))


@pytest.mark.parametrize("text", ["", "word", "some words more", "!?", "žluťoučký"])
@pytest.mark.parametrize("dimensions", [1, 64, 1536])
def test_a_vector_has_unit_length(text, dimensions):
    """Also that of a text without words."""
    vector = vectors.embed(text, dimensions)
    assert len(vector) == dimensions
    assert math.isclose(sum(value * value for value in vector), 1, abs_tol=1e-5)


def test_equal_texts_have_equal_vectors():
    """Others have others, also those of the same words; another seed gives others."""
    assert vectors.embed("a b") == vectors.embed("a b")
    assert len({vectors.embed(text, 64, seed).tobytes() for text in ("a b", "b a", "A b", "") for seed in (0, 1)}) == 8


def test_texts_that_share_words_are_near():
    """The more, the nearer."""
    assert cosine("the cat sat", "the cat ran") > cosine("the cat sat", "the dog ran") > cosine("the cat sat", "my house burns") + 0.1


def test_packed_floats_are_little_endian(monkeypatch):
    """On every machine."""
    vector = array.array("f", [1.0, -2.5])
    assert vectors.packed(vector) == struct.pack("<2f", 1.0, -2.5)
    monkeypatch.setattr("sys.byteorder", "big")
    assert vectors.packed(vector) == struct.pack(">2f", 1.0, -2.5)


def test_a_vector_whose_parts_cancel_out_still_has_a_direction(monkeypatch):
    """Rather than being divided by zero."""
    monkeypatch.setattr(vectors, "_places", lambda word, seed: ())
    assert vectors.embed("x", 3).tolist() == [1.0, 0.0, 0.0]


def test_a_picture_is_a_png_of_one_colour():
    """Each chunk's checksum holds, and the colour depends on the prompt."""
    picture = media.png("a red circle")
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    position, kinds, rows = 8, [], b""
    while position < len(picture):
        length, kind = struct.unpack(">I4s", picture[position : position + 8])
        data = picture[position + 8 : position + 8 + length]
        assert struct.unpack(">I", picture[position + 8 + length : position + 12 + length])[0] == zlib.crc32(kind + data)
        kinds.append(kind)
        rows += zlib.decompress(data) if kind == b"IDAT" else b""
        position += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    assert rows == (b"\0" + rows[1:4] * 16) * 16
    assert picture != media.png("a blue circle")


@pytest.mark.parametrize(("text", "frames"), [("", 240), ("x" * 50, 12_000), ("x" * 1_000, 24_000)])
def test_a_tone_is_as_long_as_its_text(text, frames):
    """Up to a second, in a file that the standard library reads."""
    with wave.open(io.BytesIO(media.wav(media.tone(text)))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()) == (1, 2, media.RATE, frames)
        assert len(set(file.readframes(frames))) > 10
