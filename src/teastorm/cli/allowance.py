"""How much of the machine this process may use: what a container or systemd allows it (cgroup v2).

The count of cores and the free memory of a machine say nothing in a container that was given a part
of them. Source: the kernel's Documentation/admin-guide/cgroup-v2.rst (cpu.max, memory.max).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MINE = Path("/proc/self/cgroup")


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """The narrowest bounds above this process; None where there is none, or no cgroup v2."""

    cores: float | None
    memory_bytes: int | None


def allowance(root: Path = ROOT, mine: Path = MINE) -> Allowance:
    """What is allowed now; `memory_bytes` is what is left of it. Reads files, raises nothing."""
    cores: list[float] = []
    memory: list[int] = []
    for group in _groups(root, mine):
        quota, _, period = _text(group / "cpu.max").partition(" ")
        if quota.isdecimal() and period.isdecimal() and int(period) > 0:
            cores.append(int(quota) / int(period))
        most, used = _text(group / "memory.max"), _text(group / "memory.current")
        if most.isdecimal() and used.isdecimal():
            # File pages that nobody looked at lately are given back when memory is wanted.
            memory.append(int(most) - int(used) + _stat(group, "inactive_file"))
    return Allowance(
        cores=min(cores, default=None),
        memory_bytes=max(0, min(memory)) if memory else None,
    )


def _groups(root: Path, mine: Path) -> Iterator[Path]:
    """The cgroup of this process and those above it, up to what of the tree can be seen."""
    own = next((line[3:] for line in _text(mine).splitlines() if line.startswith("0::")), "/")
    group = root / own.lstrip("/")
    yield group
    while group != root and root in group.parents:
        group = group.parent
        yield group


def _stat(group: Path, name: str) -> int:
    for line in _text(group / "memory.stat").splitlines():
        key, _, value = line.partition(" ")
        if key == name and value.isdecimal():
            return int(value)
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
