"""The seal of a run folder: a digest of every file that a verdict is computed from.

The runner writes it once, when the evidence is complete. What was torn by a full disk, mixed up
with another run (equal seeds make equal keys) or edited afterwards is found out by reading it
again. It is no signature: who can write the folder can seal it anew.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson

from teastorm.verdict.errors import RunFolderError, SealBroken
from teastorm.verdict.fields import Fields
from teastorm.verdict.files import existing
from teastorm.whole_file import write_whole

FILE = "seal.json"
SCHEMA = "teastorm.seal/1"
SEALED = (
    "run.json",
    "plan.json",
    "load.json",
    "faults.json",
    "events.json",
    "ledger.json",
    "journal.json",
    "requests.parquet",
    "metrics.parquet",
)
"""What is sealed, where it is there: a run that was cut short has not all of it."""


def write_seal(run_dir: Path) -> Path:
    """Digest the evidence as it is now; returns the seal's path. May raise OSError."""
    found = {name: _digest(run_dir / name) for name in SEALED if (run_dir / name).is_file()}
    path = run_dir / FILE
    content = {"schema": SCHEMA, "sha256": found}
    write_whole(path, orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return path


def refuse_broken(raw: Fields, run_dir: Path) -> None:
    """Raise `SealBroken` when a sealed file is missing, or is another one than was sealed."""
    raw.refuse_other_schema(SCHEMA)
    digests = raw.mapping("sha256")
    for name in SEALED:
        if name not in digests.data:
            if (run_dir / name).exists():
                raise SealBroken(f"{name} came after the run was sealed; take it away.")
            continue
        try:
            digest = _digest(existing(run_dir, name))
        except RunFolderError as error:
            raise SealBroken(str(error)) from error
        if digest != digests.text(name):
            raise SealBroken(
                f"{name} is not the file that the run wrote ({FILE} has another digest); "
                "restore it or run the experiment again."
            )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
