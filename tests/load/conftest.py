"""Plans, and tiny shop fronts that run as a process."""

import contextlib
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

type EndpointsOf = Callable[[str], Path]


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


@pytest.fixture(scope="module")
def doors() -> Iterator[dict[str, int]]:
    """Ports of shop fronts by what they do: good, stalled, refusing."""
    ports: dict[str, int] = {}
    with contextlib.ExitStack() as probes:
        for mode in ("good", "stalled", "refusing"):
            probe = probes.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[mode] = probe.getsockname()[1]
    script = Path(__file__).with_name("shopfront.py")
    process = subprocess.Popen([sys.executable, script, *(f"{m}:{p}" for m, p in ports.items())])
    try:
        for port in ports.values():
            _await_port(port)
        yield ports
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def endpoints_of(tmp_path: Path, doors: dict[str, int]) -> EndpointsOf:
    """`endpoints_of(mode)` gives an endpoints file that lists the shop front of that mode."""

    def write(mode: str) -> Path:
        endpoints = tmp_path / "endpoints.json"
        endpoints.write_bytes(orjson.dumps({"gateway": [f"127.0.0.1:{doors[mode]}"]}))
        return endpoints

    return write


def _await_port(port: int) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        with socket.socket() as knock:
            knock.settimeout(0.2)
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError(f"the shop front did not open port {port}")
