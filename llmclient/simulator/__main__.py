"""`python -m llmclient.simulator`: run the simulator in the foreground."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from llmclient.simulator import serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, serve until Ctrl-C, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        serve(
            host=options.host,
            port=options.port,
            pace=options.pace,
            seed=options.seed,
            api_key=options.api_key,
            clock=time.time if options.clock else None,
            log=_say if options.verbose else None,
            ready=lambda url: _say(f"The simulator listens on {url}; OpenAI's base is {url}/v1. Ctrl-C ends it."),
        )
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        sys.stderr.write(f"The simulator cannot listen on {options.host}:{options.port}: {error.strerror or error}; choose another --port.\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m llmclient.simulator", description="A server that speaks LLM providers' dialects, for tests and trials.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8321, help="port to listen on; 0 takes a free one (default: 8321)")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between the events of a stream (default: 0)")
    parser.add_argument("--seed", type=int, default=0, help="another number gives other ids and words (default: 0)")
    parser.add_argument("--api-key", help="the only key to accept (default: any, or none)")
    parser.add_argument("--clock", action="store_true", help="put the real time into answers")
    parser.add_argument("--verbose", "-v", action="store_true", help="show each request")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
