"""A fault as one blocking activity of an experiment: it waits for its phase, holds, ends, verifies."""

from chaoslib.exceptions import ActivityFailed

from teastorm.chaos.faults.base import Fault
from teastorm.chaos.session import FAULT_PHASE, Session, current
from teastorm.platforms.base import JsonValue

DEAD_MAN_S = 15.0
"""How much longer than planned a service keeps an injected fault by itself."""


def at_the_fault(fault: Fault, *, hold_s: float) -> dict[str, JsonValue]:
    """Run a fault for `hold_s` seconds from the beginning of the fault phase on; see `held`."""
    session = current()
    session.wait_until(session.window(FAULT_PHASE).start_s)
    return held(session, fault, hold_s)


def held(session: Session, fault: Fault, hold_s: float) -> dict[str, JsonValue]:
    """Run a fault from now on; its number and evidence, once it is over.

    `ActivityFailed` when it was cut short, or is not proved.
    """
    with session.episode(fault) as episode:
        whole = episode.hold(hold_s)
    record = episode.record
    if not whole:
        raise ActivityFailed(f"{record.id}: cut short by an interruption, and rolled back")
    if not record.proved:
        raise ActivityFailed(f"{record.id}: not proved: {record.evidence}")
    return {"id": record.id, "proved": record.proved, "evidence": record.evidence}
