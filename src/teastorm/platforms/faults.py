"""The faults that a service can be told to have, through its admin port, on every platform."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from teastorm.platforms.errors import PlatformError
from teastorm.platforms.replica import Replica

FAULT_KINDS = ("latency", "errors", "hang", "crash")
"""What a service can suffer itself …"""

EDGE_KINDS = ("latency", "errors", "partition", "refuse", "dns")
"""… and on its way to another one."""

LONGEST_S = 600.0
"""A service keeps no fault for longer, whoever set it (teashop/serving/faults.py and edges.py)."""

EDGES = (("gateway", "inference"), ("gateway", "orders"), ("orders", "dispatch"))
"""Who calls whom, and nobody else does."""

type FaultKind = Literal["latency", "errors", "hang", "crash"]
type EdgeKind = Literal["latency", "errors", "partition", "refuse", "dns"]
type ResolverAnswer = Literal["fails", "none"]


@dataclass(frozen=True, kw_only=True)
class FaultSpec:
    """A fault that a service injects into its own answers (admin port; probes are exempt).

    `share` in 0..1 of the requests are hit. `latency_s` is for latency, `status` for errors.
    `duration_s` is a dead man's switch: the service ends the fault itself after so long.
    """

    kind: FaultKind
    latency_s: float = 0.0
    share: float = 1.0
    status: int = 503
    duration_s: float = 60.0

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"kind must be one of {', '.join(FAULT_KINDS)}, got {self.kind!r}")
        _refuse_what_no_service_takes(self)

    def as_json(self) -> dict[str, str | float | int]:
        """The body of `POST /faults`."""
        return {
            "kind": self.kind,
            "latency_s": self.latency_s,
            "share": self.share,
            "status": self.status,
            "duration_s": self.duration_s,
        }


@dataclass(frozen=True, kw_only=True)
class EdgeFaultSpec:
    """A fault on the way from a service to another one, which the caller's client plays.

    It is set in the caller (`Platform.set_fault`) and lies on its way to `to`, or to that
    service's replica `to_replica` alone. `latency_s` and a jitter drawn evenly from 0 to
    `jitter_s` are for latency, `status` for errors, `share` for both. `partition` drops packets,
    `refuse` rejects them. `answer` is for dns: `fails`, or `none` (the resolver says that there is
    no such name). `duration_s` is the same dead man's switch as a `FaultSpec`'s.
    """

    to: str
    kind: EdgeKind
    to_replica: str | None = None
    latency_s: float = 0.0
    jitter_s: float = 0.0
    share: float = 1.0
    status: int = 503
    answer: ResolverAnswer = "fails"
    duration_s: float = 60.0

    def __post_init__(self) -> None:
        if self.kind not in EDGE_KINDS:
            raise ValueError(f"kind must be one of {', '.join(EDGE_KINDS)}, got {self.kind!r}")
        _refuse_what_no_service_takes(self)
        if not (math.isfinite(self.jitter_s) and self.jitter_s >= 0):
            raise ValueError(f"jitter_s must be 0 or more, got {self.jitter_s}")
        if self.answer not in {"fails", "none"}:
            raise ValueError(f"answer must be fails or none, got {self.answer!r}")
        if self.kind == "dns" and self.to_replica is not None:
            raise ValueError("dns takes no to_replica: a name stands for all replicas of a service")

    def as_json(self) -> dict[str, str | float | int]:
        """What was asked for, without what does not belong to its kind."""
        own: dict[str, tuple[str, ...]] = {
            "latency": ("latency_s", "jitter_s", "share"),
            "errors": ("status", "share"),
            "dns": ("answer",),
        }
        names = ("to", "kind", *own.get(self.kind, ()), "duration_s")
        found = {name: getattr(self, name) for name in names}
        return found if self.to_replica is None else {**found, "to_replica": self.to_replica}


type AnyFault = FaultSpec | EdgeFaultSpec


def _refuse_what_no_service_takes(spec: AnyFault) -> None:
    """What both kinds of faults have in common."""
    if not 0 <= spec.share <= 1:
        raise ValueError(f"share must be between 0 and 1, got {spec.share}")
    if not (math.isfinite(spec.latency_s) and spec.latency_s >= 0):
        raise ValueError(f"latency_s must be 0 or more, got {spec.latency_s}")
    if spec.kind == "latency" and spec.latency_s == 0:
        raise ValueError("a latency fault needs latency_s above 0")
    if not 400 <= spec.status <= 599:
        raise ValueError(f"status must be between 400 and 599, got {spec.status}")
    if not 0 < spec.duration_s <= LONGEST_S:
        raise ValueError(f"duration_s must be above 0 and at most 600, got {spec.duration_s}")


def takers(service: str, living: Sequence[Replica], replica_id: str | None = None) -> list[Replica]:
    """Who takes a fault: each ready replica, or the one that is named, ready or not.

    `living` are the replicas of that service; `PlatformError` (3) when none of them takes it.
    """
    chosen = [r for r in living if (r.ready if replica_id is None else r.replica_id == replica_id)]
    if not chosen:
        raise PlatformError(3, f"{service} has no replica to inject a fault into")
    return chosen


def fault_body(
    spec: AnyFault, callees: Callable[[str], Sequence[Replica]]
) -> dict[str, str | float | int]:
    """The body of `POST /faults`: a callee's replica becomes its endpoint, which callers dial.

    `callees` gives the living replicas of a service; a replica that is not among them is a
    `PlatformError` (2).
    """
    body = spec.as_json()
    if isinstance(spec, FaultSpec):
        return body
    known = {replica.replica_id: replica.endpoint for replica in callees(spec.to)}
    name = body.pop("to_replica", None)
    if name is None:
        return body
    if name not in known:
        raise PlatformError(2, f"no living replica of {spec.to} is called {name}")
    return {**body, "endpoint": known[str(name)]}


def fault_words(spec: AnyFault, count: int) -> str:
    """The detail of the event `fault_set`: what, and in how many replicas."""
    if isinstance(spec, FaultSpec):
        return f"{spec.kind} in {count}"
    return f"{spec.kind} to {spec.to_replica or spec.to} in {count}"
