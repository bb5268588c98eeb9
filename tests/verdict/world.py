"""A small model of a run that writes a whole run folder: one that holds, one that collapses.

It is no simulator: it writes down what a protected shop (every third chat of a threefold surge
served, the rest told so at once) and an unprotected one (all work late, all clients retrying,
never well again) look like in the files of a run folder. Tests doctor the evidence and judge it.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from teastorm.verdict.judge import judge
from teastorm.verdict.result import Result

type Row = dict[str, str | float | int | bool]

SLO = Path(__file__).parents[2] / "experiments" / "slo.yaml"
SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "result.schema.json"
NAN = float("nan")
K = 60.0
START, FAULT, END, STOP = 2.0, 17.0, 37.0, 72.0
SERVICE_S = 1.5
CRITICALITY = {
    "chat": "sheddable_plus",
    "checkout": "critical",
    "payment": "critical_plus",
    "status": "critical_plus",
    "menu": "sheddable",
}
DEADLINES = {"chat": 4.0, "checkout": 2.0, "payment": 2.0, "status": 1.0, "menu": 1.0}
METRIC_COLUMNS = ("t_s", "service", "replica", "name", "labels", "value")


@dataclass
class World:
    """A run folder in memory: mutate it, `write` it, `judge` it."""

    run: dict
    plan: dict
    load: dict
    faults: list
    events: list
    ledger: dict
    journal: dict
    requests: list[Row] = field(default_factory=list)
    metrics: list[tuple] = field(default_factory=list)
    # What a table's file looked like, by its rows: most of what is doctored leaves both alone.
    written: dict[str, tuple[list, bytes]] = field(default_factory=dict)

    def write(self, path: Path) -> Path:
        path.mkdir(parents=True, exist_ok=True)
        for name in ("run", "plan", "load", "faults", "events", "ledger", "journal"):
            (path / f"{name}.json").write_bytes(orjson.dumps(getattr(self, name)))
        self._write_table(path / "requests.parquet", self.requests, _requests_table)
        self._write_table(path / "metrics.parquet", self.metrics, _metrics_table)
        return path

    def keep_tables(self) -> World:
        """Encode both tables now, for all copies that leave them as they are."""
        for name, rows, table_of in (
            ("requests.parquet", self.requests, _requests_table),
            ("metrics.parquet", self.metrics, _metrics_table),
        ):
            sink = io.BytesIO()
            pq.write_table(table_of(rows), sink)
            self.written[name] = (_own(rows), sink.getvalue())
        return self

    def _write_table(self, path: Path, rows: list, table_of: Callable[[list], pa.Table]) -> None:
        known, content = self.written.get(path.name, (None, b""))
        if rows != known:
            pq.write_table(table_of(rows), path)
            return
        path.write_bytes(content)

    def copy(self) -> World:
        """One's own, rows and all; deepcopy of so many flat rows takes longer than the verdict."""
        texts = ("run", "plan", "load", "faults", "events", "ledger", "journal")
        return World(
            **{name: copy.deepcopy(getattr(self, name)) for name in texts},
            requests=_own(self.requests),
            metrics=list(self.metrics),
            written=self.written,
        )

    def judge(self, path: Path) -> Result:
        return judge(self.write(path))

    def attempts(self, class_: str | None = None, *, status: tuple[int, ...] = ()) -> list[Row]:
        """Attempts sent in the fault window."""
        return [
            row
            for row in self.requests
            if FAULT <= row["sent_s"] < END
            and (class_ is None or row["class"] == class_)
            and (not status or row["status"] in status)
        ]

    def refusals(self) -> list[Row]:
        return [row for row in self.requests if row["status"] in {429, 503}]


def _own(rows: list) -> list:
    """Rows that nobody else can change."""
    return [row if isinstance(row, tuple) else dict(row) for row in rows]


def _requests_table(rows: list[Row]) -> pa.Table:
    return pa.table({name: [row[name] for row in rows] for name in rows[0]})


def _metrics_table(rows: list[tuple]) -> pa.Table:
    table = {name: [row[i] for row in rows] for i, name in enumerate(METRIC_COLUMNS)}
    texts = [(name, pa.string()) for name in METRIC_COLUMNS[1:5]]
    return pa.table(
        table, schema=pa.schema([("t_s", pa.float64()), *texts, ("value", pa.float64())])
    )


type Sabotage = tuple[str, Callable[[World], None], str]
"""A check, what breaks the world for it, and the status that it must have then."""
