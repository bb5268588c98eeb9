"""Steady state and recovery: is a window as good as the base load was before the fault?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teastorm.verdict import names
from teastorm.verdict.attempts import Flags, Floats
from teastorm.verdict.record import Window
from teastorm.verdict.run import Run
from teastorm.verdict.words import CHAT, percentile, success_share

ENOUGH = 20
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """`tau_s` is None when it did not recover; `held_s` the longest sound stretch afterwards.

    `judged_to_s` is the last τ that the data allow to judge; below 0 there is too little.
    """

    tau_s: float | None
    held_s: float
    judged_to_s: float
    windows: int
    worst: str


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
    """Whether the later half waits for longer than the earlier one by more than its noise."""
    half = len(queue) // 2
    early, late = queue[:half], queue[-half:]
    return bool(late.mean() > early.mean() + 2.0 * max(SIGMA_FLOOR, float(early.std())))


def window_p99_s(run: Run, window: Window, class_: str, span_s: float) -> float | None:
    """The worst p99 of the windows of `span_s` within a window: like is compared with like."""
    tails = []
    for start in np.arange(window.start_s, window.end_s - span_s + 1e-9, 1.0):
        chosen = run.requests.within(Window(start_s=start, end_s=start + span_s))
        tail = percentile(run.requests.latency_s[chosen & run.requests.of(class_)], 0.99)
        if tail is not None:
            tails.append(tail)
    return max(tails) if tails else None


def recovery(run: Run, end_s: float) -> Recovery | None:
    """How long after `end_s` the shop was as before, and stayed so; None without a baseline.

    A window of 5 s (1 s step) is sound when each class with 20 requests or more has a good share
    of at least the baseline's - .05, chat's p99 is at most 1.2 times the worst 5 s p99 of the
    baseline but for what sampling explains, and the mean of waiting is at most the baseline's + 2sigma (sigma of at least one request).
    Demand has to be back to .95 of the base rate, or a window is not sound either.
    """
    terms = run.slo.terms
    base_window = baseline_window(run)
    base = steady(run, base_window)
    span = terms.recovery_window_s
    tail = window_p99_s(run, base_window, CHAT, span)
    if tail is None or base.waiting_mean is None or base.waiting_sigma is None or base.n == 0:
        return None
    queue_max = base.waiting_mean + 2.0 * max(SIGMA_FLOOR, base.waiting_sigma)
    starts = np.arange(end_s, run.load_window.end_s - span + 1e-9, 1.0)
    complaints = [
        _complaint(run, Window(start_s=s, end_s=s + span), base, tail, queue_max, base_window)
        for s in starts
    ]
    if any(text is None for text in complaints):
        return None
    sound = np.array([text == "" for text in complaints], dtype=bool)
    need = round(terms.recovery_hold_s - span) + 1
    tau = next(
        (float(i) for i in range(len(sound) - need + 1) if bool(sound[i : i + need].all())), None
    )
    stretch = _longest(sound)
    bad = [text for text in complaints if text]
    return Recovery(
        tau_s=tau,
        held_s=stretch + span - 1.0 if stretch else 0.0,
        judged_to_s=float(len(sound) - need),
        windows=len(sound),
        worst=bad[-1] if bad else "",
    )


def _longest(sound: Flags) -> int:
    best = run = 0
    for ok in sound:
        run = run + 1 if ok else 0
        best = max(best, run)
    return best


def _complaint(
    run: Run, window: Window, base: Steady, tail_s: float, queue_max: float, base_window: Window
) -> str | None:
    """Why a window is not as before; empty when it is; None when the metrics do not say."""
    now = steady_shares(run, window)
    at = f"{window.start_s:.0f} s"
    if CHAT not in now:
        return f"no chat arrived at {at}"
    for name, (share, n) in now.items():
        floor = base.good_share.get(name, 1.0) - run.slo.terms.recovery_good_drop
        if share < floor and (n >= ENOUGH or name == CHAT):
            return f"good share of {name} {share:.3f} at {at}, {floor:.3f} is needed"
    chosen = run.requests.within(window) & run.requests.of(CHAT)
    latency_s = run.requests.latency_s[chosen]
    p99 = percentile(latency_s, 0.99)
    bound_s = run.slo.terms.recovery_p99_ratio * tail_s
    if p99 is None or (p99 > bound_s and _beyond_chance(latency_s, bound_s)):
        return f"chat p99 {p99 or float('nan'):.2f} s at {at}, it was {tail_s:.2f} s"
    return _crowded(run, window, queue_max, base_window)


def _beyond_chance(latency_s: Floats, bound_s: float) -> bool:
    """Whether more than 1 % are above the bound by more than sampling explains (3 sigma).

    The p99 of 230 samples hangs on two of them: arrivals that bunch for a moment move it in a
    shop that is as healthy as can be, while a queue that stays moves a tenth of the samples.
    """
    expected = 0.01 * len(latency_s)
    above = int(np.count_nonzero(~(latency_s <= bound_s)))
    return bool(above > expected + 3.0 * expected**0.5)


def _crowded(run: Run, window: Window, queue_max: float, base_window: Window) -> str | None:
    """Whether more wait than before, or fewer come; None when the metrics do not say."""
    at = f"{window.start_s:.0f} s"
    queue = waiting(run, np.arange(window.start_s, window.end_s, 1.0))
    if queue is None or bool(np.isnan(queue).all()):
        return None
    if float(np.nanmean(queue)) > queue_max:
        return f"{np.nanmean(queue):.1f} requests waiting at {at}, {queue_max:.1f} is as before"
    rate = float(run.chat_rps_grid(window).mean())
    base_rate = float(run.chat_rps_grid(base_window).mean())
    if rate < 0.95 * base_rate:
        return f"only {rate:.0f} of {base_rate:.0f} chats a second at {at}"
    return ""


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
