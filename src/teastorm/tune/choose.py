"""From what was tried to a front, and from the front to one recommendation, tried again.

The search sees few seeds and many settings, so its best are partly lucky. Those on its front are
therefore simulated again with seeds that the search never saw; only these figures are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from teastorm.autoscale.manifest import Manifest
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.hpa import scaling_of
from teastorm.simulate.scaling import Scaling
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.score import Score, score
from teastorm.tune.service import Service
from teastorm.tune.setting import Setting
from teastorm.tune.slo import Slo
from teastorm.tune.study import Tried

MOST_ON_FRONT = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A setting with its figures from fresh seeds. `setting` is None for the HPA in force now."""

    name: str
    setting: Setting | None
    score: Score


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The outcome of a session.

    Attributes:
        front: by pod-hours, cheapest first.
        chosen: the recommendation; None when nothing meets the objectives.
        sure: whether the intervals, not only the means, meet them.
        nearest: what comes nearest to the objectives.
        now: the HPA in force, if one was given.
    """

    front: tuple[Candidate, ...]
    chosen: Candidate | None
    sure: bool
    nearest: Candidate
    now: Candidate | None


def front_of(tried: Sequence[Tried], slo: Slo) -> list[Tried]:
    """Those that no other beats in misses, pod-hours and changes alike; a few, spread by cost.

    Of those that came to the very same the first stands for all. Settings that meet the objectives
    come before those that do not.
    """
    first = {_figures(one): one for one in reversed(tried)}
    best = [one for mine, one in first.items() if not any(_beats(other, mine) for other in first)]
    meeting = sorted((t for t in best if t.score.meets(slo)), key=_cost)
    # Beyond the cheapest that meet them, only a few that miss less are worth telling.
    rest = sorted((t for t in best if not t.score.meets(slo)), key=lambda t: _excess(t, slo))
    few = [*meeting[: MOST_ON_FRONT - 2], *rest][:MOST_ON_FRONT]
    return sorted(few, key=_cost)


def choose(
    service: Service,
    tried: Sequence[Tried],
    slo: Slo,
    seeds: Sequence[int],
    *,
    factor: float,
    now: Manifest | None = None,
    executor: Executor | None = None,
) -> Choice:
    """Simulate the front again with `seeds` and recommend; TuneInvalid if `now` is not for here."""
    few = front_of(tried, slo)
    scalings = [one.setting.scaling(service) for one in few]
    if now is not None:
        scalings.append(_in_force(now, service))
    scores = score(service, scalings, seeds, factor=factor, executor=executor)
    front = tuple(
        Candidate(name=chr(ord("A") + n), setting=one.setting, score=found)
        for n, (one, found) in enumerate(zip(few, scores, strict=False))
    )
    current = None if now is None else Candidate(name="now", setting=None, score=scores[-1])
    surely = [c for c in front if c.score.meets(slo, cautious=True)]
    likely = [c for c in front if c.score.meets(slo)]
    pool = surely or likely
    return Choice(
        front=front,
        chosen=min(pool, key=_price) if pool else None,
        sure=bool(surely),
        nearest=min(front, key=lambda c: (slo.excess(c.score.measured()), _price(c))),
        now=current,
    )


def _in_force(manifest: Manifest, service: Service) -> Scaling:
    """The HPA in force as the simulation has it; TuneInvalid when its metric is not simulated."""
    try:
        return scaling_of(manifest, service.names.known)
    except ScenarioInvalid as error:
        raise TuneInvalid(f"--now: {str(error).rstrip('.')}") from error


type _Figures = tuple[float, float, float]


def _beats(a: _Figures, b: _Figures) -> bool:
    """Whether `a` is at least as good in everything and better in something."""
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


def _figures(tried: Tried) -> _Figures:
    """What is to be small."""
    score = tried.score
    return score.miss_share.mean, score.pod_hours.mean, score.changes.mean


def _cost(tried: Tried) -> float:
    return tried.score.pod_hours.mean


def _excess(tried: Tried, slo: Slo) -> float:
    return slo.excess(tried.score.measured())


def _price(candidate: Candidate) -> tuple[float, float]:
    """Pod-hours; changes decide between equals."""
    return candidate.score.pod_hours.mean, candidate.score.changes.mean
