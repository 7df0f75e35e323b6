"""Talk to the servers of other projects, one after the other, and write docs/interop.md. Started by `make real-all`.

run_all.py [NAME …] runs only the servers whose titles begin so, and writes no page. Ends with status 1 when an answer is not as
expected of the server, or a server did not run at all.
"""

from __future__ import annotations

import subprocess
import sys

from tests.real import report
from tests.real.asks import Front, ask
from tests.real.fronts import SERVERS, Server
from tests.real.servers import UnavailableError


def talk(server: Server) -> report.Section:
    """Ask one server everything; a server that does not run is a section that says why."""
    print(server.title, flush=True)
    try:
        if server.environment is not None:
            server.environment.install()
        version = server.version()
        with server.fronts() as fronts:
            return report.Section(server.title, server.link, version, tuple(_ask(front) for front in fronts))
    except (UnavailableError, OSError, subprocess.CalledProcessError) as error:
        print(f"  {error}", flush=True)
        return report.Section(server.title, server.link, "", (), str(error))


def _ask(front: Front) -> report.Table:
    print(f"  {front.dialect}", flush=True)
    outcomes = []
    for name in front.asks:
        outcome = ask(front, name)
        print(f"    {outcome.result:<7}{outcome.ask:<20} {outcome.words[:200]}", flush=True)
        outcomes.append(outcome)
    return report.Table(front, tuple(outcomes))


def main(names: list[str]) -> int:
    """Run the round; returns the exit status."""
    chosen = [server for server in SERVERS if not names or server.title.lower().startswith(tuple(name.lower() for name in names))]
    sections = [talk(server) for server in chosen]
    if not names:
        report.write(sections)
    wrong = [f"{section.title}, {words}" for section in sections for words in section.wrong()]
    print("\n".join(wrong) or "every server answered as expected of it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
