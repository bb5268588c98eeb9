"""The method of an experiment: the load it begins, the faults it causes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from teastorm.runner import arguments
from teastorm.runner.document import Document, list_of, mapping_of
from teastorm.runner.problems import usage

OUR_MODULES = ("teastorm.chaos.actions", "teastorm.chaos.edges", "teastorm.chaos.probes")
PHASE_ARGUMENTS = ("factor", "baseline_s", "fault_s", "after_s", "base_factor", "curve")
CLUSTER_FAULTS = ("kill_container", "hang", "restart_rolling", "drain_node", "lose_database")
"""Faults that only a cluster has."""

EDGE_FAULTS = ("slow_edge", "fail_edge", "cut_edge", "lose_name")
"""Faults between two services."""

FAULTS = ("surge", "lose_replica", "lose_all", "inject", *EDGE_FAULTS, *CLUSTER_FAULTS)


@dataclass(frozen=True, kw_only=True)
class LoadShape:
    """What `begin_load` of an experiment asks for. Factors of K; seconds."""

    factor: float
    fault_s: float
    baseline_s: float = 12.0
    after_s: float = 32.0
    base_factor: float = 0.7
    curve: str | None = None

    def __post_init__(self) -> None:
        for name in PHASE_ARGUMENTS[:-1]:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be above 0, got {value}")

    @property
    def seconds(self) -> float:
        """The whole load."""
        return self.baseline_s + self.fault_s + self.after_s


def read_method(document: Document, path: Path) -> tuple[list[LoadShape], list[str]]:
    """The loads that are begun, and the names of the activities that cause faults."""
    loads: list[LoadShape] = []
    faults: list[str] = []
    for section, activities in _activities(document):
        for index, activity in enumerate(activities):
            provider = mapping_of(activity.get("provider"))
            function = str(provider.get("func", ""))
            if provider.get("module") not in OUR_MODULES or function not in arguments.RULES:
                continue  # Chaos Toolkit's own validation says what is wrong with it, if anything
            given = mapping_of(provider.get("arguments"))
            where = f"{path}: {section}[{index}].provider.arguments"
            for name, refused in arguments.refusals(function, given):
                raise usage(f"{where}.{name} {refused}")
            if function == "begin_load":
                loads.append(_shape(given, where))
            elif function in FAULTS:
                faults.append(str(activity.get("name", function)))
    return loads, faults


def actions_in(document: Document) -> frozenset[str]:
    """The functions of ours that its activities call."""
    providers = [
        mapping_of(activity.get("provider"))
        for _, activities in _activities(document)
        for activity in activities
    ]
    return frozenset(str(p.get("func", "")) for p in providers if p.get("module") in OUR_MODULES)


def _shape(given: Mapping[str, object], where: str) -> LoadShape:
    for name in ("factor", "fault_s"):
        if name not in given:
            raise usage(f"{where}.{name} is missing; write it")
    numbers = {
        k: float(cast("float", v)) for k, v in given.items() if k != "curve" and v is not None
    }
    return LoadShape(**numbers, curve=cast("str | None", given.get("curve")))


def _activities(document: Document) -> Iterator[tuple[str, list[Mapping[str, object]]]]:
    hypothesis = mapping_of(document.get("steady-state-hypothesis", {}))
    yield (
        "steady-state-hypothesis.probes",
        [mapping_of(a) for a in list_of(hypothesis.get("probes"))],
    )
    for section in ("method", "rollbacks"):
        yield section, [mapping_of(a) for a in list_of(document.get(section))]
