"""Who comes: users dealt like cards, so that each comes as often as the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FEWEST = 5
_MOST = 100_000
"""Beyond it each comes more often than the mix says (see docs)."""


class Users:
    """Users of one kind, dealt in rounds, each round in a newly drawn order.

    Args:
        size: how many there should be by the mix, which says how often each comes.
        honour_share: share of them that wait for what Retry-After says.

    Attributes:
        honours: by user, whether they do.
    """

    def __init__(self, size: float, honour_share: float, rng: np.random.Generator) -> None:
        count = max(_FEWEST, min(_MOST, round(size)))
        honours = np.arange(count) < round(count * honour_share)
        rng.shuffle(honours)
        self.honours: NDArray[np.bool_] = honours
        self._rng = rng
        self._round: NDArray[np.int64] = rng.permutation(count)
        self._next = 0

    def deal(self, count: int) -> NDArray[np.int64]:
        """The numbers of the next `count` users."""
        parts = [self._round[:0]]
        while count > 0:
            part = self._round[self._next : self._next + count]
            parts.append(part)
            count -= len(part)
            self._next += len(part)
            if self._next >= len(self._round):
                self._round = self._rng.permutation(len(self._round))
                self._next = 0
        return np.concatenate(parts)
