"""Who goes first when not all can: a threshold over criticality and user, after DAGOR."""

from dataclasses import dataclass
from typing import Final
from zlib import crc32

from teashop.resilience.checks import above, at_least, within
from teashop.resilience.criticality import Criticality

_LEVELS: Final = len(Criticality)
_OPEN: Final = float(_LEVELS)
_WHOLE: Final = 1.0 - 1e-9
"""A whole level and nothing of the next; at 1.0 the next would be announced with a share of 0."""
_HASHES: Final = float(1 << 32)
_MASK: Final = (1 << 32) - 1
_MIX: Final = 0x45D9F3B


@dataclass(frozen=True, kw_only=True, slots=True)
class PriorityConfig:
    """Settings of a threshold.

    Attributes:
        window_s: how often the threshold moves.
        tighten: share of the admitted load that is cut after an overloaded window.
        release: share that is added after a calm one.
        hurry: after k windows of one kind in a row both shares are min(k, hurry) times as large.
        floor: criticalities below this number are never shed here (1: critical_plus never is).
        rotation_s: the order of users within a level is drawn anew so often.
    """

    window_s: float = 0.25
    tighten: float = 0.05
    release: float = 0.05
    hurry: int = 4
    floor: float = 1.0
    rotation_s: float = 60.0

    def __post_init__(self) -> None:
        above(self, "window_s", self.window_s, 0.0)
        at_least(self, "hurry", self.hurry, 1)
        within(self, "tighten", self.tighten, 0.001, 0.9 / self.hurry)
        within(self, "release", self.release, 0.001, 1.0)
        within(self, "floor", self.floor, 0.0, _OPEN)
        above(self, "rotation_s", self.rotation_s, 0.0)


