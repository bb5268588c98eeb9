"""Actions of an experiment: the load, and faults beside it.

Faults wait for the load's fault phase, begin, hold, end and verify, in one blocking call each; put
`background: true` on them so that probes can look meanwhile. Arguments are positional because
Chaos Toolkit's discovery shows only those.
"""

from functools import partial

from chaoslib.exceptions import ActivityFailed

from teastorm.chaos.activity import DEAD_MAN_S, at_the_fault, held
from teastorm.chaos.canary import ask
from teastorm.chaos.faults.container_kill import ContainerKill
from teastorm.chaos.faults.hang import Hang
from teastorm.chaos.faults.injection import Injection
from teastorm.chaos.faults.loss_of_all import LossOfAll
from teastorm.chaos.faults.node_drain import NodeDrain
from teastorm.chaos.faults.postgres_loss import PostgresLoss
from teastorm.chaos.faults.replica_loss import ReplicaLoss
from teastorm.chaos.faults.rolling_restart import RollingRestart
from teastorm.chaos.faults.surge import Surge
from teastorm.chaos.offering import start
from teastorm.chaos.servers import counted
from teastorm.chaos.session import FAULT_PHASE, current
from teastorm.platforms.base import JsonValue
from teastorm.platforms.faults import FaultKind, FaultSpec
from teastorm.runner import arguments
from teastorm.runner.shape import LoadShape

__all__ = [
    "begin_load",
    "drain_node",
    "finish_load",
    "hang",
    "inject",
    "kill_container",
    "lose_all",
    "lose_database",
    "lose_replica",
    "restart_rolling",
    "roll_back_faults",
    "scale_late",
    "surge",
]

LAST_ANSWERS_S = 60.0


def begin_load(
    factor: float,
    fault_s: float,
    baseline_s: float = 12.0,
    after_s: float = 32.0,
    base_factor: float = 0.7,
    curve: str | None = None,
) -> dict[str, JsonValue]:
    """Begin an open-loop load in three phases: baseline, fault, after.

    Chat (and menu) arrive at `base_factor` times the capacity K, then at `factor` times K for
    `fault_s` seconds (with `curve`, at its peak), then at `base_factor` again. Returns when the
    first requests are due; the load goes on by itself.
    """
    arguments.check("begin_load", **locals())
    session = current()
    if session.load is not None:
        raise ActivityFailed("the load has begun already")
    shape = LoadShape(
        factor=factor,
        fault_s=fault_s,
        baseline_s=baseline_s,
        after_s=after_s,
        base_factor=base_factor,
        curve=curve,
    )
    start(session, shape)
    return {
        "capacity_rps": session.capacity_rps,
        "phases": [
            {"name": w.name, "start_s": w.start_s, "end_s": w.end_s} for w in session.windows
        ],
    }


def finish_load() -> dict[str, JsonValue]:
    """Wait for the load's end and its last answers."""
    session = current()
    load = session.load
    if load is None:
        raise ActivityFailed("the load has not begun; begin_load must come first")
    session.wait_until(session.windows[-1].end_s)
    load.finish(timeout_s=LAST_ANSWERS_S)
    return {"ended_s": session.site.now_s()}


def surge() -> dict[str, JsonValue]:
    """Hold for the load's fault phase; proved by the gateways' own counters."""
    session = current()
    phase = session.window(FAULT_PHASE)
    session.wait_until(phase.start_s)
    fault = Surge(
        session.chat_rps[FAULT_PHASE],
        seen=lambda: counted(session.platform, ("chat",)),
    )
    return held(session, fault, phase.end_s - session.site.now_s())


def lose_replica(service: str, signal: str = "KILL", count: int = 1) -> dict[str, JsonValue]:
    """Signal `count` replicas of `service` when the fault phase begins.

    Returns when others stand in their place; proved by process identities.
    """
    arguments.check("lose_replica", **locals())
    return at_the_fault(ReplicaLoss(service, signal=signal, count=count), hold_s=1.0)


def lose_all(service: str, hold_s: float) -> dict[str, JsonValue]:
    """Kill all replicas of `service` when the fault phase begins; replace none for `hold_s`."""
    arguments.check("lose_all", **locals())
    return at_the_fault(LossOfAll(service), hold_s=hold_s)


