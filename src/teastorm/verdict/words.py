"""The measures of DEFINITIONS.md as pure functions over requests: goodput, amplification, fairness.

Nothing here reads files or knows a bound. Windows select requests by their *intended* time.
"""

from __future__ import annotations

import numpy as np

from teastorm.verdict.columns import Flags, Floats
from teastorm.verdict.requests import CHAT, Outcome, Requests
from teastorm.verdict.window import Window


def goodput_rps(requests: Requests, class_: str, window: Window) -> float | None:
    """Sum of w(rung) over good requests of a class in the window, a second; None if it is empty."""
    if window.seconds <= 0:
        return None
    chosen = requests.of(class_) & requests.within(window) & requests.good
    return float(requests.weight[chosen].sum() / window.seconds)


def offered_rps(requests: Requests, class_: str, window: Window) -> float | None:
    """Drawn arrivals of a class a second, sent or not; None if the window is empty."""
    if window.seconds <= 0:
        return None
    return float((requests.of(class_) & requests.within(window)).sum() / window.seconds)


def in_time_sequence_s(requests: Requests, window: Window) -> float:
    """Sequence-seconds of the AI that ended in a good answer to a request of the window."""
    chosen = requests.of(CHAT) & requests.within(window) & requests.good
    return float(requests.sequence_s[chosen].sum())


def success_share(requests: Requests, chosen: Flags) -> float | None:
    """Good requests among the chosen; None when there is none."""
    total = int(chosen.sum())
    return float((chosen & requests.good).sum() / total) if total else None


def amplification(requests: Requests, chosen: Flags) -> tuple[float, float] | None:
    """Attempts / requests, in all and without those a Retry-After had invited; None if none."""
    total = int(chosen.sum())
    if not total:
        return None
    sent = float(requests.attempts[chosen].sum())
    uninvited = sent - float(requests.invited[chosen].sum())
    return sent / total, uninvited / total


def jain(shares: Floats) -> float | None:
    """Jain's index (sum x)^2 / (n sum x^2), from 1/n to 1; None when all are 0 or there is none.

    Jain, Chiu, Hawe: A Quantitative Measure of Fairness (DEC-TR-301, 1984).
    """
    squares = float((shares**2).sum())
    if len(shares) == 0 or squares == 0:
        return None
    return float(shares.sum() ** 2 / (len(shares) * squares))


def user_shares(requests: Requests, chosen: Flags, *, at_least: int = 5) -> Floats:
    """(good + degraded) / offered of each user with at least so many of the chosen requests."""
    _, group = np.unique(requests.user[chosen], return_inverse=True)
    offered = np.bincount(group)
    served = np.bincount(group, weights=requests.outcome[chosen] <= Outcome.DEGRADED)
    enough = offered >= at_least
    return served[enough] / offered[enough]


def percentile(values: Floats, share: float) -> float | None:
    """The smallest value that `share` of the finite values do not exceed; None without values."""
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return None
    return float(np.quantile(finite, share, method="inverted_cdf"))
