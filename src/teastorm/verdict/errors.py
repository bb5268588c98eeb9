"""The one error a reader of run folders raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from teastorm.whole_file import why


class RunFolderError(ValueError):
    """A run folder cannot be judged: one sentence naming the file, the field and the fix."""


class SealBroken(RunFolderError):
    """The evidence is not what the run wrote, so nothing in it explains anything."""


@contextmanager
def naming(folder: Path) -> Iterator[None]:
    """Whatever is refused inside is said of `folder`: with many runs on disk, run.json is no name.

    So is what the disk refuses: a folder that cannot be searched, a file that cannot be read.
    """
    try:
        yield
    except RunFolderError as error:
        raise type(error)(f"{folder}: {error}") from error
    except OSError as error:
        what = Path(error.filename).name if error.filename else "a file in it"
        raise RunFolderError(
            f"{folder}: {what} cannot be read ({why(error)}); run the experiment again."
        ) from error
