"""`autoscaler:` in an experiment: an HPA that runs live over one service, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from teastorm.autoscale.fields import FieldError
from teastorm.autoscale.live import DELAY_S, SCRAPE_S, SYNC_S, LiveConfig
from teastorm.autoscale.manifest import Manifest, read_manifest
from teastorm.autoscale.planned import Planned
from teastorm.autoscale.pods import StartUp
from teastorm.platforms.base import SERVICES
from teastorm.runner import rules
from teastorm.runner.problems import did_you_mean, usage

POD_METRICS = {
    "in_flight": "in_flight",
    "teashop_in_flight": "in_flight",
    "running": "running",
    "waiting": "waiting",
}
"""Names of Pods metrics that a manifest may use, and what each is here."""

SHOP_METRICS = {"offered_rps": "offered_rps", "teashop_offered_rps": "offered_rps"}
"""Names of Object and External metrics."""

_PERIODS = {"sync_s": SYNC_S, "scrape_s": SCRAPE_S, "delay_s": DELAY_S}
_START_UP = {"cpu_initialization_period_s": 300.0, "initial_readiness_delay_s": 30.0}
_KEYS = ("hpa", "request_milli", "planned", *_PERIODS, *_START_UP)


@dataclass(frozen=True, kw_only=True)
class AutoscalerPlan:
    """An HPA over a service. Its seconds are the day's: the time factor compresses them.

    `request_milli` is what each replica's CPU is measured against; `text` is the manifest as YAML;
    `planned` are floors from moments of the crowd's phase (the curve's own seconds) on; by default
    those of the manifest's annotation.
    """

    service: str
    request_milli: int
    manifest: Manifest
    live: LiveConfig
    text: str
    planned: tuple[Planned, ...] = ()

    def as_json(self) -> dict[str, object]:
        """What run.json says of it."""
        spec = self.live.spec
        return {
            "service": self.service,
            "request_milli": self.request_milli,
            "min_replicas": spec.min_replicas,
            "max_replicas": spec.max_replicas,
            "metrics": [
                {"name": m.name, "function": m.function.value, "target": m.target}
                for m in self.live.metrics
            ],
            "planned": [{"at_s": p.at_s, "min_replicas": p.min_replicas} for p in self.planned],
            **{name: getattr(self.live, name) for name in _PERIODS},
        }


def read_autoscaler(value: object, path: Path, at: str) -> AutoscalerPlan | None:
    """The plan; None when there is none. RunProblem (2) names what is wrong."""
    if value is None:
        return None
    where = f"{path}: {at}.autoscaler"
    if not isinstance(value, dict):
        raise usage(f"{where} must be a mapping with hpa and request_milli, got {value!r}")
    given = cast("Mapping[str, object]", value)
    for key in given:
        if key not in _KEYS:
            raise usage(f"{where}.{key} is not known{did_you_mean(key, _KEYS)}")
    manifest, source, text = _manifest(given.get("hpa"), path, where)
    service = manifest.target_name
    if service not in SERVICES:
        raise usage(f"{source}: spec.scaleTargetRef.name {service!r} is no service of the shop")
    if refused := rules.whole(1)(given.get("request_milli")):
        raise usage(f"{where}.request_milli {refused}")
    numbers = {
        name: _seconds(given, name, usual, where) for name, usual in (_PERIODS | _START_UP).items()
    }
    return AutoscalerPlan(
        service=service,
        request_milli=cast("int", given["request_milli"]),
        manifest=manifest,
        text=text,
        planned=_planned(given["planned"], where) if "planned" in given else manifest.planned,
        live=LiveConfig(
            spec=manifest.spec,
            metrics=manifest.metrics,
            start_up=StartUp(**{name: numbers[name] for name in _START_UP}),
            **{name: numbers[name] for name in _PERIODS},
        ),
    )


def _planned(value: object, where: str) -> tuple[Planned, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise usage(f"{where}.planned must be a list of at_s and min_replicas, got {value!r}")
    found: list[Planned] = []
    for index, each in enumerate(value):
        row, here = cast("dict[str, object]", each), f"{where}.planned[{index}]"
        if not isinstance(each, dict) or set(row) != {"at_s", "min_replicas"}:
            raise usage(f"{here} must have at_s and min_replicas, got {each!r}")
        for name, rule in (("at_s", rules.at_least(0)), ("min_replicas", rules.whole(0))):
            if refused := rule(row[name]):
                raise usage(f"{here}.{name} {refused}")
        one = Planned(
            at_s=float(cast("float", row["at_s"])), min_replicas=cast("int", row["min_replicas"])
        )
        if found and one.at_s <= found[-1].at_s:
            raise usage(f"{here}.at_s must be above {found[-1].at_s:g}, got {one.at_s:g}")
        found.append(one)
    return tuple(found)


def _manifest(value: object, path: Path, where: str) -> tuple[Manifest, str, str]:
    """From a file beside the experiment, or written into it; where it stands, and its text."""
    if isinstance(value, str) and value:
        file = path.parent / value
        try:
            text, source = file.read_text(encoding="utf-8"), str(file)
        except (OSError, UnicodeDecodeError) as error:
            raise usage(f"{where}.hpa: {file} cannot be read; name a file beside it") from error
    elif isinstance(value, dict):
        text, source = yaml.safe_dump(value), f"{where}.hpa"
    else:
        raise usage(f"{where}.hpa must be a manifest or the name of its file, got {value!r}")
    try:
        manifest = read_manifest(text)
    except FieldError as error:
        raise usage(f"{source}: {error}") from error
    for index, metric in enumerate(manifest.metrics):
        known: tuple[str, ...] = ("cpu",)
        if not metric.function.value.startswith("resource"):
            known = tuple(SHOP_METRICS if metric.counts_from_zero else POD_METRICS)
        if metric.name not in known:
            raise usage(
                f"{source}: spec.metrics[{index}]: {metric.name!r} is not measured here; "
                f"it may be {', '.join(known)}"
            )
    return manifest, source, text


def _seconds(given: Mapping[str, object], name: str, usual: float, where: str) -> float:
    if name not in given:
        return usual
    rule = rules.above(0, 3600) if name in {"sync_s", "scrape_s"} else rules.at_least(0)
    if refused := rule(given[name]):
        raise usage(f"{where}.{name} {refused}")
    return float(cast("float", given[name]))
