"""The files of a session, each whole or not there."""

from __future__ import annotations

from pathlib import Path

import orjson

from teastorm.tune.errors import TuneInvalid
from teastorm.tune.page import render
from teastorm.tune.session import Session

SCHEMA = "teastorm.tune/1"


def write(session: Session, folder: Path) -> list[Path]:
    """tune.html and tune.json; hpa.yaml and values.yaml if something is recommended.

    Those of an earlier session are removed, so that no manifest stands beside a page that does not
    recommend it. TuneInvalid when the folder cannot be written.
    """
    content = orjson.dumps(
        {"schema": SCHEMA, **session.as_json()}, option=orjson.OPT_INDENT_2
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
            draft = path.with_suffix(path.suffix + ".tmp")
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
            written.append(path)
    except OSError as error:
        raise TuneInvalid(f"--out: {folder} cannot be written ({error.strerror})") from error
    return written
