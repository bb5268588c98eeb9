"""The one run in progress: what the control opened, and actions and probes work on.

Chaos Toolkit calls plain functions and hands them no context, so the run in progress is found
through `current`. There is one at a time in a process; opening and closing belong to the control.
"""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chaoslib.exceptions import ActivityFailed

from teastorm.chaos.faults.base import Fault
from teastorm.chaos.faults.episode import Episode
from teastorm.chaos.interruption import Interruption
from teastorm.chaos.offer import Load
from teastorm.chaos.servers import Counts, counted
from teastorm.chaos.site import LiveSite
from teastorm.load.plan import LoadPlan
from teastorm.platforms.base import JsonValue, Platform
from teastorm.runner.experiment import Experiment
from teastorm.runner.folder import RunFolder

POLL_S = 0.2
FAULT_PHASE = "fault"
"""The phase of the load in which the crowd comes, or the fault strikes."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """A phase of the load, in seconds since the run's start."""

    name: str
    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end_s - self.start_s


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What of a run was chosen outside the experiment's file."""

    platform: str
    arm: str
    seed: int

    def __post_init__(self) -> None:
        if self.arm not in {"protected", "unprotected"}:
            raise ValueError(f"arm must be protected or unprotected, got {self.arm!r}")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed must be between 0 and 2147483647, got {self.seed}")


@dataclass(kw_only=True)
class Session:
    """A run in progress. `plan`, `load` and `windows` are set when the load begins.

    `trouble`: why it did not, in sentences for whoever runs it.
    """

    experiment: Experiment
    chosen: Chosen
    folder: RunFolder
    interruption: Interruption
    site: LiveSite
    capacity_rps: float
    t0_unix_s: float
    plan: LoadPlan | None = None
    windows: tuple[Window, ...] = ()
    load: Load | None = None
    trouble: list[str] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    chat_rps: dict[str, float] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def platform(self) -> Platform:
        """Where the shop runs."""
        return self.site.platform

    def window(self, name: str) -> Window:
        """A phase by name; ActivityFailed before the load has begun."""
        for window in self.windows:
            if window.name == name:
                return window
        raise ActivityFailed(f"the load has no phase {name!r}; begin_load must come first")

    def wait_until(self, at_s: float) -> None:
        """Wait for a moment of the run; ActivityFailed when interrupted or the load died."""
        while (left_s := at_s - self.site.now_s()) > 0:
            if self.site.wait(min(POLL_S, left_s)):
                raise ActivityFailed("the run was interrupted")
            if self.load is not None and not self.load.running() and left_s > 1:
                raise ActivityFailed("the load's process ended early; see logs/load.log")

    def counted_between(self, start_s: float, end_s: float, classes: tuple[str, ...]) -> Counts:
        """Wait for both moments; what the gateways counted of some classes between them."""
        self.wait_until(start_s)
        first = counted(self.platform, classes)
        self.wait_until(end_s)
        return counted(self.platform, classes) - first

    @contextmanager
    def episode(self, fault: Fault) -> Iterator[Episode]:
        """Run a fault; its row is in faults.json from the moment it begins."""
        with self._lock:
            episode = Episode(
                fault, self.site, f"{fault.kind}-{fault.service}-{next(self._numbers)}"
            )
            self.episodes.append(episode)
        with episode:
            yield episode

    def roll_back(self) -> bool:
        """End every fault that has not ended; True when all are over."""
        with self._lock:
            episodes = list(self.episodes)
        over = [episode.roll_back() for episode in episodes]  # each, whatever became of the others
        return all(over)

    def fault_rows(self) -> list[dict[str, JsonValue]]:
        """faults.json."""
        with self._lock:
            return [episode.record.as_json() for episode in self.episodes]


_state: dict[str, Session] = {}


def current() -> Session:
    """The run in progress; ActivityFailed when the control is missing from the experiment."""
    session = _state.get("session")
    if session is None:
        raise ActivityFailed(
            "no teastorm run is open; add the control teastorm.chaos.control to the experiment"
        )
    return session


def is_open() -> Session | None:
    """The run in progress, if any."""
    return _state.get("session")


def open_session(session: Session) -> None:
    """Make `session` the one in progress."""
    _state["session"] = session


def close_session() -> None:
    """There is none in progress any more."""
    _state.pop("session", None)
