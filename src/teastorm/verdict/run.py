"""A run as checks see it: records, columns and the windows between them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from teastorm.verdict.attempts import Attempts
from teastorm.verdict.columns import Floats
from teastorm.verdict.events import Event
from teastorm.verdict.faults import Fault
from teastorm.verdict.journal import Journal
from teastorm.verdict.ledger import Ledger
from teastorm.verdict.load import LoadSummary
from teastorm.verdict.meta import RunMeta
from teastorm.verdict.metrics import Metrics
from teastorm.verdict.plan import Plan
from teastorm.verdict.requests import CHAT, Requests
from teastorm.verdict.slo import Slo
from teastorm.verdict.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything a verdict is computed from. `journal` is None when none was written."""

    path: Path
    meta: RunMeta
    plan: Plan
    load: LoadSummary
    faults: tuple[Fault, ...]
    events: tuple[Event, ...]
    ledger: Ledger
    journal: Journal | None
    attempts: Attempts
    requests: Requests
    metrics: Metrics
    slo: Slo

    @property
    def load_window(self) -> Window:
        """From the first to the last planned arrival."""
        phases = self.plan.phases
        return Window(
            start_s=min(p.window.start_s for p in phases), end_s=max(p.window.end_s for p in phases)
        )

    @property
    def fault_window(self) -> Window:
        """W: the planned window; from the act itself where a fault is one (a kill, an outage)."""
        began = [
            f.began_s for f in self.faults if not f.is_surge and f.proved and f.began_s is not None
        ]
        start = min(began) if began else self.plan.fault.start_s
        return Window(start_s=min(start, self.plan.fault.end_s), end_s=self.plan.fault.end_s)

    @property
    def fault_end_s(self) -> float | None:
        """The proved end from which recovery counts; for a lost replica the kill; None unproved."""
        ends = [
            f.began_s if f.is_loss and not f.is_out else f.ended_s for f in self.faults if f.proved
        ]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(self.faults) else None

    @property
    def before_window(self) -> Window:
        """Base load before the fault."""
        start = self.load_window.start_s
        return Window(start_s=start, end_s=max(start, self.fault_window.start_s))

    @property
    def after_window(self) -> Window:
        """Base load after the fault's proved end (its planned end where unproved)."""
        start = self.fault_end_s if self.fault_end_s is not None else self.fault_window.end_s
        return Window(start_s=start, end_s=max(start, self.load_window.end_s))

    def planned_chat_rps(self, at_s: Floats) -> Floats:
        """The planned chat rate at some times; NaN where the plan names none."""
        rate = np.full(len(at_s), np.nan)
        for phase in self.plan.phases:
            if phase.chat_rps is not None:
                inside = (at_s >= phase.window.start_s) & (at_s < phase.window.end_s)
                rate[inside] = phase.chat_rps
        return rate

    def chat_rps_grid(self, window: Window, step_s: float = 1.0) -> Floats:
        """Chat demand in each second of a window: as planned, or else as drawn over 5 s."""
        edges = np.arange(window.start_s, window.end_s - 1e-9, step_s)
        planned = self.planned_chat_rps(edges + 1e-6)
        times = np.sort(self.requests.intended_s[self.requests.of(CHAT)])
        drawn = (
            np.searchsorted(times, edges + step_s / 2 + 2.5)
            - np.searchsorted(times, edges + step_s / 2 - 2.5)
        ) / 5.0
        return np.where(np.isfinite(planned), planned, drawn)

    def inference_replicas(self, at_s: Floats) -> Floats:
        """How many AI replicas were ready, from the events; the declared number before any."""
        moments, counts = self._inference_changes()
        index = np.searchsorted(moments, at_s, side="right") - 1
        return np.asarray(counts[np.maximum(index, 0)], dtype=np.float64)

    def _inference_changes(self) -> tuple[Floats, Floats]:
        """When the number of ready AI replicas changed, from the load's start, and to what.

        A replica that is ready, not ready and ready again is one: readiness flaps on a busy cluster.
        """
        started = self.load_window.start_s
        mine = sorted((e for e in self.events if e.service == "inference"), key=lambda e: e.t_s)
        ready: set[str] = set()
        base = self.meta.replicas.get("inference", 0)
        # Whether the first replicas' own events are listed depends on when t0 was taken.
        nameless = base
        moments, counts = [started], [float(base)]
        for event in mine:
            who = event.replica
            if event.kind == "replica_ready":
                ready.add(who)
            elif event.kind in {"replica_unready", "replica_gone"}:
                if who not in ready and event.t_s > started:
                    nameless -= nameless > 0
                ready.discard(who)
            else:
                continue
            if event.t_s <= started:
                nameless = max(0, base - len(ready))
                continue
            moments.append(event.t_s)
            counts.append(float(len(ready) + nameless))
        return np.array(moments), np.array(counts)
