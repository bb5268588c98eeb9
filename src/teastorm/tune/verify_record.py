"""The record of a verification on a cluster beside what the tuned model predicts of that very load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from teastorm.load.records import read_requests
from teastorm.simulate.run import simulate
from teastorm.simulate.scenario import Scenario
from teastorm.tune.curve import closeness, stepped
from teastorm.tune.errors import SourceUnreachable
from teastorm.tune.hpa_lags import lag_parts
from teastorm.tune.hpa_record import HpaRecord
from teastorm.tune.score import Figure
from teastorm.tune.verify import Beside, Verified, beside


def compare(record: HpaRecord, run_dir: Path, scenario: Scenario, seeds: Sequence[int]) -> Verified:
    """The tuned model's prediction of the recorded run beside it."""
    results = [simulate(scenario, seed) for seed in seeds]
    at_s = np.arange(0.0, min(record.seconds, record.looks[-1].at_s), 1.0)
    measured = stepped([(look.at_s, float(look.ready)) for look in record.looks], at_s)
    wanted = stepped([(look.at_s, float(look.wanted)) for look in record.looks], at_s)
    curves = [stepped([(r.at_s, float(r.ready)) for r in one.replicas], at_s) for one in results]
    predicted = np.mean(curves, axis=0)
    misses, p99_s = _requests(run_dir, record)
    parts = lag_parts(record)
    scaling = scenario.scaling
    expected = (
        {}
        if scaling is None
        else {
            "metric": scaling.scrape_s / 2 + scaling.lag_s,
            "sync": scaling.sync_s / 2,
            "start": scenario.inference.startup_s,
        }
    )
    found = [
        beside("misses", "share", [r.slo_misses / r.classes["chat"].offered for r in results], misses),
        beside("p99 of good answers", "s", [r.p99_s for r in results if r.p99_s], p99_s),
        beside("ready pod-seconds", "s", [float(c.sum()) for c in curves], float(measured.sum())),
        beside("changes", "", [float(r.changes) for r in results],
               float(np.count_nonzero(np.diff(wanted)))),
    ]  # fmt: skip
    found += [
        Beside(
            name=f"lag: {name}",
            unit="s",
            predicted=Figure(mean=expected[name], half_width=None) if name in expected else None,
            measured=value,
        )
        for name, value in parts.items()
    ]
    return Verified(
        figures=tuple(found),
        within_one=closeness(curves, measured).within_one,
        t_s=tuple(map(float, at_s)),
        predicted=tuple(map(float, predicted)),
        measured=tuple(map(float, measured)),
    )


def _requests(run_dir: Path, record: HpaRecord) -> tuple[float, float]:
    """The share of chats that were not good, and the 99th percentile of those that were."""
    table = read_requests(run_dir / "requests.parquet")
    latency_s = table["ended_s"].to_numpy() - table["intended_s"].to_numpy()
    classes = np.array(table["class"].to_pylist())
    rungs = np.array(table["rung"].to_pylist())
    chats = table["final"].to_numpy() & (classes == "chat")
    in_time = latency_s <= record.plan.clients.deadlines_s["chat"]
    good = chats & table["right"].to_numpy() & in_time & np.isin(rungs, ("full", "short"))
    if not good.any():
        raise SourceUnreachable(f"--verify: no chat of {run_dir} was answered well")
    return 1 - float(good.sum()) / float(chats.sum()), float(np.quantile(latency_s[good], 0.99))
