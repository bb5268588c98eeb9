"""What the AI could have done, what it spent, and what came in time: sequence-seconds."""

from __future__ import annotations

import numpy as np

from teastorm.verdict import names
from teastorm.verdict.requests import CHAT
from teastorm.verdict.run import Run
from teastorm.verdict.window import Window
from teastorm.verdict.words import goodput_rps, in_time_sequence_s, offered_rps

# A window cuts answers in two: what was asked in it and answered after it counts whole.
EDGES = 0.15


def replica_seconds(run: Run, window: Window, step_s: float = 0.1) -> float:
    """Seconds of ready AI replicas in a window, summed over replicas."""
    at = np.arange(window.start_s, window.end_s, step_s) + step_s / 2
    return float(run.inference_replicas(at).sum() * step_s)


def available_sequence_s(run: Run, window: Window) -> float:
    """N · B · |W|, with N as it was from second to second."""
    return replica_seconds(run, window) * run.meta.inference.max_num_seqs


def spent_sequence_s(run: Run, window: Window) -> float | None:
    """Sequence-seconds the AI spent in a window, by its own count; None when not exported.

    From the counter where there is one, else the running sequences integrated over time.
    """
    counted = run.metrics.increase(names.SEQUENCE_SECONDS, window.start_s, window.end_s)
    if counted is not None:
        return counted
    grid = np.arange(window.start_s, window.end_s, 0.25)
    running = run.metrics.total(names.RUNNING, grid, service="inference")
    if running is None or float(np.isnan(running).mean()) > 0.1:
        return None
    return float(np.nanmean(running) * window.seconds)


def impossible(run: Run, window: Window) -> str:
    """What of the AI's work cannot be: more than it spent, or than it had; empty when all can."""
    delivered = in_time_sequence_s(run.requests, window)
    spent, available = spent_sequence_s(run, window), available_sequence_s(run, window)
    if spent is not None and delivered > spent * (1 + EDGES):
        return f"answers claim {delivered:.0f} sequence-seconds, the AI spent {spent:.0f}"
    if delivered > available * (1 + EDGES):
        return f"answers claim {delivered:.0f} sequence-seconds, the AI had {available:.0f}"
    return ""


def utilisation(run: Run, window: Window) -> float | None:
    """Sequence-seconds delivered in time / available; None without any AI or time."""
    available = available_sequence_s(run, window)
    return in_time_sequence_s(run.requests, window) / available if available > 0 else None


def wasted_share(run: Run, window: Window) -> float | None:
    """1 - delivered in time / spent, from 0 to 1; None when what was spent is not known."""
    spent = spent_sequence_s(run, window)
    if spent is None or spent <= 0:
        return None
    return max(0.0, 1.0 - in_time_sequence_s(run.requests, window) / spent)


def deliverable_rps(run: Run, window: Window) -> float:
    """What goodput is measured against: the mean of min(λ, K) over the window.

    λ is the plan's rate from second to second, times how many came of those it makes: arrivals are
    drawn, and who did not come cannot be served. In 10 s at 46/s one seed in sixty draws less than
    .9 of the plan. For a lost replica K is K(N-1)/N, with N those of the service that lost one, for m of them
    K(N-m)/N, and 0 when all went.
    """
    capacity = run.meta.capacity.rps
    for fault in run.faults:
        if fault.is_out:
            return 0.0
        if fault.is_loss:
            total = max(1, run.meta.replicas.get(fault.service, 1))
            asked = fault.planned.get("count")
            lost = asked if isinstance(asked, int) and asked > 0 else 1
            capacity = min(capacity, run.meta.capacity.rps * max(0, total - lost) / total)
    rates = run.chat_rps_grid(window)
    planned_rps = float(rates.mean()) if len(rates) else 0.0
    if planned_rps <= 0:
        return 0.0
    drawn_rps = offered_rps(run.requests, CHAT, window) or 0.0
    return float(np.minimum(rates * (drawn_rps / planned_rps), capacity).mean())


def retention(run: Run, window: Window) -> float | None:
    """Chat goodput / `deliverable_rps`; None when nothing could have been delivered."""
    possible = deliverable_rps(run, window)
    goodput = goodput_rps(run.requests, CHAT, window)
    return None if goodput is None or possible <= 0 else goodput / possible
