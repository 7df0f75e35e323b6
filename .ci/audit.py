"""Look for known vulnerabilities in what `pip install llmclient` installs: pip-audit, on PyPI's own list of them.

Exit code 1 for one that is found, and for every failure but one: where the list cannot be had, that is said, and nothing was audited.
"""

from __future__ import annotations

import importlib.metadata
import json
import pathlib
import re
import subprocess
import sys
import tempfile

_UNREACHABLE = re.compile(
    r"(?:^|[.:\s])(?:ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|NameResolutionError|MaxRetryError|Connection(?:Refused|Reset)Error"
    r"|ServiceError)\b|Could not connect"
)
"""What the last line of a failure says where the list cannot be had: no way there, or one that a proxy's certificate closes."""


def installed(name: str, found: dict[str, str] | None = None) -> dict[str, str]:
    """Return the versions of what a distribution needs without extras, and what that needs in turn."""
    found = {} if found is None else found
    for wanted in importlib.metadata.requires(name) or ():
        requirement, _, marker = wanted.partition(";")
        other = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]
        if "extra" in marker or other in found:
            continue
        try:
            found[other] = importlib.metadata.version(other)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system or Python
        installed(other, found)
    return found


def judge(code: int, out: str, err: str) -> tuple[int, list[str]]:
    """Return the exit code, and what to say, of what pip-audit gave."""
    try:
        dependencies = json.loads(out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (err.strip().splitlines() or [""])[-1]
        if _UNREACHABLE.search(last):
            return 0, ["NOT AUDITED: the list of vulnerabilities cannot be reached from here", last]
        return code or 1, [err.strip() or "pip-audit gave neither an answer nor an error"]
    vulnerable = [f"VULNERABLE: {each['name']} {each['version']}: {hole['id']}, fixed in {', '.join(hole.get('fix_versions') or ['no version'])}"
                  for each in dependencies for hole in each.get("vulns", ())]  # fmt: skip
    skipped = [f"{each['name']}: {each['skip_reason']}" for each in dependencies if "skip_reason" in each]
    if len(skipped) == len(dependencies):
        skipped.insert(0, "NOT AUDITED: the list of vulnerabilities answered for no distribution from here")
    elif not vulnerable:
        skipped.insert(0, f"{len(dependencies) - len(skipped)} distributions audited, no vulnerability known")
    return (1 if vulnerable else code if code > 1 else 0), vulnerable + skipped


def main() -> int:
    """Audit, and say what came of it."""
    pins = [f"{name}=={version}\n" for name, version in sorted(installed("llmclient").items())]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "requirements.txt"
        path.write_text("".join(pins), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off", "--vulnerability-service=pypi", "--timeout=15"]
        done = subprocess.run([*command, "--no-deps", "--disable-pip", f"--requirement={path}"], capture_output=True, text=True, check=False)  # noqa: S603
    code, said = judge(done.returncode, done.stdout, done.stderr)
    print("\n".join(said))  # noqa: T201 - a command prints
    return code


if __name__ == "__main__":
    sys.exit(main())
