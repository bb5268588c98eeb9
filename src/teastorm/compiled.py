"""The compiled copy of the simulator's hot modules: found by itself, used only when it is no other.

`tools/compile` runs `MODULES` through mypyc into a folder named for `key()`: a hash of the sources
and of the interpreter. `teastorm.simulate` calls `use` before it imports any of them; where there is
no folder of that name the sources run, and give the same results more slowly. A copy of sources
that have changed since has another name, so it cannot be taken by mistake; one that is not what
`tools/compile` made, or that this machine cannot load, is passed over too, and said so.

The environment: TEASTORM_PLAIN=1 refuses the copy (workers inherit it), TEASTORM_COMPILED names
another folder of copies than build/compiled.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
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
_GROUP = f"*__mypyc{_SUFFIX}"
"""The library in which mypyc puts the code of all modules; theirs only open it."""
SEAL = "seal"
"""A file in a copy: the name and the length of each of its libraries, as they were made."""


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


def libraries(copy: Path) -> str:
    """What `SEAL` of a copy has to say: a line a library, its length and its path."""
    files = sorted(copy.rglob(f"*{_SUFFIX}"))
    return "".join(f"{file.stat().st_size} {file.relative_to(copy)}\n" for file in files)


def is_whole(copy: Path) -> bool:
    """Whether a copy holds what was made, all of it: a library that was cut short ends a process."""
    try:
        return (copy / SEAL).read_text() == libraries(copy)
    except (OSError, UnicodeDecodeError):
        return False


@functools.cache
def use() -> str:
    """Let imports of `MODULES` find the copy, if there is one that fits; says in words which runs.

    The first call of a process decides. Call it before any of them is imported.
    """
    if os.environ.get("TEASTORM_PLAIN"):
        return "plain Python, as asked"
    copy = folder() / key()
    return _passed_over(copy) or _taken(copy)


def _passed_over(copy: Path) -> str | None:
    """Why the sources run, as far as can be seen without loading anything."""
    if not copy.is_dir():
        if copy.parent.is_dir() and any(copy.parent.iterdir()):
            return "plain Python; the compiled copy is of other sources (make compile renews it)"
        return "plain Python (make compile makes it about three times as fast)"
    if not is_whole(copy):
        return f"plain Python; the compiled copy {copy.name} is damaged (make compile renews it)"
    early = next((name for name in MODULES if name in sys.modules), None)
    if early is not None:
        return f"plain Python; {early} was imported before the compiled copy was looked for"
    return None


def _taken(copy: Path) -> str:
    """Let imports find it, unless this machine cannot load the library that all of them open."""
    finder = _Finder(copy)
    sys.meta_path.insert(0, finder)
    try:
        for group in copy.glob(_GROUP):
            importlib.import_module(group.name.removesuffix(_SUFFIX))
    except ImportError as error:
        sys.meta_path.remove(finder)
        return f"plain Python; the compiled copy {copy.name} cannot be loaded ({error})"
    return f"compiled, copy {copy.name}"


def _main(words: list[str]) -> int:
    """What tools/compile asks: the key and the modules; `seal DIR`; whether a copy `is-whole DIR`."""
    match words:
        case []:
            sys.stdout.write(f"{key()}\n")
            sys.stdout.writelines(f"{module.replace('.', '/')}.py\n" for module in MODULES)
        case ["seal", copy]:
            (Path(copy) / SEAL).write_text(libraries(Path(copy)))
        case ["is-whole", copy]:
            return 0 if is_whole(Path(copy)) else 1
        case _:
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
