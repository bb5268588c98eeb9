"""A whole session: search, choose, say; and its outcome as one versioned object."""

from __future__ import annotations

import dataclasses
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from teastorm.autoscale.manifest import Manifest
from teastorm.tune import manifests, words
from teastorm.tune.choose import Candidate, Choice, choose
from teastorm.tune.compress import factor_for
from teastorm.tune.score import Figure, Score, score
from teastorm.tune.search import search
from teastorm.tune.service import Service
from teastorm.tune.setting import Setting
from teastorm.tune.slo import Slo
from teastorm.tune.space import Space
from teastorm.tune.study import Search, Tried

OWN_SPEED_REQUESTS = 400_000.0
"""So many are simulated of the choice at the demand's own speed; about half a minute."""

type Told = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What to tune for and how hard to look. `factor` None: chosen by the size of the demand."""

    service: Service
    slo: Slo
    space: Space
    trials: int = 60
    search_seeds: int = 1
    seeds: int = 5
    seed: int = 1
    factor: float | None = None
    workers: int = 1
    storage: str | None = None
    study: str = "teastorm-tune"
    now: Manifest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What came of it.

    `own_speed` is the choice simulated without compression; None where that was not done: nothing
    was compressed or chosen, or the demand is too large.
    """

    service: Service
    slo: Slo
    factor: float
    tried: tuple[Tried, ...]
    choice: Choice
    sentences: tuple[str, ...]
    assumed: tuple[str, ...]
    manifest: str | None
    values: str | None
    now_words: str = ""
    own_speed: Score | None = None

    def as_json(self) -> dict[str, object]:
        """The versioned object, without its schema's name."""
        choice = self.choice
        return {
            "demand": self.service.scenario.demand.name,
            "source": self.service.source,
            "slo": str(self.slo),
            "time_factor": self.factor,
            "replica_rps": self.service.replica_rps,
            "startup_s": self.service.startup_s,
            "trials": len(self.tried),
            "met": choice.chosen is not None,
            "sure": choice.sure,
            "recommended": None if choice.chosen is None else choice.chosen.name,
            "nearest": choice.nearest.name,
            "own_speed": None if self.own_speed is None else _figures(self.own_speed),
            "front": [_candidate(one, self) for one in choice.front],
            "now": None if choice.now is None else _candidate(choice.now, self),
            "recommendation": list(self.sentences),
            "assumed": list(self.assumed),
        }


def tune(wish: Wish, told: Told) -> Session:
    """Search and choose; the same wish gives the same session, whatever the workers."""
    service, slo = wish.service, wish.slo
    factor = factor_for(service.scenario.demand) if wish.factor is None else wish.factor
    how = Search(
        trials=wish.trials,
        # The search's seeds and the judging ones never meet.
        seeds=tuple(1_000_000 + wish.seed * 1000 + n for n in range(wish.search_seeds)),
        factor=factor,
        seed=wish.seed,
        storage=wish.storage,
        study=wish.study,
    )
    with _workers(wish.workers) as executor:
        tried = search(
            service,
            wish.space,
            slo,
            how,
            executor=executor,
            told=lambda done, of: told(f"tried {done} of {of} settings"),
        )
        told(f"simulating the front with {wish.seeds} fresh seeds")
        choice = choose(
            service,
            tried,
            slo,
            [wish.seed * 1000 + n for n in range(wish.seeds)],
            factor=factor,
            now=wish.now,
            executor=executor,
        )
        chosen = None if choice.chosen is None else choice.chosen.setting
        own_speed = None
        if chosen is not None and factor > 1:
            own_speed = _at_own_speed(wish, chosen, executor, told)
    sentences = words.recommendation(choice, service, slo, wish.seeds)
    if own_speed is not None:
        sentences.append(words.at_own_speed(own_speed, slo, factor))
        choice = dataclasses.replace(choice, sure=choice.sure and own_speed.meets(slo))
    return Session(
        service=service,
        slo=slo,
        factor=factor,
        tried=tuple(tried),
        choice=choice,
        sentences=tuple(sentences),
        assumed=_assumed(service, factor),
        manifest=None if chosen is None else manifests.hpa(chosen, service),
        values=manifests.values(chosen, service) if chosen and service.names.charted else None,
        now_words="" if wish.now is None else f"the manifest given ({wish.now.name})",
        own_speed=own_speed,
    )


def _at_own_speed(
    wish: Wish, chosen: Setting, executor: Executor | None, told: Told
) -> Score | None:
    """The choice with as many seeds as may be afforded; None if not even one may."""
    count = min(wish.seeds, int(OWN_SPEED_REQUESTS // wish.service.scenario.demand.orders))
    if count < 1:
        return None
    told(f"simulating the choice at the demand's own speed, {count} seeds")
    seeds = [wish.seed * 1000 + n for n in range(count)]
    (found,) = score(
        wish.service, [chosen.scaling(wish.service)], seeds, factor=1.0, executor=executor
    )
    return found


def _assumed(service: Service, factor: float) -> tuple[str, ...]:
    model, scenario = service.model, service.scenario
    found = [
        *service.assumed,
        f"a replica serves {service.replica_rps:.3g} requests a second, {model.max_num_seqs} at once",
        f"it is ready {service.startup_s:.3g} s after it was asked for, and a node has room for it",
        f"a request is good within {scenario.clients.deadlines_s['chat']:g} s, retries included",
        f"{scenario.gateways} gateways and {scenario.orders.replicas} orders replicas, fixed",
        "metrics every 15 s, seen 5 s later; a look every 15 s",
    ]
    if factor > 1:
        found.append(
            f"simulated {factor:.3g} times as fast: demand, start-up and periods are shorter, "
            "requests are not, so there are fewer of them to average over"
        )
    return tuple(found)


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


@contextmanager
def _workers(count: int) -> Iterator[Executor | None]:
    if count <= 1:
        yield None
        return
    pool = ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("spawn"), initializer=_deaf_to_interrupts
    )
    try:
        yield pool
    finally:
        # After an interrupt: what runs is let finish (seconds), what waits is not begun.
        pool.shutdown(wait=True, cancel_futures=True)


def _deaf_to_interrupts() -> None:
    """Ctrl-C reaches the whole process group; only the session answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
