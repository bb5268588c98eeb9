"""What of this machine the testbed depends on, looked at piece by piece. Changes nothing lasting."""

import importlib.util
import os
import platform
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from teastorm.cli.allowance import allowance
from teastorm.cli.status import state_word
from teastorm.load.health import LATENCY_QOS
from teastorm.platforms.local.cleanup import survey
from teastorm.platforms.local.ports import PortPicker
from teastorm.platforms.local.state import StateFile, state_dir

MIN_PYTHON = (3, 12)
MIN_CORES = 2
MIN_MEMORY_MB = 1500
MIN_FILES = 1024
PORTS = 24
MODULES = ("teashop", "locust", "chaoslib", "pyarrow", "uvicorn", "uvloop", "httptools")
POSTGRES = (*map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), "initdb")
"""Debian keeps them off PATH."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at. `required` False: only some features need it (`fix` says which)."""

    id: str
    ok: bool
    required: bool
    value: str
    fix: str


def look() -> list[Finding]:
    """Python, cores, memory, ports, files, leftovers, modules and optional tools, in that order."""
    return [check() for check in CHECKS] + [_module(name) for name in MODULES] + _tools()


def _python() -> Finding:
    return Finding(
        id="python",
        ok=sys.version_info >= MIN_PYTHON,
        required=True,
        value=platform.python_version(),
        fix="use Python 3.12 or newer",
    )


def _cores() -> Finding:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = count or 1
    allowed = min(count, allowance().cores or count)
    return Finding(
        id="cores",
        ok=allowed >= MIN_CORES,
        required=True,
        value=str(count) if allowed == count else f"{allowed:g} of {count} allowed",
        fix="two cores at least, or the load generator cannot be punctual",
    )


def _memory() -> Finding:
    left = allowance().memory_bytes
    free = psutil.virtual_memory().available
    free_mb = (free if left is None else min(free, left)) // 1_000_000
    return Finding(
        id="memory",
        ok=free_mb >= MIN_MEMORY_MB,
        required=True,
        value=f"{free_mb} MB available",
        fix=f"free {MIN_MEMORY_MB} MB",
    )


def _ports() -> Finding:
    picker = PortPicker()
    found = len({picker.pick() for _ in range(PORTS)})
    return Finding(
        id="ports",
        ok=found == PORTS,
        required=True,
        value=f"{found} of {PORTS} free on 127.0.0.1",
        fix="end what listens on ports 20000 to 31999",
    )


def _files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = soft == resource.RLIM_INFINITY
    return Finding(
        id="file_descriptors",
        ok=unlimited or soft >= MIN_FILES,
        required=True,
        value="unlimited" if unlimited else str(soft),
        fix="ulimit -n 4096",
    )


def _awake() -> Finding:
    mine = os.access(LATENCY_QOS, os.R_OK | os.W_OK)
    return Finding(
        id="idle_cores",
        ok=mine or not LATENCY_QOS.exists(),
        required=False,
        value="kept awake under load" if mine else "may sleep",
        fix=f"sudo chmod a+rw {LATENCY_QOS}: a virtual machine is slow to wake a core",
    )


def _state() -> Finding:
    directory = state_dir()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            writable = True
    except OSError:
        writable = False
    return Finding(
        id="state_folder",
        ok=writable,
        required=True,
        value=str(directory),
        fix="set TEASTORM_STATE_DIR to a folder you may write",
    )


def _leftovers() -> Finding:
    word = state_word(survey(StateFile(), probe=False))
    return Finding(
        id="leftovers",
        ok=word == "nothing",
        required=word != "running",
        value=word,
        fix="teastorm down",
    )


def _module(name: str) -> Finding:
    there = importlib.util.find_spec(name) is not None
    return Finding(
        id=f"module:{name}",
        ok=there,
        required=True,
        value="importable" if there else "missing",
        fix="make venv",
    )


def _tools() -> list[Finding]:
    return [
        _tool("postgresql", POSTGRES, "only tests of the shop's database need it"),
        _tool("prometheus", ("prometheus",), "only the metric source's contract test needs it"),
        *(
            _tool(name, (name,), "only the kubernetes platform needs it")
            for name in ("docker", "kind", "kubectl", "helm")
        ),
    ]


def _tool(name: str, candidates: Sequence[str], why: str) -> Finding:
    path = next((found for found in map(shutil.which, candidates) if found), None)
    return Finding(
        id=f"tool:{name}",
        ok=path is not None,
        required=False,
        value=path or "not on PATH",
        fix=f"optional: {why}",
    )


CHECKS: tuple[Callable[[], Finding], ...] = (
    _python,
    _cores,
    _memory,
    _ports,
    _files,
    _awake,
    _state,
    _leftovers,
)
