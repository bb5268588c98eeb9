"""Chats and waiting after a fault, beside those of before: plain arrays, of a run or of a model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from teastorm.verdict.columns import Flags, Floats
from teastorm.verdict.crowding import comparable, is_calm
from teastorm.verdict.steady import SIGMA_FLOOR
from teastorm.verdict.window import Window
from teastorm.verdict.words import percentile

SCRAPED_S = 1.0
LONGER = 2.0
"""Company is counted over so many stays besides: a bunch that goes on for long piles up."""
QUIET_SHARE = 0.75
"""Of the baseline's chats: those that found the least company."""
FEWEST = 50
"""Chats of a window that are judged without the others: a p99 needs many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chats:
    """When chats were meant to be sent, ascending, and what each took (NaN: no answer); seconds."""

    at_s: Floats
    latency_s: Floats

    def within(self, window: Window) -> slice:
        """Where those of a window are."""
        first, last = np.searchsorted(self.at_s, (window.start_s, window.end_s))
        return slice(int(first), int(last))

    def tail_s(self, window: Window, span_s: float) -> float | None:
        """The worst p99 of the windows of `span_s` within a window; None without answers."""
        tails = []
        for start_s in np.arange(window.start_s, window.end_s - span_s + 1e-9, 1.0):
            span = self.within(Window(start_s=start_s, end_s=start_s + span_s))
            if (tail := percentile(self.latency_s[span], 0.99)) is not None:
                tails.append(tail)
        return max(tails) if tails else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What windows after a fault are held to, and what of them can be compared with before.

    Chats that found more company than any of the baseline's did (see `crowding`), and the seconds
    in which such a bunch stays, have nothing to be compared with: they are left out of the p99
    where enough remain, and of waiting where any do. The quiet ones, with no more company than
    three quarters of the baseline's, are besides compared among themselves: a bunch in the
    baseline raises its p99 and could hide that each answer takes longer than before.

    Attributes:
        tail_s, quiet_tail_s: the baseline's p99, of all and of the quiet; `ratio` times as much is
            allowed.
        queue_max: as many may wait on average.
        queue: who waits in each second from `end_s`; None: not exported.
        alike, quiet: which chats can be compared; `calm`: which seconds.
    """

    chats: Chats
    end_s: float
    ratio: float
    tail_s: float
    quiet_tail_s: float
    queue_max: float
    queue: Floats | None
    alike: Flags
    quiet: Flags
    calm: Flags

    @classmethod
    def of(
        cls,
        chats: Chats,
        *,
        base: Window,
        end_s: float,
        span_s: float,
        ratio: float,
        queue_before: tuple[float, float],
        queue: Floats | None,
        seconds: int,
    ) -> Aftermath | None:
        """Of all chats of a run; None when the baseline has no answer.

        Args:
            span_s: how long windows are.
            ratio: how many times as long a p99 may be.
            queue_before: mean and standard deviation of who waited in the baseline.
            queue: who waits in each of so many `seconds` from `end_s`.
        """
        tail_s = chats.tail_s(base, span_s)
        if tail_s is None:
            return None
        before = chats.within(base)
        arrived_s = chats.at_s[before]
        first = int(np.searchsorted(chats.at_s, end_s))
        after_s = chats.at_s[first:]
        stay_s = percentile(chats.latency_s[before], 0.5) or tail_s
        bunched = ~comparable(after_s, arrived_s, tail_s)
        alike = np.zeros(len(chats.at_s), dtype=np.bool_)
        quiet = alike.copy()
        alike[first:] = ~bunched & comparable(after_s, arrived_s, LONGER * tail_s)
        quiet[first:] = comparable(after_s, arrived_s, stay_s, QUIET_SHARE)
        calmest = comparable(arrived_s, arrived_s, stay_s, QUIET_SHARE)
        quietest = Chats(at_s=arrived_s[calmest], latency_s=chats.latency_s[before][calmest])
        quiet_tail_s = quietest.tail_s(base, span_s)
        mean, sigma = queue_before
        return cls(
            chats=chats,
            end_s=end_s,
            ratio=ratio,
            tail_s=tail_s,
            quiet_tail_s=tail_s if quiet_tail_s is None else quiet_tail_s,
            queue_max=mean + 2.0 * max(SIGMA_FLOOR, sigma),
            queue=queue,
            alike=alike,
            quiet=quiet,
            # A second's gauge may be a second old, and who came stays for a while.
            calm=is_calm(
                end_s + np.arange(seconds, dtype=np.float64),
                after_s[bunched],
                SCRAPED_S + tail_s,
            ),
        )

    def complaint(self, window: Window) -> str | None:
        """What is worse than before, empty when nothing is; None when nobody knows who waits."""
        at = f"at {window.start_s:.0f} s"
        if slower := self.slower(window):
            return f"{slower} {at}"
        waiting = self.waiting(window)
        if waiting is None:
            return None
        if waiting > self.queue_max:
            return f"{waiting:.1f} requests waiting {at}, {self.queue_max:.1f} is as before"
        return ""

    def slower(self, window: Window) -> str:
        """How chats take longer than before by more than chance explains; empty when they do not."""
        span = self.chats.within(window)
        latency_s, alike, quiet = self.chats.latency_s[span], self.alike[span], self.quiet[span]
        most = latency_s[alike] if int(alike.sum()) >= FEWEST else latency_s
        if said := self._above(most, self.tail_s):
            return f"chat p99 {said}"
        if int(quiet.sum()) < FEWEST:
            return ""
        said = self._above(latency_s[quiet], self.quiet_tail_s)
        return f"p99 of chats with little company {said}" if said else ""

    def _above(self, latency_s: Floats, tail_s: float) -> str:
        p99 = percentile(latency_s, 0.99)
        bound_s = self.ratio * tail_s
        if p99 is not None and not (p99 > bound_s and beyond_chance(latency_s, bound_s)):
            return ""
        return f"{float('nan') if p99 is None else p99:.2f} s ({tail_s:.2f} s before)"

    def waiting(self, window: Window) -> float | None:
        """The mean of who waits in a window's calm seconds (all where none is); None: not known."""
        if self.queue is None:
            return None
        first = round(window.start_s - self.end_s)
        last = first + math.ceil(window.seconds)
        queue, calm = self.queue[first:last], self.calm[first:last]
        if calm.any():  # what stays waits in those too
            queue = queue[calm]
        known = queue[np.isfinite(queue)]
        return float(known.mean()) if len(known) else None


def beyond_chance(latency_s: Floats, bound_s: float) -> bool:
    """Whether more than 1 % are above the bound by more than sampling explains (3 sigma).

    The p99 of 230 samples hangs on two of them: arrivals that bunch for a moment move it in a
    shop that is as healthy as can be, while a queue that stays moves a tenth of the samples.
    """
    expected = 0.01 * len(latency_s)
    above = int(np.count_nonzero(~(latency_s <= bound_s)))
    return bool(above > expected + 3.0 * expected**0.5)


def first_sound(sound: Flags, need: int) -> int | None:
    """The first of `need` sound windows on end; None when there are none such."""
    return next((i for i in range(len(sound) - need + 1) if bool(sound[i : i + need].all())), None)


def longest(sound: Flags) -> int:
    """How many windows on end were sound, at most."""
    best = run = 0
    for ok in sound:
        run = run + 1 if ok else 0
        best = max(best, run)
    return best
