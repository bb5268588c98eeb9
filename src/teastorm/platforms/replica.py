"""A running copy of a service as a platform saw it last, and what happened to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from teastorm.observe.target import ScrapeTarget

type EventKind = Literal[
    "replica_started",
    "replica_ready",
    "replica_unready",
    "replica_restarted",
    "replica_gone",
    "scale",
    "fault_set",
]
type JsonValue = bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
type JsonObject = Mapping[str, JsonValue]


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One running copy of a service, as the platform saw it last.

    `started_unix_s` is when its process began (seconds since 1970). `pid` is None where the
    platform has no process ids to show; there `uid` is the pod's and `restarts` counts the starts
    of its container. Immutable: safe to share.
    """

    service: str
    replica_id: str
    host: str
    port: int
    admin_port: int
    pid: int | None
    started_unix_s: float
    ready: bool
    uid: str = ""
    restarts: int = 0

    @property
    def identity(self) -> str:
        """What changes when a replica is replaced, even under the same name.

        `pid@start` of a process, `uid/restarts` of a pod.
        """
        if self.uid:
            return f"{self.uid}/{self.restarts}"
        return f"{self.pid if self.pid is not None else self.replica_id}@{self.started_unix_s:.2f}"

    @property
    def endpoint(self) -> str:
        """`host:port`, as clients dial it."""
        return f"{self.host}:{self.port}"

    @property
    def target(self) -> ScrapeTarget:
        """Its metrics page, where it can be reached without a proxy."""
        url = f"http://{self.endpoint}/metrics"
        return ScrapeTarget(service=self.service, replica=self.replica_id, url=url)


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a replica. `at_s` is this process's `time.monotonic()`."""

    at_s: float
    kind: EventKind
    service: str
    replica_id: str = ""
    pid: int | None = None
    started_unix_s: float | None = None
    detail: str = ""
    uid: str = ""

    @classmethod
    def of(
        cls,
        kind: EventKind,
        service: str,
        replica: Replica | None,
        *,
        at_s: float,
        detail: str = "",
    ) -> Self:
        """What happened to a replica, or to its service as a whole (None)."""
        return cls(
            at_s=at_s,
            kind=kind,
            service=service,
            replica_id="" if replica is None else replica.replica_id,
            pid=None if replica is None else replica.pid,
            started_unix_s=None if replica is None else replica.started_unix_s,
            detail=detail,
        )

    def as_json(self, *, t0_s: float = 0.0) -> dict[str, JsonValue]:
        """A row of events.json; `t_s` is relative to `t0_s` (monotonic)."""
        row: dict[str, JsonValue] = {
            "t_s": round(self.at_s - t0_s, 6),
            "kind": self.kind,
            "service": self.service,
            "replica": self.replica_id,
            "pid": self.pid,
            "start_time": self.started_unix_s,
        }
        if self.uid:
            row["uid"] = self.uid
        if self.detail:
            row["detail"] = self.detail
        return row
