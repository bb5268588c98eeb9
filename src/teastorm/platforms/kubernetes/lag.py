"""From a rise in demand to a new replica that is ready: where the time went. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(kw_only=True)
class Moments:
    """When the watch first told of each step of a pod's coming up (monotonic seconds)."""

    service: str
    seen_s: float
    scheduled_s: float | None = None
    started_s: float | None = None
    ready_s: float | None = None

    def as_json(self, uid: str, to_unix_s: float) -> dict[str, object]:
        """A row for a run folder, in Unix seconds."""
        row: dict[str, object] = {"uid": uid, "service": self.service}
        for name in ("seen_s", "scheduled_s", "started_s", "ready_s"):
            at_s: float | None = getattr(self, name)
            row[name.replace("_s", "_unix_s")] = (
                None if at_s is None else round(at_s + to_unix_s, 3)
            )
        return row


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The autoscaler's status at `at_s` (monotonic). `value` and `target` are of its first metric.

    Utilisations are percents; None where the status names none yet.
    """

    at_s: float
    service: str
    desired: int
    current: int
    value: float | None
    target: float | None


@dataclass(frozen=True, kw_only=True)
class Lag:
    """Where the time from a rise in demand to the first added, ready pod went, in seconds.

    metric: until the status showed the metric above its target. sync: until the autoscaler wanted
    more. schedule: until a node took the first new pod. start: until its container ran. warm_up:
    until it was ready. None: not seen.
    """

    service: str
    metric_s: float | None
    sync_s: float | None
    schedule_s: float | None
    start_s: float | None
    warm_up_s: float | None

    @property
    def total_s(self) -> float | None:
        """All of it; None when a part is missing."""
        parts = [self.metric_s, self.sync_s, self.schedule_s, self.start_s, self.warm_up_s]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None


def lag(
    service: str, samples: Iterable[Sample], moments: Mapping[str, Moments], since_s: float
) -> Lag | None:
    """The lag of the first scale-up after `since_s`, when demand rose; None when there was none.

    `moments` are of every pod by UID; the first one seen after the decision is the one followed.
    """
    mine = [s for s in samples if s.service == service and s.at_s >= since_s]
    base = [s for s in samples if s.service == service and s.at_s < since_s]
    wanted_before = base[-1].desired if base else (mine[0].desired if mine else 0)
    decided = next((s for s in mine if s.desired > wanted_before), None)
    if decided is None:
        return None
    above = next(
        (s for s in mine if s.value is not None and s.target is not None and s.value > s.target),
        None,
    )
    # One status may bring the metric and the decision together.
    metric_at = min(above.at_s, decided.at_s) if above else decided.at_s
    # The pod and the status come by two watches: the pod may be told of first.
    slack_s = 1.0
    new = sorted(
        (
            m
            for m in moments.values()
            if m.service == service and m.seen_s >= decided.at_s - slack_s
        ),
        key=lambda m: m.seen_s,
    )
    first = new[0] if new else None
    return Lag(
        service=service,
        metric_s=metric_at - since_s,
        sync_s=decided.at_s - metric_at,
        schedule_s=_between(decided.at_s, first.scheduled_s if first else None),
        start_s=_between(first.scheduled_s, first.started_s) if first else None,
        warm_up_s=_between(first.started_s, first.ready_s) if first else None,
    )


def _between(start_s: float | None, end_s: float | None) -> float | None:
    return None if start_s is None or end_s is None else max(0.0, end_s - start_s)
