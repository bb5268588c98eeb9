"""A run second by second: what the report draws, and the summary that result.json keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teastorm.verdict.columns import Flags, Floats
from teastorm.verdict.engage import engage_s
from teastorm.verdict.fields import Json
from teastorm.verdict.requests import CHAT, CRITICALITIES, Outcome
from teastorm.verdict.run import Run
from teastorm.verdict.window import Window
from teastorm.verdict.words import percentile

SMOOTH_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Per-second rates on a grid of whole seconds from `t_s[0]`."""

    t_s: Floats
    offered: Floats
    by_name: dict[str, Floats]


def grid(run: Run) -> Floats:
    """The whole seconds of the load."""
    window = run.load_window
    return np.arange(np.floor(window.start_s), np.ceil(window.end_s), 1.0)


def counted(times_s: Floats, at_s: Floats) -> Floats:
    """How many of `times_s` lie in the second after each of `at_s`, which are whole and in order."""
    edges = np.append(at_s, at_s[-1] + 1.0) if len(at_s) else np.array([0.0, 1.0])
    counts, _ = np.histogram(times_s, bins=edges)
    return np.asarray(counts[: len(at_s)], dtype=np.float64)


def per_second(run: Run, chosen: Flags) -> Floats:
    """Chosen requests by the second of their intended time."""
    return counted(run.requests.intended_s[chosen], grid(run))


def chat_rates(run: Run) -> Rates:
    """Chat: offered, and what it got: good by rung, degraded by rung, refused, failed."""
    requests = run.requests
    chat = requests.of(CHAT)
    named: dict[str, Floats] = {}
    for rung in ("full", "short", "cache", "rules"):
        named[rung] = per_second(run, chat & requests.good & (requests.rung == rung))
    degraded = chat & (requests.outcome == Outcome.DEGRADED)
    named["menu"] = per_second(run, degraded & (requests.rung == "menu"))
    named["ticket"] = per_second(run, degraded & (requests.rung != "menu"))
    named["refused"] = per_second(run, chat & (requests.outcome == Outcome.REFUSED))
    named["failed"] = per_second(run, chat & (requests.outcome == Outcome.FAILED))
    return Rates(t_s=grid(run), offered=per_second(run, chat), by_name=named)


def good_by_criticality(run: Run) -> Rates:
    """The share of good requests of each criticality in each second, NaN where none was drawn."""
    named: dict[str, Floats] = {}
    for name in CRITICALITIES:
        level = run.requests.at(name)
        if not level.any():
            continue
        offered, good = per_second(run, level), per_second(run, level & run.requests.good)
        named[name] = np.divide(good, offered, out=np.full(len(good), np.nan), where=offered > 0)
    return Rates(
        t_s=grid(run), offered=per_second(run, np.ones(len(run.requests), bool)), by_name=named
    )


def latency(run: Run, class_: str, share: float) -> Floats:
    """A latency percentile over `SMOOTH_S` seconds around each second, NaN where none ended."""
    found = []
    chosen = run.requests.of(class_)
    for t_s in grid(run):
        near = run.requests.within(
            Window(start_s=t_s + 0.5 - SMOOTH_S / 2, end_s=t_s + 0.5 + SMOOTH_S / 2)
        )
        value = percentile(run.requests.latency_s[chosen & near], share)
        found.append(np.nan if value is None else value)
    return np.array(found)


def summary(run: Run) -> dict[str, Json]:
    """The windows, chat's rates in each, and when the protections engaged, for result.json."""
    rates = chat_rates(run)
    found: dict[str, Json] = {}
    windows = {
        "before": run.before_window,
        "fault": run.fault_window,
        "after": run.after_window,
    }
    for name, window in windows.items():
        inside = (rates.t_s >= window.start_s) & (rates.t_s < window.end_s)
        row: dict[str, Json] = {
            "start_s": round(window.start_s, 3),
            "end_s": round(window.end_s, 3),
        }
        if inside.any():
            row["offered_rps"] = round(float(rates.offered[inside].mean()), 3)
            for kind, values in rates.by_name.items():
                row[f"{kind}_rps"] = round(float(values[inside].mean()), 3)
        if name == "fault" and (engaged_s := engage_s(run)) is not None:
            row["engage_s"] = engaged_s
        found[name] = row
    return found
