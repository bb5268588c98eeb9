"""The run as faults see it: a platform, a clock, the stop flag, and who is alive."""

import threading
import time
from contextlib import AbstractContextManager

import psutil

from teastorm.chaos.faults.base import Identity
from teastorm.chaos.interruption import Interruption
from teastorm.platforms.base import JsonValue, Platform, Replica
from teastorm.platforms.endpoints import read_endpoints

START_TOLERANCE_S = 0.1
"""Process start times are read to a clock tick; two processes with one pid are further apart."""


class LiveSite:
    """`Site` over a deployed platform. Thread-safe. `t0_s` is `time.monotonic()` at the start."""

    def __init__(self, platform: Platform, interruption: Interruption, t0_s: float) -> None:
        self._platform = platform
        self._interruption = interruption
        self._t0_s = t0_s
        self._lock = threading.Lock()
        self._events: list[dict[str, JsonValue]] = []

    @property
    def platform(self) -> Platform:
        """Where the shop runs."""
        return self._platform

    @property
    def t0_s(self) -> float:
        """The run's start on the monotonic clock."""
        return self._t0_s

    def now_s(self) -> float:
        """Seconds since the run's start."""
        return time.monotonic() - self._t0_s

    def wait(self, seconds: float) -> bool:
        """Wait; True as soon as the run is being interrupted."""
        return self._interruption.wait(seconds)

    def pause(self, seconds: float) -> None:
        """Wait, interrupted or not."""
        time.sleep(seconds)

    def shielded(self) -> AbstractContextManager[None]:
        """A block that no signal cuts short."""
        return self._interruption.shielded()

    def note(self, kind: str, **fields: JsonValue) -> None:
        """Add an event."""
        row: dict[str, JsonValue] = {"t_s": round(self.now_s(), 6), "kind": kind, **fields}
        with self._lock:
            self._events.append(row)

    def events(self) -> list[dict[str, JsonValue]]:
        """The platform's events and ours, by time."""
        with self._lock:
            ours = list(self._events)
        theirs = [dict(event.as_json(t0_s=self._t0_s)) for event in self._platform.events()]
        return sorted([*theirs, *ours], key=_when)

    def identities(self, service: str) -> list[Identity]:
        """The living replicas of a service, oldest first."""
        return [_identity(replica) for replica in self._platform.replicas(service)]

    def ready_identities(self, service: str) -> list[Identity]:
        """Those that are ready and that clients can find in the endpoints file."""
        listed = read_endpoints(self._platform.endpoints_file, service)
        return [
            _identity(replica)
            for replica in self._platform.replicas(service)
            if replica.ready and replica.endpoint in listed
        ]

    def still_running(self, identity: Identity) -> bool:
        """Asked of the operating system, where replicas are processes of it."""
        if self._platform.name != "local" or identity.pid is None:
            return any(identity in self.identities(s) for s in self._services())
        try:
            process = psutil.Process(identity.pid)
            same = abs(process.create_time() - identity.started) < START_TOLERANCE_S
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def _services(self) -> set[str]:
        return {replica.service for replica in self._platform.replicas()}


def _identity(replica: Replica) -> Identity:
    # A pod is itself by its UID and restart count; when its container starts is known later.
    started = 0.0 if replica.uid else round(replica.started_unix_s, 3)
    return Identity(
        replica=replica.replica_id,
        pid=replica.pid,
        started=started,
        uid=replica.uid,
        restarts=replica.restarts,
    )


def _when(row: dict[str, JsonValue]) -> float:
    at_s = row["t_s"]
    return float(at_s) if isinstance(at_s, int | float) else 0.0
