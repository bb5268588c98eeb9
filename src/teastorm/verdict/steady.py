"""What a window looked like: shares, latencies, who waits; and which window is the baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teastorm.verdict import names
from teastorm.verdict.columns import Floats
from teastorm.verdict.run import Run
from teastorm.verdict.window import Window
from teastorm.verdict.words import percentile, success_share

MIN_REQUESTS = 200
# A queue that is usually empty has no spread to speak of; one request is the least there is.
SIGMA_FLOOR = 1.0
# Who is in flight when a fault strikes feels it. A sound answer takes less than this; where one
# takes longer the baseline is judged too hard, never too kindly.
IN_FLIGHT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """What a window looked like; shares by class, latency in seconds, waiting in requests."""

    n: int
    good_share: dict[str, float]
    p99_s: dict[str, float]
    refused_share: float
    waiting_mean: float | None
    waiting_sigma: float | None
    waiting_grows: bool | None


def waiting(run: Run, grid_s: Floats) -> Floats | None:
    """Requests waiting anywhere (AI queue and gateway queue) at each time; None if not exported.

    NaN while fewer AI replicas were seen than were ready: who is not seen may hold the crowd.
    """
    parts = [run.metrics.total(kind, grid_s) for kind in (names.WAITING, names.GATEWAY_QUEUE)]
    if parts[0] is None:
        return None
    known = [part for part in parts if part is not None]
    seen = run.metrics.seen(names.WAITING, grid_s)
    blind = np.isnan(parts[0]) | (seen < run.inference_replicas(grid_s))
    total = np.asarray(sum(np.nan_to_num(part) for part in known), dtype=np.float64)
    return np.where(blind, np.nan, total)


def baseline_window(run: Run) -> Window:
    """The last `baseline_s` of what the fault did not touch, longer where that is under 200 requests."""
    before = run.before_window
    end = max(before.start_s, before.end_s - IN_FLIGHT_S)
    start = max(before.start_s, end - run.slo.terms.baseline_s)
    window = Window(start_s=start, end_s=end)
    while window.start_s > before.start_s and int(run.requests.within(window).sum()) < MIN_REQUESTS:
        window = Window(start_s=max(before.start_s, window.start_s - 1.0), end_s=window.end_s)
    return window


def steady(run: Run, window: Window) -> Steady:
    """The facts of a window, from requests and metrics."""
    inside = run.requests.within(window)
    shares: dict[str, float] = {}
    tails: dict[str, float] = {}
    for name in run.meta.deadlines_s:
        chosen = inside & run.requests.of(name)
        share = success_share(run.requests, chosen)
        if share is None:
            continue
        shares[name] = share
        tail = percentile(run.requests.latency_s[chosen], 0.99)
        tails[name] = float("inf") if tail is None else tail
    total = int(inside.sum())
    refused = int((inside & run.requests.refused_any).sum())
    grid = np.arange(window.start_s, window.end_s, 1.0)
    queue = waiting(run, grid)
    known = None if queue is None else queue[np.isfinite(queue)]
    enough = known is not None and len(known) >= 3
    return Steady(
        n=total,
        good_share=shares,
        p99_s=tails,
        refused_share=refused / total if total else float("nan"),
        waiting_mean=float(known.mean()) if known is not None and enough else None,
        waiting_sigma=float(known.std()) if known is not None and enough else None,
        waiting_grows=_grows(known) if known is not None and enough else None,
    )


def _grows(queue: Floats) -> bool:
    """Whether the later half waits for longer than the earlier one by more than its noise.

    Medians, since a queue that grows is longer in most seconds, and a bunch of arrivals in one or
    two: by means one healthy baseline in 800 grew.
    """
    half = len(queue) // 2
    early, late = queue[:half], queue[-half:]
    noise = 2.0 * max(SIGMA_FLOOR, float(early.std()))
    return bool(np.median(late) > np.median(early) + noise)


def steady_shares(run: Run, window: Window) -> dict[str, tuple[float, int]]:
    """Good share and number of requests of each class in a window."""
    inside = run.requests.within(window)
    found: dict[str, tuple[float, int]] = {}
    for name in run.meta.deadlines_s:
        chosen = inside & run.requests.of(name)
        share = success_share(run.requests, chosen)
        if share is not None:
            found[name] = (share, int(chosen.sum()))
    return found
