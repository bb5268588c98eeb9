"""How long each service takes to be ready, beside a bare application on the same server."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from teastorm.bench.probe import free_port, running, service

SERVICES = ("gateway", "inference", "orders", "dispatch")


def rows(rounds: int) -> list[tuple[str, str, str]]:
    """One line: the median start of each in `rounds` rounds, as a multiple of the bare one's."""
    took_s: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="teastorm-bench-") as name:
        for _ in range(rounds):
            for what, one_s in _round(Path(name)).items():
                took_s.setdefault(what, []).append(one_s)
    return [row({what: statistics.median(all_s) for what, all_s in took_s.items()}, rounds)]


def row(median_s: dict[str, float], rounds: int) -> tuple[str, str, str]:
    """The line of these medians."""
    times = ", ".join(f"{name} {median_s[name] / median_s['bare']:.1f}x" for name in SERVICES)
    what = "start-up until ready, beside a bare application"
    return what, times, f"1.0x; {rounds} starts each, in turn"


def _round(folder: Path) -> dict[str, float]:
    """Start each once, one after the other."""
    port = free_port()
    with running("-m", "teastorm.bench.bare", str(port), port=port) as bare:
        took_s = {"bare": bare.start_s}
    for name in SERVICES:
        port = free_port()
        with running(*service(name, _settings(name, folder), folder, port), port=port) as server:
            took_s[name] = server.start_s
    return took_s


def _settings(name: str, folder: Path) -> dict[str, object]:
    """A database of its own; a model's start-up is waited for on purpose, and no cost of the code."""
    if name in {"orders", "dispatch"}:
        return {"dsn": f"sqlite:///{folder / name}.db"}
    return {"startup_s": 0.0} if name == "inference" else {}
