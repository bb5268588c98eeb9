"""The cases: a queue of the shop's parts, the numbers read off it, and what theory says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from teastorm.simulate.theory import formulas
from teastorm.simulate.theory.observe import Observed, observe

type Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
type Read = Callable[[Observed], float]

WARM_UP = 1_000
CUSTOMERS = 8_000


def _exponential(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    return rng.exponential(1.0, count)


def _constant(_rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    return np.ones(count)


def _two_phases(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Hyperexponential: mean 1; nine in ten last 2/3, one in ten lasts 4."""
    return rng.exponential(np.where(rng.random(count) < 0.9, 2 / 3, 4.0))


_TWO_PHASES = (1.0, 2 * (0.9 * (2 / 3) ** 2 + 0.1 * 16), 6 * (0.9 * (2 / 3) ** 3 + 0.1 * 64))
"""Its first three moments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One queue and what is read off each run of it.

    Attributes:
        kind: which part of the shop serves: batch, room or threads.
        waiting: places in the line; None: no end.
        rates: arrivals a unit of time, by class, most important first; the mean service is 1.
        reads: name to (how it is read off a run, what theory says).
    """

    name: str
    kind: str
    servers: int
    rates: tuple[float, ...]
    waiting: int | None = None
    draw: Draw = _exponential
    reads: Mapping[str, tuple[Read, float]] = field(default_factory=dict)

    def run(self, seed: int, *, customers: int = CUSTOMERS) -> dict[str, float]:
        """One value for each read."""
        rng = np.random.default_rng([seed, *self.name.encode()])
        count = customers + WARM_UP
        total = sum(self.rates)
        levels = rng.choice(len(self.rates), count, p=np.array(self.rates) / total)
        seen = observe(
            self.kind,
            servers=self.servers,
            waiting=self.waiting,
            came_s=np.cumsum(rng.exponential(1 / total, count)).tolist(),
            services_s=self.draw(rng, count).tolist(),
            levels=levels.tolist(),
            warm_up=WARM_UP,
        )
        values = {name: read(seen) for name, (read, _) in self.reads.items()}
        return values | {"little": seen.little}


def _mean_wait(seen: Observed) -> float:
    return float(seen.waits.mean())


def _square(seen: Observed) -> float:
    return float((seen.waits**2).mean())


def _lost(seen: Observed) -> float:
    return seen.lost


def _beyond(time: float) -> Read:
    return lambda seen: float((seen.waits > time).mean())


def _of_class(level: int) -> Read:
    return lambda seen: float(seen.waits[seen.levels == level].mean())


def _erlang_b(kind: str, servers: int, load: float) -> Case:
    reads = {"lost": (_lost, formulas.erlang_b(servers, load))}
    return Case(
        name=f"erlang-b/{kind}", kind=kind, servers=servers, rates=(load,), waiting=0, reads=reads
    )


def _erlang_c(kind: str, servers: int, load: float) -> Case:
    return Case(
        name=f"erlang-c/{kind}",
        kind=kind,
        servers=servers,
        rates=(load,),
        reads={
            "waits": (_beyond(1e-9), formulas.erlang_c(servers, load)),
            "mean-wait": (_mean_wait, formulas.mmc_wait(servers, load, 1.0)),
            "wait-beyond-1": (_beyond(1.0), formulas.mmc_wait_beyond(servers, load, 1.0, 1.0)),
        },
    )


def _mmck(kind: str, servers: int, places: int, load: float) -> Case:
    lost, wait = formulas.mmck(servers, places, load, 1.0)
    return Case(
        name=f"m/m/c/k/{kind}",
        kind=kind,
        servers=servers,
        rates=(load,),
        waiting=places - servers,
        reads={"lost": (_lost, lost), "mean-wait": (_mean_wait, wait)},
    )


def _mdc(kind: str, servers: int, load: float) -> Case:
    return Case(
        name=f"m/d/c/{kind}",
        kind=kind,
        servers=servers,
        rates=(load,),
        draw=_constant,
        reads={"mean-wait": (_mean_wait, formulas.mdc_wait(servers, load, 1.0))},
    )


def _mg1(kind: str, rate: float) -> Case:
    first, second, third = _TWO_PHASES
    return Case(
        name=f"pollaczek-khinchine/{kind}",
        kind=kind,
        servers=1,
        rates=(rate,),
        draw=_two_phases,
        reads={
            "mean-wait": (_mean_wait, formulas.pollaczek_khinchine(rate, first, second)),
            "mean-square": (_square, formulas.takacs_second(rate, first, second, third)),
        },
    )


def _cobham(kind: str, rates: tuple[float, ...]) -> Case:
    waits = formulas.cobham(rates, 1.0, 2.0)
    reads = {f"class-{n}": (_of_class(n), wait) for n, wait in enumerate(waits)}
    return Case(name=f"cobham/{kind}", kind=kind, servers=1, rates=rates, reads=reads)


CASES: tuple[Case, ...] = (
    _erlang_b("batch", 8, 6.0),
    _erlang_b("room", 5, 4.0),
    _erlang_b("threads", 4, 2.0),
    _erlang_c("batch", 4, 3.0),
    _erlang_c("room", 3, 2.1),
    _erlang_c("threads", 2, 1.4),
    _mmck("batch", 3, 8, 3.3),
    _mmck("room", 2, 7, 1.8),
    _mmck("threads", 4, 6, 4.0),
    _mdc("batch", 3, 2.25),
    _mdc("room", 2, 1.5),
    _mdc("threads", 4, 3.0),
    _mg1("batch", 0.5),
    _mg1("room", 0.5),
    _mg1("threads", 0.5),
    _cobham("batch", (0.15, 0.2, 0.2, 0.15)),
    _cobham("room", (0.15, 0.2, 0.2, 0.15)),
)
