"""The command: what it writes, what `--check` sees, and how long it takes."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

from codegen.__main__ import Places, main

ROOT = pathlib.Path(__file__).parents[2]
FILE = """
schema = 1
name = "{name}"
title = "Some provider"
docs = "https://{name}.test"
checked = "2026-11-22"
status = "listed"
base_url = "https://api.{name}.test/v1"

[chat]
dialect = "openai"
"""


@pytest.fixture
def two(places):
    """Return places with two files of which the adapters were written."""
    for name in ("acme", "bolt"):
        (places.providers / f"{name}.toml").write_text(FILE.format(name=name), encoding="utf-8")
    assert main([], places) == 0
    return places


def texts(places):
    """Return the adapters by file name."""
    return {path.name: path.read_text(encoding="utf-8") for path in places.adapters.iterdir()}


def test_adapters_are_written(places, capsys):
    """Each file becomes a module, beside the package and the index."""
    for name in ("acme", "bolt"):
        (places.providers / f"{name}.toml").write_text(FILE.format(name=name), encoding="utf-8")
    assert main([], places) == 0
    assert sorted(texts(places)) == ["__init__.py", "_index.py", "acme.py", "bolt.py"]
    assert capsys.readouterr().out == "wrote adapters/__init__.py\nwrote adapters/_index.py\nwrote adapters/acme.py\nwrote adapters/bolt.py\n"


def test_generating_again_changes_nothing(two, capsys):
    """Files that are right are not even touched."""
    os.utime(two.adapters / "acme.py", (1, 1))
    before = texts(two)
    capsys.readouterr()
    assert main([], two) == 0
    assert texts(two) == before
    assert (two.adapters / "acme.py").stat().st_mtime == 1
    assert capsys.readouterr().out == "4 files were up to date\n"


def test_check_is_content_with_what_is_right(two, capsys):
    """Nothing to do, and nothing written."""
    capsys.readouterr()
    assert main(["--check"], two) == 0
    assert capsys.readouterr().out == "4 files are up to date\n"


def test_check_sees_everything_that_is_wrong(two, capsys):
    """A hand edit, a missing file and an orphan are named, and nothing is changed."""
    (two.adapters / "acme.py").write_text("# mine now\n", encoding="utf-8")
    (two.adapters / "bolt.py").unlink()
    (two.adapters / "orphan.py").write_text("", encoding="utf-8")
    before = texts(two)
    capsys.readouterr()
    assert main(["--check"], two) == 1
    assert capsys.readouterr().out.splitlines() == [
        "adapters/acme.py: differs from what its TOML file and the template say; change those, and run python -m codegen",
        "adapters/bolt.py: is missing; run python -m codegen",
        "adapters/orphan.py: is made by nothing; remove it, or add its TOML file to codegen/providers",
    ]
    assert texts(two) == before


def test_generating_puts_right_what_check_has_seen(two, capsys):
    """The hand edit is overwritten, the missing file written and the orphan removed."""
    right = texts(two)
    (two.adapters / "acme.py").write_text("# mine now\n", encoding="utf-8")
    (two.adapters / "bolt.py").unlink()
    (two.adapters / "orphan.py").write_text("", encoding="utf-8")
    capsys.readouterr()
    assert main([], two) == 0
    assert texts(two) == right
    assert capsys.readouterr().out == "wrote adapters/acme.py\nwrote adapters/bolt.py\nremoved adapters/orphan.py\n"


@pytest.mark.parametrize("change", [b"\n", b"\r\n"], ids=["a blank line", "another line end"])
def test_check_compares_bytes(two, change):
    """Even a line end is a difference."""
    path = two.adapters / "acme.py"
    path.write_bytes(path.read_bytes() + change)
    assert main(["--check"], two) == 1


def test_a_changed_file_makes_its_adapter_stale(two, capsys):
    """The TOML file is the source: after a change there the adapter and nothing else is stale."""
    path = two.providers / "acme.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("Some provider", "Another title"), encoding="utf-8")
    capsys.readouterr()
    assert main(["--check"], two) == 1
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == ["adapters/acme.py"]


def test_a_name_limits_what_is_written(two, capsys):
    """Only the named adapters and the index are looked at; orphans are not."""
    for name in ("acme.py", "bolt.py", "orphan.py"):
        (two.adapters / name).write_text("# mine now\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["acme"], two) == 0
    assert capsys.readouterr().out == "wrote adapters/acme.py\n"
    assert texts(two)["bolt.py"] == texts(two)["orphan.py"] == "# mine now\n"
    assert main(["--check", "acme"], two) == 0
    assert main(["--check"], two) == 1


def test_an_unknown_name_is_an_error(two, capsys):
    """The nearest name is suggested, and nothing is written."""
    assert main(["acm", "zz"], two) == 1
    assert capsys.readouterr().err == "unknown provider 'acm'; did you mean 'acme'?\nunknown provider 'zz'; known are acme, bolt\n"


def test_bad_files_stop_everything(two, capsys):
    """One bad file, and nothing is written or removed."""
    before = texts(two)
    (two.providers / "acme.toml").write_text("schema = 2", encoding="utf-8")
    (two.providers / "bolt.toml").unlink()
    assert main([], two) == 1
    assert "acme.toml: name: missing" in capsys.readouterr().err.splitlines()
    assert texts(two) == before


def test_a_folder_is_made(two):
    """The adapters' folder need not exist."""
    shutil.rmtree(two.adapters)
    assert main([], two) == 0
    assert len(texts(two)) == 4


def test_the_project_is_up_to_date():
    """Adapters, TOML files and templates of the project were committed together: `python -m codegen --check` says so."""
    done = subprocess.run([sys.executable, "-m", "codegen", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_generating_everything_takes_under_ten_seconds(tmp_path):
    """All adapters, from nothing; of the processor's time, since other tests run beside this one."""
    started = time.process_time()
    assert main([], Places(adapters=tmp_path)) == 0
    assert time.process_time() - started < 10
