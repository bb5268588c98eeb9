"""What a fault is: it begins, is observed, ends, and is verified to be over.

A `Fault` says how; an `Episode` (episode.py) runs it and fills its row of faults.json. The row's `proved` is
never taken from the call that caused the fault: it is computed from what can be seen otherwise
(process identities, the endpoints file, the servers' own counters, a canary's answer). After
Jepsen's nemeses (jepsen.nemesis): setup, invoke, teardown, with the teardown not optional.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from teastorm.platforms.base import JsonValue, Platform


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Which process a replica is: the same name with another pid or start is another one.

    `started` is in seconds since 1970. A pod has a `uid` and counts the restarts of its container.
    """

    replica: str
    pid: int | None
    started: float
    uid: str = ""
    restarts: int = 0

    def as_json(self) -> dict[str, JsonValue]:
        """An entry of `before` and `after` in faults.json."""
        row: dict[str, JsonValue] = {
            "replica": self.replica,
            "pid": self.pid,
            "started": self.started,
        }
        return row | {"uid": self.uid, "restarts": self.restarts} if self.uid else row

    def __str__(self) -> str:
        if self.uid:
            return f"{self.replica} (uid {self.uid}, restarts {self.restarts})"
        return f"{self.replica} (pid {self.pid}, started {self.started:.2f})"


def names(identities: Iterable[Identity]) -> str:
    """Identities in a sentence."""
    return ", ".join(map(str, identities)) or "none"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Whether a fault happened, and what shows it in one sentence."""

    proved: bool
    evidence: str


class Site(Protocol):
    """What a fault sees of the run. Thread-safe."""

    @property
    def platform(self) -> Platform:
        """Where the shop runs."""
        ...

    def now_s(self) -> float:
        """Seconds since the run's start."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait; True as soon as the run is being interrupted."""
        ...

    def pause(self, seconds: float) -> None:
        """Wait, whatever happens: used while a fault is being rolled back."""
        ...

    def shielded(self) -> AbstractContextManager[None]:
        """A block that no signal cuts short."""
        ...

    def note(self, kind: str, **fields: JsonValue) -> None:
        """Add an event to events.json."""
        ...

    def identities(self, service: str) -> list[Identity]:
        """The living replicas of a service."""
        ...

    def ready_identities(self, service: str) -> list[Identity]:
        """Those that are ready and listed in the endpoints file."""
        ...

    def still_running(self, identity: Identity) -> bool:
        """Whether that very process lives, asked of the operating system where there is one."""
        ...


class Fault(ABC):
    """How one kind of fault begins, shows and ends. One object is one fault; used by one thread."""

    kind: str
    service: str
    heals_within_s: float = 30.0
    """How long after its end the shop may take to be whole again."""

    @abstractmethod
    def planned(self) -> dict[str, JsonValue]:
        """What was asked for, for faults.json."""

    @abstractmethod
    def begin(self, site: Site) -> None:
        """Cause it. Must return within seconds."""

    @abstractmethod
    def observe(self, site: Site) -> None:
        """Look for its effect; called a few times a second while it holds."""

    def over(self, site: Site) -> bool:
        """Whether holding on would show nothing more; asked after each look."""
        del site
        return False

    @abstractmethod
    def end(self, site: Site) -> None:
        """Undo it. Safe to call twice."""

    @abstractmethod
    def healed(self, site: Site) -> bool:
        """Whether the shop is whole again as far as this fault goes."""

    @abstractmethod
    def proof(self, site: Site) -> Proof:
        """What the observations amount to; called after the end."""

    def ended_s(self, began_s: float, undone_s: float) -> float:
        """When the fault counts as over, seconds since the run's start."""
        del began_s
        return undone_s


@dataclass(kw_only=True)
class FaultRecord:
    """A row of faults.json while it grows. Times in seconds since the run's start."""

    id: str
    kind: str
    service: str
    planned: dict[str, JsonValue]
    began_s: float | None = None
    ended_s: float | None = None
    before: list[Identity] = field(default_factory=list)
    after: list[Identity] = field(default_factory=list)
    proved: bool = False
    evidence: str = "it did not begin"
    rolled_back: bool = False
    healed_s: float | None = None

    def as_json(self) -> dict[str, JsonValue]:
        """The row as it is written."""
        row: dict[str, JsonValue] = {
            name: getattr(self, name) for name in (f.name for f in dataclasses.fields(self))
        }
        row["before"] = [identity.as_json() for identity in self.before]
        row["after"] = [identity.as_json() for identity in self.after]
        return row
