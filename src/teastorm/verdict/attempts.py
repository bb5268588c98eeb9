"""requests.parquet as numpy columns: one row an attempt."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from teastorm.verdict.columns import Columns, Flags, Floats, Ints, Text

FILE = "requests.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Columns of equal length; times in seconds since the run's start, NaN where none."""

    request_id: Text
    class_: Text
    criticality: Text
    user: Text
    key: Text
    phase: Text
    intended_s: Floats
    attempt: Ints
    sent_s: Floats
    ended_s: Floats
    status: Ints
    error: Text
    rung: Text
    reason: Text
    refused_for: Text
    threshold: Text
    retry_after_s: Floats
    replica: Text
    sequence_s: Floats
    right: Flags
    order_id: Text
    ticket: Text
    waited_s: Floats
    final: Flags
    lag_s: Floats
    honoured: Flags

    def __len__(self) -> int:
        return len(self.request_id)

    @property
    def real(self) -> Flags:
        """Rows that were attempts; the others are arrivals that were never sent."""
        return np.asarray(self.attempt > 0, dtype=np.bool_)

    @property
    def refused(self) -> Flags:
        """Attempts answered 429 or 503."""
        return np.asarray((self.status == 429) | (self.status == 503), dtype=np.bool_)

    @property
    def accepted(self) -> Flags:
        """Attempts answered 2xx."""
        return np.asarray((self.status >= 200) & (self.status < 300), dtype=np.bool_)

    @property
    def answer_s(self) -> Floats:
        """Seconds from the intended send (a retry: its send) to the last byte; NaN without one."""
        start = np.where(self.attempt <= 1, self.intended_s, self.sent_s)
        return self.ended_s - start


def read_attempts(run_dir: Path) -> Attempts:
    """The columns of the run's request log; `RunFolderError` names a missing or mistyped one."""
    names = [field.name.removesuffix("_") for field in fields(Attempts)]
    columns = Columns(run_dir, FILE, names)
    return Attempts(
        request_id=columns.text("request_id"),
        class_=columns.text("class"),
        criticality=columns.text("criticality"),
        user=columns.text("user"),
        key=columns.text("key"),
        phase=columns.text("phase"),
        intended_s=columns.floats("intended_s"),
        attempt=columns.ints("attempt"),
        sent_s=columns.floats("sent_s"),
        ended_s=columns.floats("ended_s"),
        status=columns.ints("status"),
        error=columns.text("error"),
        rung=columns.text("rung"),
        reason=columns.text("reason"),
        refused_for=columns.text("refused_for"),
        threshold=columns.text("threshold"),
        retry_after_s=columns.floats("retry_after_s"),
        replica=columns.text("replica"),
        sequence_s=columns.floats("sequence_s"),
        right=columns.flags("right"),
        order_id=columns.text("order_id"),
        ticket=columns.text("ticket"),
        waited_s=columns.floats("waited_s"),
        final=columns.flags("final"),
        lag_s=columns.floats("lag_s"),
        honoured=columns.flags("honoured"),
    )
