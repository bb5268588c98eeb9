"""Files that are whole or not there: written beside their name and renamed, or taken away.

And why one could not be read, in words: Python's own repeat the path that a sentence begins with.
"""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`; a reader sees the old file or the new one, never a part of it.

    Raises OSError (a full disk, for one) and leaves nothing behind then. Two writers of one path
    in one process must not meet.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def why(error: Exception) -> str:
    """What an OSError says without its number and path ("Is a directory"); another's own words."""
    said = error.strerror if isinstance(error, OSError) else None
    return said or str(error)
