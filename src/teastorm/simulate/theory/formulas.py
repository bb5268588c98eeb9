"""Exact results of queueing theory. `load` is offered load in erlangs, times are in any one unit.

Sources: Erlang 1917 (B, C); Gross, Shortle, Thompson & Harris, "Fundamentals of Queueing Theory"
(4th ed. 2008), ch. 2 (M/M/c/K), ch. 5 (Pollaczek-Khinchine, Takács); Crommelin 1932 (M/D/c);
Cobham, "Priority Assignment in Waiting Line Problems", Operations Research 2 (1954).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def erlang_b(servers: int, load: float) -> float:
    """Share of arrivals lost in M/G/c/c."""
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Share of arrivals that wait in M/M/c; `load` must be below `servers`."""
    blocked = erlang_b(servers, load)
    return servers * blocked / (servers - load * (1 - blocked))


def mmc_wait(servers: int, load: float, service: float) -> float:
    """Mean wait in M/M/c, of all arrivals."""
    return erlang_c(servers, load) * service / (servers - load)


def mmc_wait_beyond(servers: int, load: float, service: float, time: float) -> float:
    """Share of arrivals that wait longer than `time` in M/M/c, first come, first served."""
    return erlang_c(servers, load) * math.exp(-(servers - load) * time / service)


def mmck(servers: int, places: int, load: float, service: float) -> tuple[float, float]:
    """(share lost, mean wait of those let in) in M/M/c with `places` in all, servers included."""
    weights = [1.0]
    for n in range(1, places + 1):
        weights.append(weights[-1] * load / min(n, servers))
    total = sum(weights)
    lost = weights[-1] / total
    waiting = sum((n - servers) * w for n, w in enumerate(weights) if n > servers) / total
    return lost, waiting / (load / service * (1 - lost))


def mdc_wait(servers: int, load: float, service: float) -> float:
    """Mean wait in M/D/c, by Crommelin's argument.

    Whoever is in service at t has left at t + D, and nobody who comes later has: so the number in
    the system obeys N(t + D) = max(N(t) - c, 0) + Poisson(load). Its stationary law is found by
    iteration, the mean wait by Little's law.
    """
    size = servers + int(40 * (1 + load / (servers - load)))
    logs = np.array([n * math.log(load) - load - math.lgamma(n + 1) for n in range(size)])
    poisson = np.exp(logs)
    law = poisson / poisson.sum()
    for _ in range(20_000):
        served = np.concatenate(([law[: servers + 1].sum()], law[servers + 1 :]))
        new = np.convolve(served, poisson)[:size]
        new /= new.sum()
        if np.abs(new - law).max() < 1e-14:
            break
        law = new
    number = float((np.arange(size) * law).sum())
    return service * (number / load - 1)


def pollaczek_khinchine(rate: float, first: float, second: float) -> float:
    """Mean wait in M/G/1; `first`, `second`: moments of the service time."""
    return rate * second / (2 * (1 - rate * first))


def takacs_second(rate: float, first: float, second: float, third: float) -> float:
    """Second moment of the wait in M/G/1, first come, first served (Takács 1962)."""
    mean = pollaczek_khinchine(rate, first, second)
    return 2 * mean**2 + rate * third / (3 * (1 - rate * first))


def cobham(rates: Sequence[float], first: float, second: float) -> list[float]:
    """Mean wait by class in M/G/1 with non-preemptive priorities, most important first."""
    residual = sum(rates) * second / 2
    waits = []
    before = 0.0
    for rate in rates:
        after = before + rate * first
        waits.append(residual / ((1 - before) * (1 - after)))
        before = after
    return waits
