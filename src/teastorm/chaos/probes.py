"""Probes of an experiment. Those beside a fault wait for their phase, look, and say what they saw.

A probe that sees something else than it stands for fails with a sentence; the verdict is computed
later, from the request log, and not from these.
"""

from chaoslib.exceptions import ActivityFailed

from teastorm.chaos.servers import Counts
from teastorm.chaos.session import FAULT_PHASE, current
from teastorm.platforms.base import JsonValue, PlatformError
from teastorm.runner import arguments

__all__ = ["baseline_is_steady", "during_the_fault", "recovered", "shop_is_healthy"]

WARM_UP_S = 2.0
LAST_S = 5.0
CRITICAL = ("checkout", "payment", "status")
EVERYBODY = ("chat", *CRITICAL, "menu")


def shop_is_healthy() -> bool:
    """True when every wanted replica is ready and listed in the endpoints file.

    Otherwise it fails and names the service: a hypothesis that fails, and not one that is merely
    untrue, is what Chaos Toolkit writes into the journal as a run that could not begin.
    """
    session = current()
    try:
        for service, wanted in session.experiment.replicas.items():
            ready = len(session.site.ready_identities(service))
            if ready < wanted:
                raise ActivityFailed(f"{service}: {ready} of {wanted} replicas are ready")
    except PlatformError as error:
        raise ActivityFailed(error.sentence) from error
    return True


def baseline_is_steady(at_least: float = 0.95) -> dict[str, JsonValue]:
    """Wait for the end of the baseline; at least this share of it came to a good end."""
    arguments.check("baseline_is_steady", at_least=at_least)
    session = current()
    phase = session.window("baseline")
    warm_s = min(WARM_UP_S, phase.seconds / 2)
    counts = session.counted_between(phase.start_s + warm_s, phase.end_s, EVERYBODY)
    return _seen("the baseline", counts, at_least)


def during_the_fault(
    classes: list[str] | None = None, at_least: float = 0.9, at_share: float = 0.9
) -> dict[str, JsonValue]:
    """From the fault's beginning to `at_share` of its phase, `classes` were served well enough.

    Without `classes`: checkout, payment and status.
    """
    arguments.check("during_the_fault", classes=classes, at_least=at_least, at_share=at_share)
    session = current()
    phase = session.window(FAULT_PHASE)
    names = tuple(classes) if classes else CRITICAL
    end_s = phase.start_s + at_share * phase.seconds
    counts = session.counted_between(phase.start_s + min(1.0, phase.seconds / 4), end_s, names)
    return _seen(" and ".join(names), counts, at_least)


def recovered(at_least: float = 0.9) -> dict[str, JsonValue]:
    """Wait for the end of the load; in its last seconds people were served as before."""
    arguments.check("recovered", at_least=at_least)
    session = current()
    phase = session.window("after")
    counts = session.counted_between(
        max(phase.start_s, phase.end_s - LAST_S), phase.end_s, EVERYBODY
    )
    return _seen("the last seconds", counts, at_least)


def _seen(what: str, counts: Counts, at_least: float) -> dict[str, JsonValue]:
    share = counts.good_share
    if share is None:
        raise ActivityFailed(f"{what}: nobody came")
    if share < at_least:
        raise ActivityFailed(
            f"{what}: {share:.1%} of {counts.offered:.0f} were served well, at least {at_least:.1%} "
            "were expected"
        )
    return {"good_share": round(share, 4), "offered": counts.offered, "good": counts.good}