def inject(
    service: str,
    kind: FaultKind,
    hold_s: float,
    latency_s: float = 0.0,
    share: float = 1.0,
    status: int = 503,
) -> dict[str, JsonValue]:
    """Let every replica of `service` answer late, with errors or never, for `hold_s` seconds.

    `kind` is latency (adds `latency_s`), errors (answers `status`), hang or crash; `share` of the
    requests are hit. Proved by canary requests of our own.
    """
    arguments.check("inject", **locals())
    spec = FaultSpec(
        kind=kind,
        latency_s=latency_s,
        share=share,
        status=status,
        # Should this process die, the service ends the fault by itself.
        duration_s=hold_s + DEAD_MAN_S,
    )
    canary = partial(ask, current().platform)
    return at_the_fault(Injection(service, spec, canary), hold_s=hold_s)


def kill_container(service: str, count: int = 1) -> dict[str, JsonValue]:
    """SIGKILL the process in `count` pods of `service` when the fault phase begins (cluster only).

    Returns when the kubelet has started the containers again; proved by their restart counts.
    """
    arguments.check("kill_container", **locals())
    return at_the_fault(ContainerKill(service, count=count), hold_s=1.0)


def hang(service: str, hold_s: float, count: int = 1) -> dict[str, JsonValue]:
    """Stop the process in `count` pods of `service` for `hold_s` seconds (cluster only).

    Proved by requests that went unanswered; says whether liveness killed a container meanwhile.
    """
    arguments.check("hang", **locals())
    return at_the_fault(Hang(service, hold_s=hold_s, count=count), hold_s=hold_s)


def restart_rolling(service: str, within_s: float = 60.0) -> dict[str, JsonValue]:
    """Replace every pod of `service`, one after the other, from the fault phase on (cluster only).

    Returns when the Deployment says it is done; proved by pod UIDs.
    """
    arguments.check("restart_rolling", **locals())
    return at_the_fault(RollingRestart(service), hold_s=within_s)


def drain_node(
    service: str, within_s: float = 60.0, node: str | None = None, at_once: bool = False
) -> dict[str, JsonValue]:
    """Cordon a node with a pod of `service` and evict the shop's pods on it (cluster only).

    Evictions honour disruption budgets, and each waits for the successor of the one before unless
    `at_once` (as `kubectl drain` does it). The node takes pods again afterwards. Refused for the node
    that holds PostgreSQL's volume; proved by the pods' own eviction conditions and UIDs.
    """
    arguments.check("drain_node", **locals())
    return at_the_fault(NodeDrain(service, node=node, at_once=at_once), hold_s=within_s)


def lose_database() -> dict[str, JsonValue]:
    """Kill PostgreSQL's pod when the fault phase begins (cluster only).

    Returns when another one is ready; proved by pod UIDs.
    """
    return at_the_fault(PostgresLoss(), hold_s=1.0)


def scale_late(service: str, to: int, trigger_s: float, startup_s: float) -> dict[str, JsonValue]:
    """Want `to` replicas of `service`, `trigger_s` after the fault phase began.

    Added replicas start `startup_s` later still, as nodes and images take their time. Returns
    when all are ready.
    """
    arguments.check("scale_late", **locals())
    session = current()
    session.wait_until(session.window(FAULT_PHASE).start_s + trigger_s)
    asked_s = session.site.now_s()
    session.platform.scale(service, to, startup_s=startup_s)
    while len(session.site.ready_identities(service)) < to:
        if session.site.now_s() > session.windows[-1].end_s:
            raise ActivityFailed(f"{service} did not reach {to} replicas before the load ended")
        if session.site.wait(0.2):
            raise ActivityFailed("the run was interrupted")
    return {"asked_s": asked_s, "ready_s": session.site.now_s(), "replicas": to}


def roll_back_faults() -> dict[str, JsonValue]:
    """End every fault that has not ended by itself."""
    session = current()
    if not session.roll_back():
        raise ActivityFailed("a fault could not be rolled back; the shop may still be faulty")
    return {"faults": len(session.episodes)}
