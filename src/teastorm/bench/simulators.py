"""The engine beside SimPy and Ciw on one M/M/c queue: CPU seconds, medians of five, one run.

Each is written as its own documentation writes such a queue; all serve as many customers at the
same rates and must find about the same mean wait, or the comparison would be of different work.
Ours is measured twice: the bare line of servers, and the gateway's room, whose limiter and priority
queue are asked about every customer.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from teastorm import compiled
from teastorm.simulate.theory.formulas import mmc_wait
from teastorm.simulate.theory.observe import observe

ROUNDS = 5
CUSTOMERS = 8_000
SERVERS = 4
LOAD = 3.0


def rows(customers: int = CUSTOMERS, rounds: int = ROUNDS) -> list[tuple[str, str, str]]:
    """Lines for the benchmarks' table: what, customers a second, beside ours."""
    contenders: dict[str, Callable[[int, int], float]] = {
        "bare servers": lambda seed, n: _ours("threads", seed, n),
        "limiter and priority queue": lambda seed, n: _ours("room", seed, n),
        "inference batch": lambda seed, n: _ours("batch", seed, n),
        "SimPy": _simpy,
        "Ciw": _ciw,
    }
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    waits: dict[str, list[float]] = {name: [] for name in contenders}
    for seed in range(rounds):
        for name, contender in contenders.items():
            begun_s = time.process_time()
            waits[name].append(contender(seed, customers))
            spent[name].append(time.process_time() - begun_s)
    yardstick_s = statistics.median(spent["limiter and priority queue"])
    found = []
    for name, seconds in spent.items():
        median_s = statistics.median(seconds)
        wait = statistics.fmean(waits[name])
        what = f"M/M/{SERVERS} queue: {name if name in {'SimPy', 'Ciw'} else f'ours, {name}'}"
        beside = f"{median_s / yardstick_s:.2f}x the time of ours with limiter and priority queue"
        found.append(
            (what, f"{customers / median_s:,.0f} customers/s", f"{beside}; wait {wait:.2f}")
        )
    found.append(("what ours was", compiled.use(), "make compile, TEASTORM_PLAIN=1"))
    theory = mmc_wait(SERVERS, LOAD, 1.0)
    found.append((f"mean wait of M/M/{SERVERS} at load {LOAD:g}", f"{theory:.2f}", "theory"))
    return found


def _ours(kind: str, seed: int, customers: int) -> float:
    rng = np.random.default_rng(seed)
    seen = observe(
        kind,
        servers=SERVERS,
        waiting=None,
        came_s=np.cumsum(rng.exponential(1 / LOAD, customers)).tolist(),
        services_s=rng.exponential(1.0, customers).tolist(),
        levels=[2] * customers,
        warm_up=0,
    )
    return float(seen.waits.mean())


def _simpy(seed: int, customers: int) -> float:
    import simpy  # noqa: PLC0415 - a development dependency

    rng = np.random.default_rng(seed)
    gaps = rng.exponential(1 / LOAD, customers).tolist()
    services = rng.exponential(1.0, customers).tolist()
    env = simpy.Environment()
    servers = simpy.Resource(env, capacity=SERVERS)
    waited = 0.0

    def customer(service: float) -> Iterator[object]:
        nonlocal waited
        came = env.now
        with servers.request() as request:
            yield request
            waited += env.now - came
            yield env.timeout(service)

    def source() -> Iterator[object]:
        for gap, service in zip(gaps, services, strict=True):
            yield env.timeout(gap)
            env.process(customer(service))

    env.process(source())
    env.run()
    return waited / customers


def _ciw(seed: int, customers: int) -> float:
    import ciw  # noqa: PLC0415 - a development dependency

    ciw.seed(seed)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(LOAD)],
        service_distributions=[ciw.dists.Exponential(1.0)],
        number_of_servers=[SERVERS],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(customers)
    return statistics.fmean(record.waiting_time for record in simulation.get_all_records())


if __name__ == "__main__":
    for row in rows():
        sys.stdout.write(" | ".join(row) + "\n")
