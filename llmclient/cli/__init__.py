"""The `llmclient` command. It needs the extra `[cli]`, click and rich, which the library does without."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from typing import NoReturn

_NEEDED = ("click", "rich")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, and exit with its code."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(f'llmclient: the command line needs {" and ".join(missing)}; run pip install "llmclient[cli]"\n')
        sys.exit(2)
    from llmclient.cli.root import root  # here, since it needs what may be missing

    sys.exit(root.main(args=arguments, prog_name="llmclient"))
