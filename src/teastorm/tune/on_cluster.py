"""A load driven through a shop on a cluster while its own HPA rules inference, and the record of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from teastorm.autoscale.planned import Planned
from teastorm.load.errors import LoadError
from teastorm.load.plan import LoadPlan
from teastorm.load.process import LoadProcess
from teastorm.load.start import start_load
from teastorm.platforms.base import PlatformError, ShopPlan
from teastorm.platforms.kubernetes.api import MERGE, Api
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.simulate.models import InferenceModel
from teastorm.tune.errors import SourceUnreachable
from teastorm.tune.hpa_record import HpaRecord, Look
from teastorm.tune.hpa_record_file import write
from teastorm.tune.hpa_recorder import HpaRecorder

SERVICE = "inference"
RECORD = "hpa-record.json"
CALM_WITHIN_S = 180.0
"""Metrics-server needs two samples of a new pod, and the start of a process is CPU too."""

POLL_S = 0.5
CALM_LOOKS = 40
"""Polls in a row: longer than a period of the controller."""
KEPT_S = 30.0
"""What of the calm before the load is kept."""

type Told = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drive:
    """What to run.

    Attributes:
        settings: the cluster; its values files switch inference's autoscaling on.
        plan, seed: the load.
        model: a replica's speeds, which are set up so.
        replicas: of the services that are not scaled.
        calm_replicas: begin once the HPA wants so many and has a metric.
        planned: floors of the HPA from moments of the load on, as `teastorm tune` plans them.
        burn_share: cores that a full replica burns; None: the chart's own.
        protections: switches by name; one that is not named keeps the shop's default.
        startup_s: what an inference pod waits before its process starts.
    """

    settings: ClusterSettings
    plan: LoadPlan
    seed: int
    model: InferenceModel
    replicas: Mapping[str, int] = field(
        default_factory=lambda: {"gateway": 2, "orders": 1, "dispatch": 1}
    )
    calm_replicas: int = 1
    planned: Sequence[Planned] = ()
    burn_share: float | None = None
    protections: Mapping[str, bool] = field(default_factory=dict)
    startup_s: float = 0.0


def drive(wish: Drive, run_dir: Path, told: Told) -> HpaRecord:
    """Deploy, wait until it is calm, offer the load, record, take down.

    The record, the request log and the platform's own autoscaling.json stay in `run_dir`.

    Raises:
        PlatformError: the cluster cannot do it.
        SourceUnreachable: the load or the HPA did not come up (exit 3).
    """
    platform = KubernetesPlatform(wish.settings)
    model = wish.model
    speeds: dict[str, object] = {
        name: getattr(model, name)
        for name in ("max_num_seqs", "max_waiting", "ttft_s", "itl_s", "slowdown")
    }
    if wish.burn_share is not None:
        speeds["burn_share"] = wish.burn_share
    plan = ShopPlan(
        replicas={**wish.replicas, SERVICE: wish.calm_replicas},
        settings={SERVICE: speeds},
        protections=wish.protections,
        startup_s={SERVICE: wish.startup_s} if wish.startup_s else {},
        run_dir=run_dir,
    )
    told("starting the shop")
    try:
        platform.deploy(plan)
        platform.wait_ready(platform.ready_within_s + 2 * wish.startup_s)
        return _record(wish, platform, run_dir, told)
    except LoadError as error:
        raise SourceUnreachable(f"the load: {str(error).rstrip('.')}") from error
    finally:
        if left := platform.tear_down():
            told(f"not taken down: {left}")


def _record(wish: Drive, platform: KubernetesPlatform, run_dir: Path, told: Told) -> HpaRecord:
    settings = wish.settings
    api = connect(settings)
    recorder = HpaRecorder(
        api,
        namespace=settings.namespace,
        release=settings.release,
        service=SERVICE,
        clock=time.time,
    )
    recorder.start()
    try:
        _await_calm(recorder, wish.calm_replicas, told)
        hpa = recorder.manifest()
        t0_unix_s = time.time()
        load = start_load(
            plan=wish.plan,
            seed=wish.seed,
            run_dir=run_dir,
            endpoints_file=platform.door_file,
            t0_unix_s=t0_unix_s,
        )
        zero_s = t0_unix_s + load.load_start_s
        try:
            _follow(load, wish, api, recorder, zero_s, told)
            load.wait(wish.plan.bound_s - wish.plan.seconds + 30.0)
        finally:
            load.stop()
    finally:
        recorder.stop()
    looks = tuple(look for look in recorder.taken(zero_s) if look.at_s >= -KEPT_S)
    record = HpaRecord(
        hpa=hpa,
        plan=wish.plan,
        seed=wish.seed,
        model=wish.model,
        replicas=dict(wish.replicas),
        protections=dict(wish.protections),
        looks=looks,
    )
    write(record, run_dir / RECORD)
    return record


def _await_calm(recorder: HpaRecorder, replicas: int, told: Told) -> None:
    """Until the HPA has a metric and its target as many ready pods as it wants, for a while."""
    until_s = time.monotonic() + CALM_WITHIN_S
    calm = 0
    while calm < CALM_LOOKS:
        looks = recorder.taken(0.0)
        last = looks[-1] if looks else None
        calm = calm + 1 if last is not None and _is_calm(last, replicas) else 0
        if time.monotonic() > until_s:
            seen = "nothing" if last is None else f"{last.desired} wanted, metric {last.percent} %"
            raise SourceUnreachable(
                f"the HPA was not calm at {replicas} within {CALM_WITHIN_S:.0f} s ({seen}); see "
                "kubectl describe hpa, and that metrics-server runs"
            )
        time.sleep(POLL_S)
    told(f"the HPA is calm at {replicas}")


def _is_calm(look: Look, replicas: int) -> bool:
    return look.percent is not None and look.ready == look.wanted == look.desired == replicas


def _follow(
    load: LoadProcess,
    wish: Drive,
    api: Api,
    recorder: HpaRecorder,
    zero_s: float,
    told: Told,
) -> None:
    """Tell how it goes, and raise the floor when it is planned, until the load ends."""
    least = recorder.taken(zero_s)[-1].floor
    waiting = sorted(wish.planned, key=lambda p: p.at_s)
    next_s = 0.0
    while load.running:
        at_s = time.time() - zero_s
        if at_s >= wish.plan.seconds:
            return
        while waiting and waiting[0].at_s <= at_s:
            floor = max(least, waiting.pop(0).min_replicas)
            api.patch(recorder.hpa_path, {"spec": {"minReplicas": floor}}, kind=MERGE)
            told(f"{at_s:.0f} s: minReplicas {floor}, as planned")
        if at_s >= next_s:
            look = recorder.taken(zero_s)[-1]
            told(
                f"{at_s:.0f} of {wish.plan.seconds:.0f} s: {look.ready} ready of {look.wanted} "
                f"wanted, metric {look.percent} %"
            )
            next_s = at_s + 30.0
        time.sleep(POLL_S)
    if time.time() - zero_s < wish.plan.seconds:
        raise PlatformError(3, "the load generator ended before its time")
