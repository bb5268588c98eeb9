"""tools/compile: a copy that really is compiled, and gives the very bytes that the sources give."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOT = (
    "teashop.resilience.batch",
    "teashop.resilience.front",
    "teashop.resilience.priority",
    "teastorm.load.client",
    "teastorm.simulate.chat_path",
    "teastorm.simulate.crowd",
    "teastorm.simulate.loop",
)
SCENARIOS = {
    "protected": (),
    "unprotected": ("--arm", "unprotected"),
    "quotas": ("--set", "gateway.quota_rps=0.05", "--set", "gateway.quota_burst=2"),
}

pytestmark = pytest.mark.slow  # mypyc and a C compiler take most of a minute


def python(path: Path | None, *words: str) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "PYTHONPATH": str(path)} if path else dict(os.environ)
    return subprocess.run(
        (sys.executable, *words), cwd=ROOT, env=env, capture_output=True, check=True, timeout=600
    )


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> Path:
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        message = "NOT TESTED: no C compiler is on PATH, and tools/compile needs one"
        if os.environ.get("TEASTORM_NO_SKIP") == "1":
            pytest.fail(message)
        pytest.skip(message)
    target = tmp_path_factory.mktemp("compiled")
    subprocess.run(
        (ROOT / "tools" / "compile", target),
        env={**os.environ, "MYPYC_OPT_LEVEL": "0"},
        capture_output=True,
        check=True,
        timeout=1200,
    )
    return target


def test_the_hot_modules_are_compiled_and_the_sources_are_not(compiled):
    show = f"import importlib as i\nfor n in {HOT!r}: print(i.import_module(n).__file__)"
    files = python(compiled, "-c", show).stdout.decode().split()
    assert len(files) == len(HOT)
    assert all(file.startswith(str(compiled)) and file.endswith(".so") for file in files)
    plain = python(None, "-c", show).stdout.decode().split()
    assert all(file.endswith(".py") for file in plain)


@pytest.mark.parametrize("name", SCENARIOS)
def test_compiled_and_plain_give_the_same_bytes(compiled, name):
    words = ("-m", "teastorm.cli.main", "simulate", "--orders", "900", "--seed", "5", "--json")
    told = [python(path, *words, *SCENARIOS[name]).stdout for path in (None, compiled)]
    assert told[0] == told[1]
    assert b'"teastorm.simulation/1"' in told[0]


def test_what_is_in_the_way_is_not_overwritten(tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("mine")
    done = subprocess.run(
        (ROOT / "tools" / "compile", tmp_path), capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert b"is not empty; name an empty folder" in done.stderr
    assert kept.read_text() == "mine"
