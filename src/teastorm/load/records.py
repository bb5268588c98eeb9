"""The request log: one row per attempt, `requests.parquet`; its schema, writer and reader."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from teastorm.load.errors import LoadFailed

_TEXT, _FLOAT, _INT, _FLAG = pa.string(), pa.float64(), pa.int32(), pa.bool_()

REQUESTS_SCHEMA: pa.Schema = pa.schema(
    [
        ("request_id", _TEXT),
        ("class", _TEXT),
        ("criticality", _TEXT),
        ("user", _TEXT),
        ("key", _TEXT),
        ("phase", _TEXT),
        ("intended_s", _FLOAT),
        ("attempt", _INT),
        ("sent_s", _FLOAT),
        ("ended_s", _FLOAT),
        ("status", _INT),
        ("error", _TEXT),
        ("rung", _TEXT),
        ("reason", _TEXT),
        ("refused_for", _TEXT),
        ("threshold", _TEXT),
        ("retry_after_s", _FLOAT),
        ("replica", _TEXT),
        ("sequence_s", _FLOAT),
        ("right", _FLAG),
        ("order_id", _TEXT),
        ("ticket", _TEXT),
        ("waited_s", _FLOAT),
        ("final", _FLAG),
        ("lag_s", _FLOAT),
        ("honoured", _FLAG),
    ],
    metadata={"schema": "teastorm.requests/1"},
)
"""Times are seconds since the run's start; see `docs` for what each column means."""

type Row = tuple[str | float | int | bool, ...]
"""One attempt, its values in the schema's order."""


def to_table(rows: Sequence[Row]) -> pa.Table:
    """Columns from rows; `ValueError` when a row does not fit the schema."""
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in REQUESTS_SCHEMA]
    arrays = [
        pa.array(values, type=column.type)
        for values, column in zip(columns, REQUESTS_SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=REQUESTS_SCHEMA)


def write_requests(path: Path, table: pa.Table) -> None:
    """Write whole or not at all: the file appears under its name once it is complete."""
    part = path.with_name(path.name + ".part")
    parquet.write_table(table, part, compression="zstd")
    part.replace(path)


def read_requests(path: Path) -> pa.Table:
    """Read a request log; `LoadFailed` in one sentence when it is missing, broken or another's."""
    try:
        table = parquet.read_table(path)
    except FileNotFoundError:
        raise LoadFailed(f"{path}: no request log there; was the run interrupted early?") from None
    except (OSError, pa.ArrowException) as error:
        first = str(error).splitlines()[0]
        raise LoadFailed(f"{path}: cannot be read as a request log ({first}).") from None
    missing = [name for name in REQUESTS_SCHEMA.names if name not in table.column_names]
    if missing:
        raise LoadFailed(f"{path}: is no request log, it lacks {', '.join(missing)}.")
    try:
        return table.select(REQUESTS_SCHEMA.names).cast(REQUESTS_SCHEMA)
    except (pa.ArrowException, ValueError) as error:
        first = str(error).splitlines()[0]
        raise LoadFailed(f"{path}: a column has another type than expected ({first}).") from None
