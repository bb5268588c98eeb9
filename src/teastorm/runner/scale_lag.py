"""Why an added replica came when it did: the lag of scaling, split in its parts.

Read from the run's events: a decision of the autoscaler carries what it knew of its own delay, the
platform says when the replica's process began and when it was ready.
"""

from collections.abc import Iterable, Mapping
from typing import cast

from teastorm.platforms.base import JsonValue

type Row = Mapping[str, JsonValue]


def scaled_out(events: Iterable[Row]) -> list[dict[str, JsonValue]]:
    """A row for each replica that an autoscaler's decision brought, at the moment it was ready.

    `lag` has, in seconds, `metric_s`, `sync_s` and `hold_s` of the decision, `start_s` from there
    to the process, `warm_up_s` from there to readiness. Starts are matched with decisions in
    order; one that replaced a lost replica belongs to none.
    """
    rows: list[dict[str, JsonValue]] = []
    owed: list[Row] = []
    begun: dict[str, tuple[float, Row]] = {}
    for event in sorted(events, key=_at):
        kind, service = event["kind"], str(event.get("service", ""))
        replica = str(event.get("replica", ""))
        if kind == "autoscale":
            more = cast("int", event["desired"]) - cast("int", event["current"])
            owed.extend([event] * more)
            for one in [one for one in reversed(owed) if one["service"] == service][
                : max(-more, 0)
            ]:
                owed.remove(one)  # no longer wanted, should it not have started yet
        elif kind == "replica_started":
            decision = next((one for one in owed if one["service"] == service), None)
            if decision is not None:
                owed.remove(decision)
                begun[replica] = (_at(event), decision)
        elif kind == "replica_ready" and replica in begun:
            started_s, decision = begun.pop(replica)
            asked_s, ready_s = _at(decision), _at(event)
            parts = cast("Mapping[str, float]", decision.get("lag") or {})
            rows.append(
                {
                    "t_s": ready_s,
                    "kind": "scaled_out",
                    "service": service,
                    "replica": replica,
                    "asked_s": asked_s,
                    "lag": {
                        **parts,
                        "start_s": round(started_s - asked_s, 3),
                        "warm_up_s": round(ready_s - started_s, 3),
                    },
                }
            )
    return rows


def _at(event: Row) -> float:
    return float(cast("float", event["t_s"]))
