"""Fuzz by coverage: `make fuzz`, or `python -m tests.fuzz.run [--seconds N] [TARGET...]`, in an environment that has atheris.

Each target gets a process of its own and its share of the time. What breaks the rules of `targets.py` is kept in `.fuzz/TARGET/crash-*`
and makes the exit code 1; run with one such file as --input to see it again.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent.parent
FOLDER = ROOT / ".fuzz"
LONGEST = 4096


def main() -> int:
    """Return how many targets broke the rules, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=["*"], help="names, with * and ? (default: all)")
    parser.add_argument("--seconds", type=int, default=300, help="in total (default: 300)")
    parser.add_argument("--input", type=pathlib.Path, help="a file that a target is given, and nothing else")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        fuzz(options.targets[0], options.seconds)
        return 0
    from tests.fuzz.targets import TARGETS, strike

    chosen = [name for name in TARGETS if any(fnmatch.fnmatch(name, pattern) for pattern in options.targets)]
    if not chosen:
        parser.error(f"no such target; there are {', '.join(TARGETS)}")
    if options.input is not None:
        for name in chosen:
            strike(name, options.input.read_bytes())
        return 0
    plant()
    share = max(1, options.seconds // len(chosen))
    broken = [name for name in chosen if not run(name, share)]
    print(f"\n{len(chosen)} targets, {share} s each: " + (f"broken: {', '.join(broken)}" if broken else "none broke the rules"))
    return int(bool(broken))


def plant() -> None:
    """Write the seeds to their folder."""
    from tests.fuzz.seeds import seeds

    folder = FOLDER / "seeds"
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds():
        if len(seed) <= LONGEST:
            (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


def run(name: str, seconds: int) -> bool:
    """Fuzz one target in a process of its own, and return whether it kept the rules."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", "--alone", "--seconds", str(seconds), name], cwd=ROOT, check=False, capture_output=True, text=True
    )
    last = [line for line in done.stderr.splitlines() if " DONE " in line or " cov: " in line][-1:]
    print(f"{'ok' if done.returncode == 0 else 'BROKEN':7}{name:28}{last[0] if last else ''}", flush=True)
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("#")]
        print("\n".join(said[-40:]), flush=True)
    return done.returncode == 0


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one target in this process, which ends with it."""
    import atheris  # type: ignore[import-not-found]  # installed in .venv-fuzz alone

    with atheris.instrument_imports(include=["llmclient"]):
        from tests.fuzz import targets

    own = FOLDER / name
    own.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=10", "-rss_limit_mb=2048", f"-artifact_prefix={own}/", "-print_final_stats=0"]
    atheris.Setup([sys.argv[0], *options, str(own), str(FOLDER / "seeds")], lambda raw: targets.strike(name, raw))
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
