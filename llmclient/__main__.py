"""`python -m llmclient` is the command line."""

from __future__ import annotations

from llmclient.cli import main

if __name__ == "__main__":
    main()
