"""The files of a session, each whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import orjson

from teastorm.tune.errors import TuneInvalid
from teastorm.tune.page import render
from teastorm.tune.session import Session
from teastorm.tune.session_json import as_json
from teastorm.whole_file import write_whole

SCHEMA = "teastorm.tune/1"


def refuse_unwritable(folder: Path) -> None:
    """TuneInvalid when `folder` can be neither written nor made; before minutes of search, not after."""
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        raise TuneInvalid(f"--out: {there} is a file; name a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise TuneInvalid(f"--out: {there} cannot be written; name another folder")


def write(session: Session, folder: Path) -> list[Path]:
    """tune.html and tune.json; if something is recommended, hpa.yaml and, for the shop, values.yaml.

    Those of an earlier session are removed, so that no manifest stands beside a page that does not
    recommend it. TuneInvalid when the folder cannot be written.
    """
    content = orjson.dumps(
        {"schema": SCHEMA, **as_json(session)}, option=orjson.OPT_INDENT_2
    ).decode()
    wanted = {
        "tune.html": render(session),
        "tune.json": content + "\n",
        "hpa.yaml": session.manifest,
        "values.yaml": session.values,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, text in wanted.items():
            path = folder / name
            if text is None:
                path.unlink(missing_ok=True)
                continue
            write_whole(path, text.encode())
            written.append(path)
    except OSError as error:
        raise TuneInvalid(f"--out: {folder} cannot be written ({error.strerror})") from error
    return written
