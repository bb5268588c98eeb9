"""Recovery: from when on is every window as good as the base load was before the fault?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from teastorm.verdict.columns import Flags, Floats
from teastorm.verdict.crowding import comparable, is_calm
from teastorm.verdict.requests import CHAT
from teastorm.verdict.run import Run
from teastorm.verdict.steady import (
    SIGMA_FLOOR,
    baseline_window,
    steady,
    steady_shares,
    waiting,
    window_p99_s,
)
from teastorm.verdict.window import Window
from teastorm.verdict.words import percentile

ENOUGH = 20
_SCRAPED_S = 1.0


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


def recovery(run: Run, end_s: float) -> Recovery | None:
    """How long after `end_s` the shop was as before, and stayed so; None without a baseline.

    A window of 5 s (1 s step) is sound when each class with 20 requests or more has a good share
    of at least the baseline's - .05, chat's p99 is at most 1.2 times the worst 5 s p99 of the
    baseline but for what sampling explains, and the mean of waiting is at most the baseline's +
    2sigma (sigma of at least one request). Chats that found more company than any of the
    baseline's did (see `crowding`), and the seconds in which such a bunch stays, have nothing to
    be compared with: they are left out of the p99 where most remain, and of waiting where any do.
    Demand has to be back to .95 of the base rate, or a window is not sound either.
    """
    terms = run.slo.terms
    base_window = baseline_window(run)
    base = steady(run, base_window)
    span = terms.recovery_window_s
    tail = window_p99_s(run, base_window, CHAT, span)
    if tail is None or base.waiting_mean is None or base.waiting_sigma is None or base.n == 0:
        return None
    before = _Before(
        shares=base.good_share,
        tail_s=tail,
        queue_max=base.waiting_mean + 2.0 * max(SIGMA_FLOOR, base.waiting_sigma),
        chat_rps=float(run.chat_rps_grid(base_window).mean()),
    )
    alike = _alike(run, base_window, tail, end_s)
    starts = np.arange(end_s, run.load_window.end_s - span + 1e-9, 1.0)
    # Windows overlap: who waits and who comes is looked up once for the seconds of all of them.
    whole = Window(start_s=end_s, end_s=max(end_s, run.load_window.end_s))
    seconds = np.arange(whole.start_s, whole.end_s, 1.0)
    queue, rates = waiting(run, seconds), run.chat_rps_grid(whole)
    came = run.requests.of(CHAT) & (run.requests.intended_s >= end_s)
    bunched_s = np.sort(run.requests.intended_s[came & ~alike])
    # What a second's gauge says may be a second old, and who came stays for a while.
    calm = is_calm(seconds, bunched_s, _SCRAPED_S + tail)
    length = math.ceil(span)
    complaints = []
    for i, start_s in enumerate(starts):
        window = Window(start_s=start_s, end_s=start_s + span)
        complaints.append(
            _complaint(run, window, before, alike)
            or _crowded(
                window,
                before,
                None if queue is None else _calm_of(queue[i : i + length], calm[i : i + length]),
                rates[i : i + length],
            )
        )
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What a window is held to: the baseline."""

    shares: Mapping[str, float]
    tail_s: float
    queue_max: float
    chat_rps: float


def _most_of(values: Floats, alike: Flags) -> Floats:
    """Those that can be compared, or all where they are fewer than half: a p99 needs many."""
    return values[alike] if 2 * int(alike.sum()) >= len(values) else values


def _calm_of(queue: Floats, calm: Flags) -> Floats:
    """The calm seconds, or all where there is none: what stays waits in those too."""
    return queue[calm] if bool(calm.any()) else queue


def _alike(run: Run, base: Window, stay_s: float, end_s: float) -> Flags:
    """The chats from `end_s` on that found no more company than those of the baseline."""
    requests = run.requests
    chat = requests.of(CHAT)
    after = chat & (requests.intended_s >= end_s)
    before = chat & requests.within(base)
    alike = np.zeros(len(requests), dtype=np.bool_)
    alike[after] = comparable(requests.intended_s[after], requests.intended_s[before], stay_s)
    return alike


def _complaint(run: Run, window: Window, before: _Before, alike: Flags) -> str:
    """Why people were served worse than before; empty when they were not."""
    now = steady_shares(run, window)
    at = f"{window.start_s:.0f} s"
    if CHAT not in now:
        return f"no chat arrived at {at}"
    for name, (share, n) in now.items():
        floor = before.shares.get(name, 1.0) - run.slo.terms.recovery_good_drop
        if share < floor and (n >= ENOUGH or name == CHAT):
            return f"good share of {name} {share:.3f} at {at}, {floor:.3f} is needed"
    chosen = run.requests.within(window) & run.requests.of(CHAT)
    latency_s = _most_of(run.requests.latency_s[chosen], alike[chosen])
    p99 = percentile(latency_s, 0.99)
    bound_s = run.slo.terms.recovery_p99_ratio * before.tail_s
    if p99 is None or (p99 > bound_s and _beyond_chance(latency_s, bound_s)):
        return f"chat p99 {p99 or float('nan'):.2f} s at {at}, it was {before.tail_s:.2f} s"
    return ""


def _beyond_chance(latency_s: Floats, bound_s: float) -> bool:
    """Whether more than 1 % are above the bound by more than sampling explains (3 sigma).

    The p99 of 230 samples hangs on two of them: arrivals that bunch for a moment move it in a
    shop that is as healthy as can be, while a queue that stays moves a tenth of the samples.
    """
    expected = 0.01 * len(latency_s)
    above = int(np.count_nonzero(~(latency_s <= bound_s)))
    return bool(above > expected + 3.0 * expected**0.5)


def _crowded(window: Window, before: _Before, queue: Floats | None, rates: Floats) -> str | None:
    """Whether more wait than before, or fewer come; None when the metrics do not say.

    `queue` and `rates` are of the window's seconds: requests waiting, chats a second.
    """
    at = f"{window.start_s:.0f} s"
    if queue is None or bool(np.isnan(queue).all()):
        return None
    if float(np.nanmean(queue)) > before.queue_max:
        return (
            f"{np.nanmean(queue):.1f} requests waiting at {at}, {before.queue_max:.1f} is as before"
        )
    rate = float(rates.mean())
    if rate < 0.95 * before.chat_rps:
        return f"only {rate:.0f} of {before.chat_rps:.0f} chats a second at {at}"
    return ""
