"""run.json: what ran, how, and what it is held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.fields import Fields, Json, nearest
from teastorm.verdict.registry import known_ids
from teastorm.verdict.slo import YOUNGER, Slo, parse_slo

SCHEMA = "teastorm.run/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """The mock AI's own numbers; service time of one full answer is ttft_s + tokens · itl_s."""

    max_num_seqs: int
    ttft_s: float
    itl_s: float
    tokens_full: float
    tokens_short: float
    slowdown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """K as measured: chat requests a second with a good share of at least .98."""

    rps: float
    good_share: float
    theory_rps: float
    smallest_step: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMeta:
    """run.json."""

    experiment: str
    platform: str
    arm: str
    seed: int
    started: str
    protections: Mapping[str, bool]
    difference: Mapping[str, Json]
    replicas: Mapping[str, int]
    inference: Inference
    capacity: Capacity
    capacity_raw: Mapping[str, Json]
    checks: tuple[str, ...]
    time_factor: float
    deadlines_s: Mapping[str, float]
    versions: Mapping[str, Json]


def parse_meta(raw: Fields) -> tuple[RunMeta, Slo]:
    """The run's facts and what it is held to; `RunFolderError` names a wrong field."""
    raw.refuse_other_schema(SCHEMA)
    checks = raw.texts("checks")
    for name in checks:
        if name not in known_ids():
            raise RunFolderError(
                f"run.json: checks: {name} is no check; {nearest(name, known_ids())}."
            )
    if not checks:
        raise RunFolderError("run.json: checks is empty; an experiment declares its checks.")
    protections = raw.mapping("protections")
    capacity = raw.mapping("capacity")
    replicas = raw.mapping("replicas")
    deadlines = raw.mapping("deadlines_s").numbers()
    meta = RunMeta(
        experiment=raw.text("experiment"),
        platform=raw.text("platform"),
        arm=raw.text("arm"),
        seed=raw.whole("seed"),
        started=raw.text("started"),
        protections=MappingProxyType({n: protections.flag(n) for n in protections.data}),
        difference=raw.mapping("difference", optional=True).json(),
        replicas=MappingProxyType({n: replicas.whole(n) for n in replicas.data}),
        inference=_inference(raw.mapping("inference")),
        capacity=_capacity(capacity),
        capacity_raw=capacity.json(),
        checks=checks,
        time_factor=raw.number("time_factor", 1.0),
        deadlines_s=MappingProxyType(deadlines),
        versions=raw.mapping("versions", optional=True).json(),
    )
    younger = YOUNGER.difference(checks)
    return meta, parse_slo(raw.mapping("slo").data, "run.json: slo", may_lack=younger)


def _inference(raw: Fields) -> Inference:
    found = Inference(
        max_num_seqs=raw.whole("max_num_seqs"),
        ttft_s=raw.number("ttft_s"),
        itl_s=raw.number("itl_s"),
        tokens_full=raw.number("tokens_full"),
        tokens_short=raw.number("tokens_short"),
        slowdown=raw.number("slowdown"),
    )
    if min(found.max_num_seqs, found.tokens_full, found.slowdown) <= 0:
        raise RunFolderError(
            "run.json: inference: max_num_seqs, tokens_full and slowdown must be above 0."
        )
    return found


def _capacity(raw: Fields) -> Capacity:
    steps = raw.items("steps", optional=True)
    sizes = [row.whole(name) for row in steps for name in ("samples", "requests") if row.has(name)]
    return Capacity(
        rps=raw.number("rps"),
        good_share=raw.number("good_share"),
        theory_rps=raw.number("theory_rps"),
        smallest_step=min(sizes) if sizes else None,
    )
