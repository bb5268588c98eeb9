"""Plans, and a tiny shop front that runs as a process."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.settings import Mix

type OpenShop = Callable[[str], Path]


@pytest.fixture
def plan() -> LoadPlan:
    return LoadPlan(
        capacity_rps=60,
        phases=(
            Phase(name="baseline", seconds=10, factor=0.7),
            Phase(name="fault", seconds=20, factor=3, fault=True),
            Phase(name="after", seconds=10, factor=0.7),
        ),
        mix=Mix(critical_rps=6),
    )


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[OpenShop]:
    """`open_shop(mode)` starts a shop front and gives an endpoints file that lists it."""
    running: list[subprocess.Popen[bytes]] = []

    def start(mode: str) -> Path:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        script = Path(__file__).with_name("shopfront.py")
        running.append(subprocess.Popen([sys.executable, str(script), str(port), mode]))
        _await_port(port)
        endpoints = tmp_path / "endpoints.json"
        endpoints.write_bytes(orjson.dumps({"gateway": [f"127.0.0.1:{port}"]}))
        return endpoints

    yield start
    for process in running:
        process.kill()
        process.wait()


def _await_port(port: int) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        with socket.socket() as knock:
            knock.settimeout(0.2)
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError(f"the shop front did not open port {port}")
