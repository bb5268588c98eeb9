"""The flight recorder's file as a metric source."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from teastorm.observe.exposition import parse_canonical
from teastorm.observe.recorder import LABELLED
from teastorm.observe.series import Questions, Series
from teastorm.observe.source import SourceError

# Replicas first seen so soon after the recording's start were there before it.
FIRST_ROUND_S = 0.9


class RecordedSamples:
    """Raw samples of a recording, by metric name. Immutable: safe to share."""

    def __init__(self, table: pa.Table) -> None:
        times = table["t_s"].to_numpy()
        values = table["value"].to_numpy()
        codes, words = _codes(table)
        order = np.lexsort((times, codes))
        edges = np.flatnonzero(np.diff(codes[order])) + 1
        begin_s = float(times.min()) if len(times) else 0.0
        self._by_name: dict[str, list[Series]] = {}
        for rows in np.split(order, edges) if len(times) else []:
            service, replica, name, labels = words(int(rows[0]))
            series = Series(
                labels={**parse_canonical(labels), "service": service, "replica": replica},
                times_s=times[rows],
                values=values[rows],
                existed_before=float(times[rows[0]]) <= begin_s + FIRST_ROUND_S,
            )
            self._by_name.setdefault(name, []).append(series)

    def read(
        self,
        name: str,
        labels: Mapping[str, str],
        start_s: float,  # noqa: ARG002 - everything is in memory
        end_s: float,  # noqa: ARG002 - the same
    ) -> Sequence[Series]:
        """Every series of that name whose labels match, whole."""
        wanted = labels.items()
        return [s for s in self._by_name.get(name, []) if wanted <= s.labels.items()]


def _codes(
    table: pa.Table,
) -> tuple[NDArray[np.int64], Callable[[int], tuple[str, str, str, str]]]:
    """A number for each row's series, and the words of a row (columns encoded, not looped over)."""
    encoded = [table[name].combine_chunks().dictionary_encode() for name in LABELLED]
    codes = np.zeros(table.num_rows, dtype=np.int64)
    for column in encoded:
        codes = codes * max(len(column.dictionary), 1) + column.indices.to_numpy()

    def words(row: int) -> tuple[str, str, str, str]:
        service, replica, name, labels = (column[row].as_py() for column in encoded)
        return service, replica, name, labels

    return codes, words


def open_recording(path: Path) -> Questions:
    """Read metrics.parquet; `SourceError` when it is missing or another thing."""
    try:
        table = pq.read_table(path)
        return Questions(RecordedSamples(table))
    except (OSError, KeyError, pa.ArrowException) as error:
        raise SourceError(f"{path}: not a readable metrics file: {error}") from error
