"""What a cluster's own HorizontalPodAutoscaler saw and did over a load, and its file.

A record holds no opinion: each look is the HPA's status, its target's wish, its pods and the
samples of the metrics API, as they were at one moment. `hpa_port` and `hpa_model` compare with it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.manifest import Manifest, read_manifest
from teastorm.autoscale.metrics import PodValue
from teastorm.autoscale.pods import Container, Phase, Pod, Ready, Status
from teastorm.load.errors import LoadError
from teastorm.load.plan import LoadPlan
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.scenario import InferenceModel
from teastorm.tune.errors import TuneInvalid

SCHEMA = "teastorm.hpa-record/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One moment; all times are seconds from the load's start, and may be below 0.

    Attributes:
        wanted: spec.replicas of the target.
        desired, current: of the HPA's status.
        percent, average_milli: of its first metric's status; None before it has one.
        floor: spec.minReplicas of the HPA then (a campaign may raise it).
        pods: of the target, with the requests of the container in question.
        samples: by pod, as the metrics API had them.
    """

    at_s: float
    wanted: int
    desired: int
    current: int
    percent: int | None
    average_milli: int | None
    floor: int
    pods: tuple[Pod, ...]
    samples: Mapping[str, PodValue]

    @property
    def ready(self) -> int:
        """Pods that take traffic."""
        return sum(
            pod.ready is not None and pod.ready.status is Status.TRUE and not pod.deleting
            for pod in self.pods
        )

    @property
    def status(self) -> tuple[object, ...]:
        """What a sync of the HPA writes anew."""
        return (self.desired, self.current, self.percent, self.average_milli)


@dataclass(frozen=True, kw_only=True, slots=True)
class HpaRecord:
    """A load and the looks at the HPA while it lasted, in time order.

    Attributes:
        manifest, hpa: the HPA, read and as text.
        plan, seed: the load; `draw` gives its very arrivals.
        model: a replica as it was set up (its CPU is what the record is there to tell).
        replicas: of each service at the start.
        protections: switches that were set.
    """

    hpa: str
    plan: LoadPlan
    seed: int
    model: InferenceModel
    replicas: Mapping[str, int]
    looks: tuple[Look, ...]
    protections: Mapping[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a record that says nothing."""
        if len(self.looks) < 2:
            raise TuneInvalid(f"the record needs at least two looks, got {len(self.looks)}")
        for before, after in zip(self.looks, self.looks[1:], strict=False):
            if not after.at_s > before.at_s:
                raise TuneInvalid(
                    f"looks: times must rise, got {after.at_s:g} s after {before.at_s:g} s"
                )

    @property
    def manifest(self) -> Manifest:
        """The HPA."""
        return read_manifest(self.hpa)

    @property
    def seconds(self) -> float:
        """Of the load."""
        return self.plan.seconds

    def write(self, path: Path) -> None:
        """To a file that `read` takes."""
        content = {
            "schema": SCHEMA,
            "hpa": self.hpa,
            "plan": self.plan.to_json(),
            "seed": self.seed,
            "model": dataclasses.asdict(self.model),
            "replicas": dict(self.replicas),
            "protections": dict(self.protections),
            "looks": [_look_json(look) for look in self.looks],
        }
        path.write_bytes(orjson.dumps(content))


def read(path: Path) -> HpaRecord:
    """A record's file; TuneInvalid in one sentence when it is none."""
    try:
        return _record(Fields.of(orjson.loads(path.read_bytes())))
    except OSError as error:
        raise TuneInvalid(f"{path}: cannot be read ({error.strerror})") from error
    except orjson.JSONDecodeError as error:
        raise TuneInvalid(f"{path}: is not JSON ({error.msg})") from error
    except (FieldError, LoadError, ScenarioInvalid, TuneInvalid, TypeError, ValueError) as error:
        raise TuneInvalid(f"{path}: is no record of an HPA ({error})".rstrip(".")) from error


def _record(top: Fields) -> HpaRecord:
    if top.text("schema") != SCHEMA:
        raise FieldError(f"schema must be {SCHEMA}, got {top.text('schema')}")
    hpa = top.text("hpa")
    container = read_manifest(hpa).metrics[0].container or "inference"
    return HpaRecord(
        hpa=hpa,
        plan=LoadPlan.from_json(top.child("plan").content),
        seed=top.integer("seed", low=0),
        model=InferenceModel(**top.child("model").content),  # type: ignore[arg-type]  # it checks
        replicas={k: int(str(v)) for k, v in top.child("replicas").content.items()},
        protections={k: bool(v) for k, v in top.child("protections").content.items()},
        looks=tuple(_look(look, container) for look in top.objects("looks")),
    )


def _look_json(look: Look) -> dict[str, object]:
    return {
        "at_s": round(look.at_s, 3),
        "wanted": look.wanted,
        "desired": look.desired,
        "current": look.current,
        "percent": look.percent,
        "average_milli": look.average_milli,
        "floor": look.floor,
        "pods": [_pod_json(pod) for pod in look.pods],
        "samples": {
            name: [value.value_milli, round(value.timestamp_s, 3), value.window_s]
            for name, value in look.samples.items()
        },
    }


def _pod_json(pod: Pod) -> dict[str, object]:
    return {
        "name": pod.name,
        "phase": pod.phase.value,
        "deleting": pod.deleting,
        "start_s": pod.start_s,
        "ready": None if pod.ready is None else pod.ready.status.value,
        "changed_s": None if pod.ready is None else pod.ready.last_transition_s,
        "request_milli": pod.containers[0].request_milli if pod.containers else None,
    }


def _look(fields: Fields, container: str) -> Look:
    given = fields.child("samples")
    samples = {name: _sample(given.items(name), given.path(name)) for name in given.content}
    return Look(
        at_s=fields.number("at_s"),
        wanted=fields.int32("wanted"),
        desired=fields.int32("desired"),
        current=fields.int32("current"),
        percent=fields.optional_integer("percent"),
        average_milli=fields.optional_integer("average_milli"),
        floor=fields.int32("floor"),
        pods=tuple(_pod(pod, container) for pod in fields.objects("pods")),
        samples=samples,
    )


def _sample(raw: list[object], where: str) -> PodValue:
    numbers = [float(n) for n in raw if isinstance(n, int | float) and math.isfinite(n)]
    if len(numbers) != len(raw) or len(numbers) != 3:
        raise FieldError(f"{where} must be three numbers: thousandths, end, window")
    return PodValue(round(numbers[0]), numbers[1], numbers[2])


def _pod(fields: Fields, container: str) -> Pod:
    ready = None
    if "ready" in fields:
        ready = Ready(fields.one_of("ready", Status), fields.number("changed_s"))
    return Pod(
        name=fields.text("name"),
        phase=fields.one_of("phase", Phase),
        deleting=fields.flag("deleting"),
        start_s=fields.number("start_s") if "start_s" in fields else None,
        ready=ready,
        containers=(Container(container, fields.optional_integer("request_milli")),),
    )
