"""Recovery: from when on is every window as good as the base load was before the fault?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from teastorm.verdict.aftermath import Aftermath, Chats, first_sound, longest
from teastorm.verdict.columns import Floats
from teastorm.verdict.requests import CHAT
from teastorm.verdict.run import Run
from teastorm.verdict.steady import baseline_window, steady, steady_shares, waiting
from teastorm.verdict.window import Window

ENOUGH = 20


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
    baseline but for what sampling explains, that of chats with little company at most 1.2 times
    theirs, and the mean of waiting is at most the baseline's + 2 sigma (of at least one request);
    see `aftermath`. Demand has to be back to .95 of the base rate, or a window is not sound either.
    """
    terms = run.slo.terms
    span_s = terms.recovery_window_s
    base_window = baseline_window(run)
    base = steady(run, base_window)
    if base.waiting_mean is None or base.waiting_sigma is None or base.n == 0:
        return None
    # Windows overlap: who waits and who comes is looked up once for the seconds of all of them.
    whole = Window(start_s=end_s, end_s=max(end_s, run.load_window.end_s))
    seconds = np.arange(whole.start_s, whole.end_s, 1.0)
    after = Aftermath.of(
        _chats(run),
        base=base_window,
        end_s=end_s,
        span_s=span_s,
        ratio=terms.recovery_p99_ratio,
        queue_before=(base.waiting_mean, base.waiting_sigma),
        queue=waiting(run, seconds),
        seconds=len(seconds),
    )
    if after is None:
        return None
    before_rps = float(run.chat_rps_grid(base_window).mean())
    rates = run.chat_rps_grid(whole)
    complaints: list[str] = []
    for i, start_s in enumerate(np.arange(end_s, run.load_window.end_s - span_s + 1e-9, 1.0)):
        window = Window(start_s=start_s, end_s=start_s + span_s)
        said: str | None = _worse(run, window, base.good_share)
        said = said or after.complaint(window)
        if said is None:
            return None
        complaints.append(said or _fewer(window, rates[i : i + math.ceil(span_s)], before_rps))
    sound = np.array([text == "" for text in complaints], dtype=bool)
    need = round(terms.recovery_hold_s - span_s) + 1
    tau = first_sound(sound, need)
    stretch = longest(sound)
    bad = [text for text in complaints if text]
    return Recovery(
        tau_s=None if tau is None else float(tau),
        held_s=stretch + span_s - 1.0 if stretch else 0.0,
        judged_to_s=float(len(sound) - need),
        windows=len(sound),
        worst=bad[-1] if bad else "",
    )


def _chats(run: Run) -> Chats:
    chosen = run.requests.of(CHAT)
    at_s, latency_s = run.requests.intended_s[chosen], run.requests.latency_s[chosen]
    order = np.argsort(at_s, kind="stable")
    return Chats(at_s=at_s[order], latency_s=latency_s[order])


def _worse(run: Run, window: Window, before: Mapping[str, float]) -> str:
    """Whose share of good answers fell; empty when nobody's did."""
    now = steady_shares(run, window)
    at = f"{window.start_s:.0f} s"
    if CHAT not in now:
        return f"no chat arrived at {at}"
    for name, (share, n) in now.items():
        floor = before.get(name, 1.0) - run.slo.terms.recovery_good_drop
        if share < floor and (n >= ENOUGH or name == CHAT):
            return f"good share of {name} {share:.3f} at {at}, {floor:.3f} is needed"
    return ""


def _fewer(window: Window, rates: Floats, before_rps: float) -> str:
    """Whether demand is not back: in a window's seconds, chats a second."""
    rate = float(rates.mean())
    if rate < 0.95 * before_rps:
        return f"only {rate:.0f} of {before_rps:.0f} chats a second at {window.start_s:.0f} s"
    return ""
