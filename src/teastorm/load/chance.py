"""Seeded draws: when somebody comes, who it is, and whose wish is a hard one.

numpy draws, one stream for each purpose, so that no class's draws depend on another's rate. The
same seed gives the same values on every machine that has the locked numpy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from teastorm.load.schedule import Segment
from teastorm.load.settings import Mix

_BLOCK = 20  # hard ones are drawn in blocks that each hold the promised share of them
_STREAMS = {"chat": 1, "menu": 2, "checkout": 3, "utterance": 4, "cart": 5, "users": 6}


def stream(seed: int, name: str, part: int = 0) -> np.random.Generator:
    """The generator of one purpose: chat, menu, checkout, utterance, cart or users."""
    return np.random.default_rng([seed, _STREAMS[name], part])


def times_s(
    seed: int, name: str, segments: Sequence[Segment], scale: float = 1.0
) -> NDArray[np.float64]:
    """When the arrivals of a stream come, sorted, in seconds from the load's start.

    Poisson at piecewise-constant rates: a Poisson number for each segment, spread uniformly (the
    order statistics of a Poisson process). `scale` multiplies every rate.
    """
    rng = stream(seed, name)
    pieces = []
    for s in segments:
        mean = s.rps * scale * (s.end_s - s.start_s)
        if s.even:
            count = round(mean)
            shares = (np.arange(count) + rng.random(count)) / max(1, count)
            pieces.append(s.start_s + shares * (s.end_s - s.start_s))
        else:
            pieces.append(rng.uniform(s.start_s, s.end_s, rng.poisson(mean)))
    return np.sort(np.concatenate(pieces))


def hard_ones(rng: np.random.Generator, count: int, share: float) -> NDArray[np.bool_]:
    """Which of `count` rules cannot resolve: at least `share` of each block, in a drawn order."""
    block = np.arange(_BLOCK) < np.ceil(_BLOCK * share)
    blocks = [rng.permutation(block) for _ in range(count // _BLOCK + 1)]
    return np.concatenate(blocks)[:count]


class Crowd:
    """Users by class, dealt like cards: each comes as often as the next, in a drawn order.

    The order of the calls decides what is dealt; one owner.

    Args:
        honour_share: share of the users of a class that wait for Retry-After.
        window_s: start and end in which each user shall have `mix.requests_per_user` arrivals.
    """

    def __init__(
        self, seed: int, mix: Mix, honour_share: float, window_s: tuple[float, float]
    ) -> None:
        self._rng = stream(seed, "users")
        self._mix = mix
        self._honour_share = honour_share
        self._window_s = window_s

    def deal(self, prefix: str, times: NDArray[np.float64]) -> list[tuple[str, bool]]:
        """For each time a user, named `prefix` and a number, and whether that user honours."""
        start_s, end_s = self._window_s
        inside = np.count_nonzero((times >= start_s) & (times < end_s))
        size = max(5, round(float(inside or len(times)) / self._mix.requests_per_user))
        honours = np.zeros(size, dtype=bool)
        honours[: round(size * self._honour_share)] = True
        self._rng.shuffle(honours)
        rounds = [self._rng.permutation(size) for _ in range(len(times) // size + 1)]
        cards = np.concatenate(rounds)[: len(times)]
        return [(f"{prefix}{card}", bool(honours[card])) for card in cards]
