"""A mapped service as the model has it: its numbers given, or read off the answers to its queries.

A replica is a server of so many places, each held for the service time: places = replica_rps x
service time (Little). The service time is the median latency in the quiet quarter of the range.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Mapping
from types import MappingProxyType

from teashop.resilience.protections import Protections
from teastorm.load.settings import Clients, Mix
from teastorm.simulate.demand import Demand
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.models import InferenceModel
from teastorm.simulate.scenario import Scenario
from teastorm.tune.demand import of_points
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.mapping import HPA_METRICS, NUMBERS, UNNAMED, Mapped
from teastorm.tune.series import Read
from teastorm.tune.service import Names, Service

_PER_TOKEN_S = 1e-6
_RETRIES = 2


def service_of(mapped: Mapped, rate: Read, ask: Callable[[str], Read]) -> Service:
    """The service that the queries and numbers describe; TuneInvalid if they do not suffice."""
    assumed = list(rate.told)
    demand = of_points(mapped.queries.get("rate", "the query"), list(rate.points))
    numbers = dict(mapped.numbers)
    if "service_time_s" not in numbers:
        if "latency_s" not in mapped.queries:
            raise TuneInvalid(
                f"{mapped.source}: give service.service_time_s, or a query latency_s to take it from"
            )
        numbers["service_time_s"] = _quiet_latency_s(
            rate, ask(mapped.queries["latency_s"]), mapped.source, assumed
        )
    if "replica_rps" not in numbers:
        if "replicas" not in mapped.queries:
            raise TuneInvalid(
                f"{mapped.source}: give service.replica_rps, or a query replicas to estimate it from"
            )
        numbers["replica_rps"] = _most_per_replica(
            rate, ask(mapped.queries["replicas"]), mapped.source, assumed
        )
    for key, usual in NUMBERS.items():
        if key not in numbers and usual is not None:
            numbers[key] = usual
            assumed.append(f"{key}: {usual:g} (not given)")
    assumed += _unnamed(mapped.names)
    return _built(demand, numbers, mapped, assumed)


def _unnamed(names: Names) -> list[str]:
    """What a manifest could not be given, or not be written for."""
    told = []
    if names.deployment == UNNAMED:
        told.append(f"the manifest scales {UNNAMED}: give deployment in the mapping")
    known = names.known.values()
    if missing := [meant for meant in HPA_METRICS if meant not in known]:
        told.append(
            f"not tried, since the mapping names no metric for it (hpa_metrics): "
            f"{', '.join(missing)}"
        )
    return told


def _built(
    demand: Demand, numbers: Mapping[str, float], mapped: Mapped, assumed: list[str]
) -> Service:
    places = max(1, round(numbers["replica_rps"] * numbers["service_time_s"]))
    # Rounding the places would change the capacity: the time is what gives way.
    held_s = places / numbers["replica_rps"]
    assumed.append(
        f"a replica is {places} places, each held for {held_s:.3g} s, the same for every request; "
        "nothing is refused and clients retry "
        f"{_RETRIES} times after a time-out of {1.5 * numbers['deadline_s']:g} s"
    )
    deadline_s, clients = numbers["deadline_s"], Clients()
    try:
        scenario = Scenario(
            demand=dataclasses.replace(demand, mix=Mix(critical_rps=0, menu_per_chat=0)),
            clients=dataclasses.replace(
                clients,
                deadlines_s=MappingProxyType({**clients.deadlines_s, "chat": deadline_s}),
                timeouts_s=MappingProxyType({**clients.timeouts_s, "chat": 1.5 * deadline_s}),
                retries=_RETRIES,
            ),
            protections=Protections(**{n: n == "balancing" for n in Protections.names()}),
            inference=InferenceModel(
                max_num_seqs=places,
                max_waiting=64 * places,
                ttft_s=max(0.0, held_s - _PER_TOKEN_S),
                itl_s=_PER_TOKEN_S,
                slowdown=1.0,
                call_s=0.0,
                startup_s=numbers["startup_s"],
                cpu_idle_milli=round(numbers["cpu_idle_milli"]),
                cpu_busy_milli=round(numbers["cpu_busy_milli"]),
                cpu_request_milli=round(numbers["cpu_request_milli"]),
            ),
        )
    except (ScenarioInvalid, ValueError) as error:
        raise TuneInvalid(f"{mapped.source}: {str(error).rstrip('.')}") from error
    return Service(
        scenario=scenario,
        tokens=1,
        source=f"mapping {mapped.source}",
        assumed=tuple(assumed),
        names=mapped.names,
    )


def _quiet_latency_s(rate: Read, latency: Read, source: str, assumed: list[str]) -> float:
    at = dict(latency.points)
    both = sorted((rps, at[t]) for t, rps in rate.points if t in at and at[t] > 0)
    if not both:
        raise TuneInvalid(f"{source}: latency_s has no sample above 0 where rate has one")
    quiet = [value for _, value in both[: max(1, len(both) // 4)]]
    found = statistics.median(quiet)
    assumed.append(f"service time: {found:.3g} s, the latency in the quietest quarter of the range")
    return found


def _most_per_replica(rate: Read, replicas: Read, source: str, assumed: list[str]) -> float:
    at = dict(replicas.points)
    shares = [rps / at[t] for t, rps in rate.points if at.get(t, 0) >= 1]
    if not shares or not max(shares) > 0:
        raise TuneInvalid(f"{source}: replicas has no sample of 1 or more where rate has one")
    assumed.append(
        f"capacity of a replica: {max(shares):.3g}/s, the most that one was seen to be given; it "
        "may be able to do more (measure it, and give service.replica_rps)"
    )
    return max(shares)
