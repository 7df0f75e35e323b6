"""Forms with files, as transcriptions and picture edits send them."""

from __future__ import annotations

import email.message
from typing import NamedTuple

from llmclient.simulator.exchange import Failure, Request


class Part(NamedTuple):
    """One field of a form."""

    name: str
    filename: str | None
    """None for a field that is no file."""
    content_type: str
    data: bytes

    @property
    def text(self) -> str:
        """The field's value as text."""
        return self.data.decode("utf-8", "replace")


def parts_of(request: Request) -> list[Part]:
    """Return the fields of a form, in order; raises Failure when the body is none."""
    form = email.message.Message()
    form["content-type"] = request.headers.get("content-type", "")
    boundary = form.get_param("boundary")
    if form.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise Failure(400, "The body of your request must be multipart/form-data.", type="invalid_request_error")
    pieces = (b"\r\n" + request.body).split(b"\r\n--" + boundary.encode("latin-1"))
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise Failure(400, "The form in the body of your request has no end.", type="invalid_request_error")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, _, data = piece.partition(b"\r\n\r\n")
    fields = email.message.Message()
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        fields[name.strip() or "x"] = value.strip()
    field = fields.get_param("name", header="content-disposition")
    if not isinstance(field, str):
        raise Failure(400, "A part of the form has no name.", type="invalid_request_error")
    return Part(field, fields.get_filename(), fields.get_content_type(), data)
