"""Plans, and tiny shop fronts that run as a process."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import orjson
import pytest
from tests.ports import free_port
from tests.waiting import until

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
    ports = {mode: free_port() for mode in ("good", "stalled", "refusing")}
    script = Path(__file__).with_name("shopfront.py")
    process = subprocess.Popen([sys.executable, script, *(f"{m}:{p}" for m, p in ports.items())])
    try:
        for port in ports.values():
            until(partial(_opened, port), f"the shop front opened port {port}")
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


def _opened(port: int) -> bool:
    with socket.socket() as knock:
        knock.settimeout(1.0)
        return knock.connect_ex(("127.0.0.1", port)) == 0
