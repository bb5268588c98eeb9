"""A whole session: search, choose, say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from teastorm.autoscale.manifest import Manifest
from teastorm.tune import manifests, words
from teastorm.tune.choose import Choice, choose
from teastorm.tune.compress import factor_for
from teastorm.tune.score import Score, score
from teastorm.tune.search import search
from teastorm.tune.service import Service
from teastorm.tune.setting import Setting
from teastorm.tune.slo import Slo
from teastorm.tune.space import Space
from teastorm.tune.study import Search, Tried
from teastorm.tune.workers import workers

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
    # Rates are not compressed: what a setting takes grows with them, and so does the wait.
    size = f"each on about {service.scenario.demand.orders / factor:,.0f} requests"
    with workers(wish.workers) as executor:
        tried = search(
            service,
            wish.space,
            slo,
            how,
            executor=executor,
            told=lambda done, of: told(f"tried {done} of {of} settings, {size}"),
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
