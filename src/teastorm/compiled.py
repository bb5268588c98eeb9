"""The compiled copy of the simulator's hot modules: found by itself, used only when it is no other.

`tools/compile` runs `MODULES` through mypyc into a folder named for `key()`: a hash of the sources
and of the interpreter. `teastorm.simulate` calls `use` before it imports any of them; where there is
no folder of that name the sources run, and give the same results more slowly. A copy of sources
that have changed since has another name, so it cannot be taken by mistake.

The environment: TEASTORM_PLAIN=1 refuses the copy (workers inherit it), TEASTORM_COMPILED names
another folder of copies than build/compiled.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import sysconfig
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import teashop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_POLICIES = (
    "admission", "aimd", "backlog", "balance", "baseline", "batch", "bounds", "breaker",
    "comebacks", "front", "hysteresis", "limit", "outgoing", "pressure", "priority", "queue",
    "queue_config", "quota", "rate", "refusal", "retry", "retry_after", "room", "sequence", "slots",
    "standing", "ticket_token", "two_choices", "waiting_room",
)  # fmt: skip
_MODEL = (
    "ai_calls", "arrivals", "chat_path", "crowd", "fleet", "gateway", "histogram", "inference",
    "loop", "orders", "orders_path", "paths", "street", "tally", "timeouts", "users", "visit",
)  # fmt: skip
MODULES = (
    "teastorm.load.client",
    *(f"teashop.resilience.{name}" for name in _POLICIES),
    *(f"teastorm.simulate.{name}" for name in _MODEL),
)
"""What is compiled, all together or none: they know each other's layout."""

_HERE = Path(__file__).parent
_SOURCES = (Path(teashop.__file__).parent / "resilience", _HERE / "load", _HERE / "simulate")
"""Packages whose every change makes a copy stale: the modules, and all that they import of ours."""
_SUFFIX = str(sysconfig.get_config_var("EXT_SUFFIX"))


class _Finder(MetaPathFinder):
    """Finds the modules of one copy, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            str(file.relative_to(folder)).removesuffix(_SUFFIX).replace(os.sep, "."): file
            for file in folder.rglob(f"*{_SUFFIX}")
        }

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol's
        target: ModuleType | None = None,  # noqa: ARG002 - the protocol's
    ) -> ModuleSpec | None:
        """See `MetaPathFinder`."""
        file = self._files.get(fullname)
        return None if file is None else spec_from_file_location(fullname, file)


def key() -> str:
    """The name of the copy that fits: sixteen hex digits of the sources and the interpreter."""
    told = hashlib.sha256(f"{sys.version}\0{_SUFFIX}\0{' '.join(MODULES)}".encode())
    for package in _SOURCES:
        for file in sorted(package.rglob("*.py")):
            content = file.read_bytes()
            told.update(f"\0{file.relative_to(package.parent)}\0{len(content)}\0".encode())
            told.update(content)
    return told.hexdigest()[:16]


def folder() -> Path:
    """Where copies are: TEASTORM_COMPILED, or build/compiled beside the sources."""
    named = os.environ.get("TEASTORM_COMPILED")
    return Path(named) if named else _HERE.parents[1] / "build" / "compiled"


@functools.cache
def use() -> str:
    """Let imports of `MODULES` find the copy, if there is one that fits; says in words which runs.

    The first call of a process decides. Call it before any of them is imported.
    """
    if os.environ.get("TEASTORM_PLAIN"):
        return "plain Python, as asked"
    copies = folder()
    copy = copies / key()
    if not copy.is_dir():
        if copies.is_dir() and any(copies.iterdir()):
            return "plain Python; the compiled copy is of other sources (make compile renews it)"
        return "plain Python (make compile makes it several times as fast)"
    early = [name for name in MODULES if name in sys.modules]
    if early:
        return f"plain Python; {early[0]} was imported before the compiled copy was looked for"
    sys.meta_path.insert(0, _Finder(copy))
    return f"compiled, copy {copy.name}"


if __name__ == "__main__":  # what tools/compile asks
    sys.stdout.write(f"{key()}\n")
    for module in MODULES:
        sys.stdout.write(f"{module.replace('.', '/')}.py\n")
