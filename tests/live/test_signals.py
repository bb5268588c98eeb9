"""A real `teastorm run`, interrupted and killed, while it measures K and under load."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from tests.live.conftest import ROOT, TEASTORM

from teastorm.load.capacity import Capacity, Step
from teastorm.platforms.local.cleanup import MEASURING_PREFIX, remove_run
from teastorm.platforms.local.state import StateFile
from teastorm.runner import experiment as experiments
from teastorm.runner.capacity import CapacityStore, key_of

pytestmark = [pytest.mark.live, pytest.mark.slow]

STEP = Step(rps=60.0, good_share=0.99, samples=352, growth=0.0, good=True)
K = Capacity(rps=60.0, good_share=0.99, theory_rps=64.0, steps=(STEP,))
SERVICES = 8


class Subject:
    """A run as a process of its own, with a state folder of its own."""

    def __init__(self, folder: Path, *, under_load: bool) -> None:
        self.under_load = under_load
        self.state = folder / "state"
        self.env = {**os.environ, "TEASTORM_STATE_DIR": str(self.state)}
        self.log = folder / "stderr"
        if under_load:
            experiment = experiments.read(ROOT / "experiments" / "below-capacity.yaml")
            store = CapacityStore(directory=self.state / "capacity")
            store.write(key_of(experiment, "local"), K)
        with self.log.open("w") as said:
            self.runner = subprocess.Popen(
                [*TEASTORM, "run", "below-capacity", "--runs-dir", str(folder / "runs")],
                cwd=ROOT,
                env=self.env,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )

    def tool(self, word: str) -> tuple[int, dict]:
        done = subprocess.run(
            [*TEASTORM, word, "--json"],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, json.loads(done.stdout)

    def until(self, done, what: str, bound_s: float = 60.0):
        ends, pause = time.monotonic() + bound_s, threading.Event()
        while not (found := done()):
            assert self.runner.poll() is None, (what, self.log.read_text())
            assert time.monotonic() < ends, (what, self.log.read_text())
            pause.wait(0.2)
        return found

    def reached(self) -> list[dict]:
        """Run on until every replica is ready and, if asked for, load is offered."""
        rows = self.until(self._all_ready, "the replicas are ready")
        if self.under_load:
            self.until(lambda: "offered" in self.log.read_text(), "load is offered")
        return rows

    def _all_ready(self) -> list[dict] | None:
        rows = self.tool("status")[1]["replicas"]
        return rows if len(rows) == SERVICES and all(r["ready"] for r in rows) else None

    def processes(self) -> list[int]:
        """Whatever still runs in this run's name."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("TEASTORM_STATE_DIR") == str(self.state)
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
            except (psutil.Error, OSError):
                continue
        return found

    def nothing_is_left(self, rows: list[dict]) -> None:
        assert self.tool("status")[1]["state"] == "nothing"
        assert self.processes() == []
        for row in rows:
            for port in (row["port"], row["admin_port"]):
                with closing(socket.socket()) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))

    def close(self) -> None:
        if self.runner.poll() is None:
            self.runner.kill()
            self.runner.wait()
        assert not remove_run(StateFile(self.state))


def measuring_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{MEASURING_PREFIX}*"))


@pytest.fixture(params=[False, True], ids=["measuring", "under-load"])
def subject(request, tmp_path):
    before = measuring_folders()
    made = Subject(tmp_path, under_load=request.param)
    yield made
    made.close()
    assert measuring_folders() <= before


def test_sigint_ends_everything_and_exits_130(subject: Subject):
    rows = subject.reached()
    subject.runner.send_signal(signal.SIGINT)
    assert subject.runner.wait(timeout=30) == 130, subject.log.read_text()
    assert "Traceback" not in subject.log.read_text()
    subject.nothing_is_left(rows)


def test_what_kill_9_left_is_told_and_removed(subject: Subject):
    rows = subject.reached()
    before = measuring_folders()
    subject.runner.kill()
    subject.runner.wait()
    code, content = subject.tool("status")
    assert (code, content["state"]) == (3, "leftovers")
    assert {r["pid"] for r in content["replicas"]} == {r["pid"] for r in rows}
    if not subject.under_load:
        assert before & {Path(name) for name in content["files"]}
    code, content = subject.tool("down")
    assert code == 0
    assert content["leftovers"] == {"processes": [], "files": [], "ports": []}
    subject.nothing_is_left(rows)
