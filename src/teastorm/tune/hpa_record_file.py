"""A record of a cluster's HPA as a file, for `teastorm simulate --check-hpa`."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import orjson

from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.manifest import read_manifest
from teastorm.autoscale.metrics import PodValue
from teastorm.autoscale.pods import Container, Phase, Pod, Ready, Status
from teastorm.load.errors import LoadError
from teastorm.load.plan import LoadPlan
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.models import InferenceModel
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.hpa_record import HpaRecord, Look

SCHEMA = "teastorm.hpa-record/1"


def write(record: HpaRecord, path: Path) -> None:
    """To a file that `read` takes."""
    content = {
        "schema": SCHEMA,
        "hpa": record.hpa,
        "plan": record.plan.to_json(),
        "seed": record.seed,
        "model": dataclasses.asdict(record.model),
        "replicas": dict(record.replicas),
        "protections": dict(record.protections),
        "looks": [_look_json(look) for look in record.looks],
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
