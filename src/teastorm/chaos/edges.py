"""Actions on the way between two services: the caller's own client plays the network.

Each waits for the load's fault phase, begins, holds, ends and verifies, as those in actions.py do;
put `background: true` on them. Who calls whom: gateway calls inference and orders, orders calls
dispatch.
"""

from functools import partial

from teastorm.chaos.activity import DEAD_MAN_S, at_the_fault
from teastorm.chaos.faults.edge import EdgeFault
from teastorm.chaos.faults.edge_errors import EdgeErrors
from teastorm.chaos.faults.edge_latency import EdgeLatency
from teastorm.chaos.faults.name_resolution import NameResolution
from teastorm.chaos.faults.partition import Partition
from teastorm.chaos.passages import look
from teastorm.chaos.session import current
from teastorm.platforms.base import JsonValue
from teastorm.platforms.faults import EdgeFaultSpec, EdgeKind, ResolverAnswer
from teastorm.runner import arguments

__all__ = ["cut_edge", "fail_edge", "lose_name", "slow_edge"]


def slow_edge(
    caller: str,
    callee: str,
    hold_s: float,
    latency_s: float,
    jitter_s: float = 0.0,
    share: float = 1.0,
    replica: str | None = None,
) -> dict[str, JsonValue]:
    """Let what `caller` asks of `callee` leave `latency_s` later for `hold_s` seconds.

    A jitter, drawn evenly from 0 to `jitter_s`, comes on top; `share` of the requests are hit;
    `replica` names one callee replica. Proved by the callers' own histogram of attempts.
    """
    arguments.check("slow_edge", **locals())
    own = {"to_replica": replica, "latency_s": latency_s, "jitter_s": jitter_s, "share": share}
    return _between(caller, callee, hold_s, EdgeLatency, "latency", **own)


def fail_edge(
    caller: str,
    callee: str,
    hold_s: float,
    status: int = 503,
    share: float = 1.0,
    replica: str | None = None,
) -> dict[str, JsonValue]:
    """Let something on the way answer `status` to `share` of what `caller` asks of `callee`.

    Proved by the callers' count of errors and by the requests that did not arrive.
    """
    arguments.check("fail_edge", **locals())
    own = {"to_replica": replica, "status": status, "share": share}
    return _between(caller, callee, hold_s, EdgeErrors, "errors", **own)


def cut_edge(
    caller: str,
    callee: str,
    hold_s: float,
    refuse: bool = False,
    replica: str | None = None,
) -> dict[str, JsonValue]:
    """Let nothing through from `caller` to `callee` for `hold_s` seconds.

    Packets are dropped without a word; with `refuse` they are rejected. Proved by the callee's own
    count of arrivals and by the callers' failed attempts.
    """
    arguments.check("cut_edge", **locals())
    kind: EdgeKind = "refuse" if refuse else "partition"
    return _between(caller, callee, hold_s, Partition, kind, to_replica=replica)


def lose_name(
    caller: str, callee: str, hold_s: float, answer: ResolverAnswer = "fails"
) -> dict[str, JsonValue]:
    """Let `caller` not resolve the name of `callee` for `hold_s` seconds.

    With `fails` there is no answer, and the last addresses are believed for 30 s; with `none` the
    answer is that there is no such name, and nobody is asked. Proved by the callers' own count of
    look-ups.
    """
    arguments.check("lose_name", **locals())
    return _between(caller, callee, hold_s, NameResolution, "dns", answer=answer)


def _between(
    caller: str,
    callee: str,
    hold_s: float,
    fault: type[EdgeFault],
    kind: EdgeKind,
    **own: object,
) -> dict[str, JsonValue]:
    """Hold a fault between two services; `own` are the fields of its specification that it has."""
    spec = EdgeFaultSpec(to=callee, kind=kind, duration_s=hold_s + DEAD_MAN_S, **own)  # type: ignore[arg-type]  # checked by name just before
    passing = partial(look, current().platform, caller, spec.to, spec.to_replica)
    return at_the_fault(fault(caller, spec, passing), hold_s=hold_s)
