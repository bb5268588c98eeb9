"""What can be done to a run folder: other things in the place of a file, other values in a file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(shutil.copytree(folder, Path(place) / "run"))


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.mkdir()


def an_endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_loop_of_links(path: Path) -> None:
    path.symlink_to(path.name)


def a_link_to_nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


def what_cannot_be_read(path: Path) -> None:
    # Opened by whoever may, and then an error at the first byte: also for root.
    path.symlink_to("/proc/self/mem")


def a_terabyte(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


IN_PLACE = (
    a_pipe,
    a_folder,
    an_endless_device,
    a_loop_of_links,
    a_link_to_nowhere,
    what_cannot_be_read,
    a_terabyte,
)

ODD = (
    None, True, "", "\0", "x" * 5000, -1, 0.5, 2**63, 2**70, 1e6, 1e308, -1e308, [], {}, [[]], [{}],
)  # fmt: skip

ODD_CELLS = (
    None, True, "", "\0", "x" * 5000, -1, 0.5, float("nan"), float("inf"), -1e300, b"\xff", [1.0], {"a": 1},
)  # fmt: skip


def places(value: object) -> list[tuple[str | int, ...]]:
    """The way to every value inside a JSON value; of long lists to the first few."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:3])
    return [
        (key, *rest)
        for key, item in inner
        for rest in ([()] + (places(item) if isinstance(item, dict | list) else []))
    ]
