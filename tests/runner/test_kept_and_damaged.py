"""How long a capacity is kept, and what is said of a folder that is damaged."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from teastorm.cli.main import cli
from teastorm.load.capacity import Capacity, Step
from teastorm.runner.capacity import CapacityStore

STEP = Step(rps=62.0, good_share=0.99, samples=352, growth=0.0, good=True)
K = Capacity(rps=62.0, good_share=0.99, theory_rps=64.0, steps=(STEP,))


@pytest.mark.parametrize(("age_h", "kept"), [(23.9, True), (24.1, False)])
def test_a_capacity_is_kept_for_a_day(tmp_path: Path, age_h: float, kept: bool):
    store = CapacityStore(directory=tmp_path)
    store.write("k", K)
    then = time.time() - age_h * 3600
    os.utime(tmp_path / "k.json", (then, then))
    assert (store.read("k") == K) is kept


@pytest.mark.parametrize("command", ["verify", "report"])
@pytest.mark.parametrize("content", [b"{", b"[]", b'{"schema": "other/1"}', b"", b"\xff\xfe", None])
def test_a_damaged_folder_is_refused_in_one_sentence(
    tmp_path: Path, command: str, content: bytes | None
):
    if content is not None:
        (tmp_path / "run.json").write_bytes(content)
    done = CliRunner().invoke(cli, [command, str(tmp_path)])
    assert done.exit_code == 2
    assert str(tmp_path) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "report.html").exists()
