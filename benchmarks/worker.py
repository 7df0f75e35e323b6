"""A contestant behind a pipe: one command a line in, one answer a line out. Runs in a peer's environment, on the standard library."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from benchmarks import measure
from benchmarks.contestants import LOCAL, PEERS, verify


def answer(contestant: object, question: dict[str, Any]) -> Any:
    """Do what a line asks: list the methods, verify one, or measure one."""
    if "verify" in question:
        return verify(contestant, question["verify"])
    if "method" in question:
        return getattr(measure, question["clock"])(getattr(contestant, question["method"]), question["count"])
    return [name for name in dir(contestant) if not name.startswith("_")]


def main(name: str, addresses: dict[str, Any]) -> None:
    """Answer until the input ends."""
    # What a library prints must not end up between the answers.
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    contestant = (LOCAL | PEERS)[name](addresses)
    for line in sys.stdin:
        try:
            reply = {"result": answer(contestant, json.loads(line))}
        except Exception as error:  # noqa: BLE001  the parent raises it
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=pipe, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