class Threshold:
    """DAGOR's overload control, on a continuous scale.

    Zhou et al., "Overload Control for Scaling WeChat Microservices", SoCC 2018, section 4.2.
    A request of criticality c whose user hashes to h in [0, 1) has the compound priority c + h and
    is admitted if c + h < T. T = 4 admits all; lowering it takes users away from the least critical
    level one by one, and only when that level is empty from the next: whole levels before fractions
    of a higher one. The hash is of (user, now // rotation_s), so the same users lose for one
    rotation at most, and for that long a user is treated alike by every call (a half-served session
    is worth nothing).

    Each window counts what was offered by criticality. If it was overloaded the admitted load
    shall fall to (1 - tighten) of what was admitted, else rise to (1 + release) of it; T is moved
    to where the counts, taken as uniform over users, put that load. DAGOR uses 5 % and 1 % with
    windows of a second; the shop's crowd triples within seconds and its recovery is timed, hence
    shorter windows, a faster release, and larger steps while windows of one kind follow each other
    (`hurry`: 3x is answered in about seven windows instead of twenty-two; where the two kinds
    alternate, at the settling point, steps are the small ones).

    Not thread-safe.

    Attributes:
        whole: levels below this number pass whole, that one in part.
        offered: requests of this window, by criticality. A caller that sees its level below `whole`
            may add it here and spare itself the question: `admits` would do no more.
    """

    __slots__ = (
        "_calm_votes",
        "_config",
        "_epoch",
        "_epoch_ends_s",
        "_epoch_starts_s",
        "_run",
        "_shed",
        "_threshold",
        "_votes",
        "_was_overloaded",
        "_window_ends_s",
        "offered",
        "whole",
    )

    def __init__(self, config: PriorityConfig) -> None:
        self._config = config
        self._threshold = _OPEN
        self.whole = _LEVELS
        self._epoch = 0
        self._epoch_starts_s = self._epoch_ends_s = 0.0
        self.offered = [0] * _LEVELS
        self._shed = 0
        self._votes = 0
        self._calm_votes = 0
        self._run = 0
        self._was_overloaded = False
        self._window_ends_s: float | None = None

    @property
    def level(self) -> int:
        """The least important criticality of which anybody is admitted."""
        whole = self.whole
        return whole if whole < _LEVELS else _LEVELS - 1

    @property
    def share(self) -> float:
        """The share of users of `level` that is admitted, 0 to 1; all above it are."""
        return self._threshold - self.level

    def announced(self) -> str:
        """The threshold as `X-Threshold` carries it: `level:share`."""
        return f"{self.level}:{self.share:.3f}"

    def position(self, user: str, now_s: float) -> float:
        """The place of a user within a level, 0 (kept longest) to 1, for this rotation."""
        if not self._epoch_starts_s <= now_s < self._epoch_ends_s:
            self._rotate(now_s)
        # A CRC is linear: seeded with the epoch it would only flip the same bits of every user. So
        # it is mixed as the integer hash of T. Mueller (the author of H2) does it, which is not, and
        # whose factor leaves every product within a machine word.
        mixed = crc32(user.encode("utf-8", "replace")) ^ self._epoch
        mixed = (mixed ^ mixed >> 16) * _MIX & _MASK
        mixed = (mixed ^ mixed >> 16) * _MIX & _MASK
        return (mixed ^ mixed >> 16) / _HASHES

    def _rotate(self, now_s: float) -> None:
        rotation_s = self._config.rotation_s
        epoch = int(now_s // rotation_s)
        self._epoch = epoch * 0x9E3779B1 & _MASK
        self._epoch_starts_s = epoch * rotation_s
        self._epoch_ends_s = (epoch + 1) * rotation_s

    def admits(self, criticality: int, user: str, now_s: float) -> bool:
        """Whether this request may pass now; counts it as offered."""
        self.offered[criticality] += 1
        whole = self.whole
        if criticality < whole or (
            criticality == whole and criticality + self.position(user, now_s) < self._threshold
        ):
            return True
        self._shed += 1
        return False

    def crowd_out(self, criticality: int) -> None:
        """Shut out whoever matters less than `criticality`, of which one just found no place.

        A crowd that triples within a second fills a short queue before the window is over; until
        it is, the places that come free would go to whoever asks next, important or not.
        """
        lowest = criticality + _WHOLE
        if lowest < self._threshold:
            self._set(lowest)

    def observe(self, now_s: float, overloaded: bool) -> None:
        """Vote on the present window (a queue delay above target, a full queue, a lost request).

        The window counts as overloaded if half of its votes say so.
        """
        self._votes += 1
        if not overloaded:
            self._calm_votes += 1
        ends_s = self._window_ends_s
        if ends_s is None:
            self._window_ends_s = now_s + self._config.window_s
        elif now_s >= ends_s:
            self._move(self._calm_votes * 2 <= self._votes, now_s)

    def _move(self, overloaded: bool, now_s: float) -> None:
        config = self._config
        self._run = self._run + 1 if overloaded == self._was_overloaded else 1
        self._was_overloaded = overloaded
        pace = min(self._run, config.hurry)
        if overloaded:
            reached = self._reach(self._passed() * (1.0 - pace * config.tighten))
            # Also with nothing counted the next window must admit less ...
            self._set(min(reached, self._threshold - config.tighten / 10.0))
        elif self._threshold < _OPEN:
            reached = self._reach(self._passed() * (1.0 + pace * config.release))
            # ... or more: five per cent of nobody would keep a level shut for ever.
            self._set(max(reached, self._threshold + pace * config.release / 2.5))
        self.offered = [0] * _LEVELS
        self._shed = self._votes = self._calm_votes = 0
        self._window_ends_s = now_s + config.window_s

    def _passed(self) -> int:
        return sum(self.offered) - self._shed

    def _set(self, threshold: float) -> None:
        self._threshold = max(self._config.floor, min(_OPEN, threshold))
        self.whole = int(self._threshold)

    def _reach(self, wanted: float) -> float:
        """The threshold that would have admitted `wanted` of what was offered."""
        below = 0.0
        for level, offered in enumerate(self.offered):
            if below + offered > wanted:
                return level + (wanted - below) / offered
            below += offered
        return _OPEN
