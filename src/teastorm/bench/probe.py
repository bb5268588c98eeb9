"""Processes to measure: started, driven over one kept-alive connection, their CPU read, ended."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

_STARTS_WITHIN_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A process under measurement."""

    port: int
    process: psutil.Process
    start_s: float

    def cpu_s(self) -> float:
        """CPU seconds it has used so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def free_port() -> int:
    """A port of loopback that nobody has."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*command: str, port: int) -> Iterator[Server]:
    """A server process, ready; killed at the end."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, *command], stdout=log, stderr=log)
        try:
            while not _ready(port):
                if process.poll() is not None or time.monotonic() - began > _STARTS_WITHIN_S:
                    raise RuntimeError(f"{' '.join(command)} did not become ready")
            took_s = time.monotonic() - began
            yield Server(port=port, process=psutil.Process(process.pid), start_s=took_s)
        finally:
            process.kill()
            process.wait()


def service(name: str, settings: Mapping[str, object], folder: Path, port: int) -> list[str]:
    """The command that runs one of the shop's services with these settings."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    return ["-m", "teashop.serving.run", name, "--settings", str(path), "--port", str(port)]


def drive(
    server: Server,
    count: int,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: str | None = None,
) -> tuple[float, float]:
    """Send `count` requests one after the other; server CPU and wall seconds a request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    cpu_s, wall_s = server.cpu_s(), time.perf_counter()
    for _ in range(count):
        connection.request(method, path, body, dict(headers))
        connection.getresponse().read()
    cpu_s, wall_s = server.cpu_s() - cpu_s, time.perf_counter() - wall_s
    connection.close()
    return cpu_s / count, wall_s / count


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
