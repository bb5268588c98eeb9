"""The one error a reader of run folders raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class RunFolderError(ValueError):
    """A run folder cannot be judged: one sentence naming the file, the field and the fix."""


@contextmanager
def naming(folder: Path) -> Iterator[None]:
    """Whatever is refused inside is said of `folder`: with many runs on disk, run.json is no name."""
    try:
        yield
    except RunFolderError as error:
        raise RunFolderError(f"{folder}: {error}") from error
