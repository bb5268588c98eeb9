"""The files of a run folder: regular, readable, and no larger than a run writes them."""

from __future__ import annotations

import stat
from pathlib import Path

import orjson

from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.fields import Fields
from teastorm.whole_file import why

AGAIN = "run the experiment again"
LARGEST_BYTES = 1 << 32
"""A day of two million orders is below 1 GB; what is longer is no evidence, and takes hours to read."""


def existing(run_dir: Path, name: str) -> Path:
    """The file; `RunFolderError` when there is none, or something that is no file of a run.

    A pipe, a device or a folder in its place is found out before anybody waits for its end.
    """
    path = run_dir / name
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise RunFolderError(f"{name} is missing; {AGAIN}.") from error
    except OSError as error:
        raise RunFolderError(f"{name} cannot be read ({why(error)}); {AGAIN}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise RunFolderError(f"{name} is no regular file; {AGAIN}.")
    if found.st_size > LARGEST_BYTES:
        raise RunFolderError(
            f"{name} has {found.st_size:,} bytes, a run writes {LARGEST_BYTES:,} at most; {AGAIN}."
        )
    return path


def content(run_dir: Path, name: str) -> bytes:
    """All of the file; `RunFolderError` as `existing`, and when it cannot be read."""
    try:
        return existing(run_dir, name).read_bytes()
    except OSError as error:
        raise RunFolderError(f"{name} cannot be read ({why(error)}); {AGAIN}.") from error


def mapping(run_dir: Path, name: str) -> Fields:
    """The object in a JSON file."""
    return Fields.of(_json(run_dir, name), name)


def rows(run_dir: Path, name: str) -> tuple[Fields, ...]:
    """The objects in a JSON file that is a list of them."""
    value = _json(run_dir, name)
    if not isinstance(value, list):
        raise RunFolderError(f"{name} must be a list; {AGAIN}.")
    return tuple(Fields.of(item, f"{name}: [{i}]") for i, item in enumerate(value))


def _json(run_dir: Path, name: str) -> object:
    try:
        return orjson.loads(content(run_dir, name))
    except orjson.JSONDecodeError as error:
        raise RunFolderError(f"{name} is not JSON ({error}); {AGAIN}.") from error
