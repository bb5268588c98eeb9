"""A session's outcome as one versioned object, for programs."""

from __future__ import annotations

from dataclasses import asdict

from teastorm.tune.choose import Candidate
from teastorm.tune.score import Figure, Score
from teastorm.tune.session import Session


def as_json(session: Session) -> dict[str, object]:
    """The versioned object, without its schema's name."""
    choice, demand = session.choice, session.service.scenario.demand
    return {
        "demand": demand.name,
        "orders": demand.orders,
        "hours": demand.seconds / 3600,
        "source": session.service.source,
        "slo": str(session.slo),
        "time_factor": session.factor,
        "replica_rps": session.service.replica_rps,
        "startup_s": session.service.startup_s,
        "trials": len(session.tried),
        "met": choice.chosen is not None,
        "sure": choice.sure,
        "recommended": None if choice.chosen is None else choice.chosen.name,
        "nearest": choice.nearest.name,
        "own_speed": None if session.own_speed is None else _figures(session.own_speed),
        "front": [_candidate(one, session) for one in choice.front],
        "now": None if choice.now is None else _candidate(choice.now, session),
        "recommendation": list(session.sentences),
        "assumed": list(session.assumed),
    }


def _candidate(one: Candidate, session: Session) -> dict[str, object]:
    figures = _figures(one.score)
    return {
        "name": one.name,
        "meets": one.score.meets(session.slo),
        "setting": None if one.setting is None else one.setting.as_json(),
        "target": None
        if one.setting is None
        else asdict(one.setting.target(session.service)) | {"function": _function(one, session)},
        "planned": []
        if one.setting is None
        else [
            {"at_s": p.at_s, "min_replicas": p.min_replicas}
            for p in one.setting.planned(session.service, session.service.scenario.demand)
        ],
        **figures,
    }


def _figures(found: Score) -> dict[str, object]:
    return {
        "miss_share": _figure(found.miss_share),
        "refused_share": _figure(found.refused_share),
        "p99_s": None if found.p99_s is None else _figure(found.p99_s),
        "pod_hours": _figure(found.pod_hours),
        "changes": _figure(found.changes),
        "seeds": [run.seed for run in found.runs],
    }


def _function(one: Candidate, session: Session) -> str:
    return "" if one.setting is None else one.setting.target(session.service).function.value


def _figure(figure: Figure) -> dict[str, float | None]:
    return {"mean": figure.mean, "half_width": figure.half_width}
