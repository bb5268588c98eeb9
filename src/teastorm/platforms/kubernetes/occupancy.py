"""Who holds a namespace, as far as its Lease tells: to be shown, or before something is done to it.

A holder of this machine holds it as long as its process lives, and not a moment longer. One from
elsewhere holds it for the lease's duration after its last renewal, by whose clock is the question.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from teastorm.platforms.kubernetes.api import Api, Json
from teastorm.platforms.kubernetes.errors import NotThere
from teastorm.platforms.kubernetes.holder import Holder
from teastorm.platforms.kubernetes.pods import unix_s

NAME = "teastorm-run"
LOOK_S = 1.0


def list_path(namespace: str) -> str:
    """Where the leases of a namespace are."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


def path_of(namespace: str) -> str:
    """Where the lease of a namespace's run is."""
    return f"{list_path(namespace)}/{NAME}"


def named_holder(lease: Json) -> str:
    """The holder that a lease names, living or not; empty without one."""
    return str((lease.get("spec") or {}).get("holderIdentity") or "")


def read_holder(api: Api, namespace: str) -> str | None:
    """Who holds the namespace now; None when nobody living does."""
    try:
        found = api.get(path_of(namespace))
    except NotThere:
        return None
    return living_holder(found, datetime.now(UTC))


def read_settled_holder(api: Api, namespace: str) -> str | None:
    """The same for whoever would act on it: see `settled_holder`."""
    try:
        found = api.get(path_of(namespace))
    except NotThere:
        return None
    return settled_holder(api, namespace, found, now=datetime.now(UTC))


def living_holder(lease: Json, now: datetime) -> str | None:
    """The holder, unless it is a process of this machine that is gone, or its lease ran out.

    Whether a lease from elsewhere ran out is told by two machines' clocks here, which is good
    enough to show; `settled_holder` is for whoever would act on it.
    """
    holder = named_holder(lease)
    if not holder:
        return None
    known = Holder.parse(holder)
    if known is not None and known.is_here:
        return holder if known.lives else None
    return holder if _fresh(lease, now) else None


def settled_holder(
    api: Api,
    namespace: str,
    lease: Json,
    *,
    now: datetime,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> str | None:
    """The same whatever the clocks say: a lease from elsewhere that looks run out is watched.

    `clock` (monotonic seconds) and `wait` are what another's silence is timed by. Takes up to the
    lease's duration in that one case; a holder that renews is told at once.
    """
    if alive := living_holder(lease, now):
        return alive
    known = Holder.parse(named_holder(lease))
    if not named_holder(lease) or (known is not None and known.is_here):
        return None
    until_s = clock() + float((lease.get("spec") or {}).get("leaseDurationSeconds") or 0)
    while clock() < until_s:
        wait(LOOK_S)
        try:
            found = api.get(path_of(namespace))
        except NotThere:
            return None
        if _said(found) != _said(lease):
            return named_holder(found) or None
    return None


def _fresh(lease: Json, now: datetime) -> bool:
    spec = lease.get("spec") or {}
    renewed_s = unix_s(spec.get("renewTime")) or 0.0
    # A clock that is ahead of ours would otherwise hold for as long as it is ahead.
    return abs(now.timestamp() - renewed_s) <= float(spec.get("leaseDurationSeconds") or 0)


def _said(lease: Json) -> tuple[str, object]:
    return named_holder(lease), (lease.get("spec") or {}).get("renewTime")
