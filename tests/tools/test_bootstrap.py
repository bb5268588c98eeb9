"""What a newcomer meets first: `make` alone, and tools/bootstrap looking for a Python."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Never

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASICS = ("bash", "dirname", "env", "rm", "touch")
# A Python as far as the bootstrap asks before it installs anything; "-m venv" ends the story.
YOUNG = """#!/bin/bash
case "$1" in
  --version) echo "Python 3.13.99" ;;
  -c) case "$2" in *executable*) echo "$0" ;; esac ;;
  -m) exit 9 ;;
esac"""
OLD = """#!/bin/bash
exit 1"""

type Bootstrap = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def bootstrap(tmp_path: Path) -> Bootstrap:
    """Runs the bootstrap of a bare clone with nothing on PATH but `pythons` and the basics."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in BASICS:
        found = shutil.which(name)
        assert found is not None, name
        (programs / name).symlink_to(found)
    clone = tmp_path / "clone"
    (clone / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "bootstrap", clone / "tools")

    def run(pythons: dict[Path, str], **environment: str) -> subprocess.CompletedProcess[str]:
        for name, script in pythons.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(script)
            path.chmod(0o755)
        return subprocess.run(
            [clone / "tools" / "bootstrap"],
            env={"PATH": str(programs), "HOME": str(tmp_path / "home"), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.mark.parametrize("pythons", [{}, {Path("bin/python3"): OLD}], ids=["none", "too old"])
def test_without_a_new_enough_python_it_says_so_in_one_sentence(
    bootstrap: Bootstrap, pythons: dict[Path, str], tmp_path: Path
) -> None:
    done = bootstrap(pythons)
    assert done.returncode == 3
    assert done.stderr.startswith("teastorm needs Python 3.12 or newer")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "clone" / ".venv").exists()


@pytest.mark.parametrize(
    ("pythons", "environment"),
    [
        ({Path("bin/python3"): YOUNG}, {}),
        ({Path("bin/python3.13"): YOUNG, Path("bin/python3"): OLD}, {}),
        ({Path("home/.pyenv/versions/3.12.4/bin/python3"): YOUNG}, {}),
        ({Path("own/python3"): YOUNG, Path("bin/python3"): OLD}, {"PYTHON": "own/python3"}),
    ],
    ids=["on PATH", "beside an old one", "among pyenv's", "named"],
)
def test_it_finds_one(
    bootstrap: Bootstrap,
    pythons: dict[Path, str],
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    done = bootstrap(pythons, **{name: str(tmp_path / path) for name, path in environment.items()})
    assert "building .venv with Python 3.13.99" in done.stdout, done.stderr
    assert done.returncode == 9


def _not_tested(why: str) -> Never:
    """Where CI runs, a part that is missing is a failure."""
    if os.environ.get("TEASTORM_NO_SKIP") == "1":
        pytest.fail(f"NOT TESTED: {why}")
    pytest.skip(f"NOT TESTED: {why}")


def test_make_alone_lists_every_target_for_people() -> None:
    make = shutil.which("make")
    if make is None:
        _not_tested("there is no make")
    shown = subprocess.run(
        [make, "-s"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    text = (ROOT / "Makefile").read_text()
    told = set(re.findall(r"^([a-z0-9-]+):.*## ", text, re.MULTILINE))
    assert {"demo", "test", "bench"} <= told
    assert set(re.findall(r"^  make ([a-z0-9-]+) ", shown, re.MULTILINE)) == told
    every = set(re.findall(r"^([a-z0-9-]+):", text, re.MULTILINE))
    assert every == told, "a target without a word of what it does"


def test_uv_runs_the_tool_without_the_network() -> None:
    here = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    uv = shutil.which("uv", path=here)
    if uv is None or not (ROOT / ".venv").is_dir():
        _not_tested("there is no uv, or no .venv for it to run in")
    done = subprocess.run(
        [uv, "run", "--offline", "teastorm", "--version"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"teastorm \d+\.\d+\.\d+\n", done.stdout)
