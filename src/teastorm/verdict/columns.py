"""The parquet files of a run folder as numpy columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.files import AGAIN, existing

type Text = npt.NDArray[np.str_]
type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]
type Flags = npt.NDArray[np.bool_]

MOST_ROWS = 20_000_000
"""A few bytes of parquet can say a row a billion times; no run writes that many."""

LONGEST_TEXT = 1000
"""Bytes. numpy gives every row of a column the room of its longest text."""


class Columns:
    """Typed access to the columns of one file; nulls become "", False, 0 or NaN.

    Everything raises `RunFolderError`, which names the file, the column and the fix. Immutable:
    safe from several threads.

    Args:
        wanted: the columns to read; what else there is does not matter.
    """

    def __init__(self, run_dir: Path, name: str, wanted: Sequence[str]) -> None:
        self._name = name
        path = existing(run_dir, name)
        try:
            with pq.ParquetFile(path) as file:
                self._refuse_others(file, wanted)
                self._table = file.read(list(wanted))
        except RunFolderError:
            raise
        except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
            raise RunFolderError(
                f"{name} cannot be read as parquet ({_first_line(error)}); {AGAIN}."
            ) from error

    def text(self, column: str) -> Text:
        """Texts."""
        return np.array(self.texts(column), dtype=np.str_)

    def texts(self, column: str) -> list[str]:
        """The same as Python's own, which numpy would have to pad."""
        found = self._of(column, pa.string(), "")
        longest = pc.max(pc.binary_length(found)).as_py() or 0
        if longest > LONGEST_TEXT:
            raise RunFolderError(
                f"{self._name}: column {column} has a text of {longest:,} bytes, "
                f"{LONGEST_TEXT:,} are the most; {AGAIN}."
            )
        try:
            return cast("list[str]", found.to_pylist())
        except UnicodeDecodeError as error:
            raise self._mistyped(column, error) from error

    def flags(self, column: str) -> Flags:
        """Truths."""
        return np.array(self._of(column, pa.bool_(), False), dtype=np.bool_)

    def ints(self, column: str) -> Ints:
        """Whole numbers."""
        return np.array(self._of(column, pa.int64(), 0), dtype=np.int64)

    def floats(self, column: str) -> Floats:
        """Numbers."""
        return np.array(self._of(column, pa.float64(), float("nan")), dtype=np.float64)

    def _refuse_others(self, file: pq.ParquetFile, wanted: Sequence[str]) -> None:
        """Refuse a file that lacks a column, has one twice, or says too much."""
        names = file.schema_arrow.names
        for column in wanted:
            if (times := names.count(column)) != 1:
                what = "is missing" if times == 0 else f"is there {times} times"
                raise RunFolderError(f"{self._name}: column {column} {what}; {AGAIN}.")
        if (rows := file.metadata.num_rows) > MOST_ROWS:
            raise RunFolderError(
                f"{self._name} has {rows:,} rows, a run writes {MOST_ROWS:,} at most; {AGAIN}."
            )

    def _of(self, column: str, kind: pa.DataType, blank: str | float) -> pa.Array:
        try:
            return self._table.column(column).combine_chunks().cast(kind).fill_null(blank)
        except pa.ArrowException as error:
            raise self._mistyped(column, error) from error

    def _mistyped(self, column: str, error: BaseException) -> RunFolderError:
        return RunFolderError(
            f"{self._name}: column {column} has the wrong type ({_first_line(error)}); {AGAIN}."
        )


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:120] if text else type(error).__name__
