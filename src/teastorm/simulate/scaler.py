"""The autoscaler in the loop: samples with their age, pods with their state, the port's decision."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from teastorm.autoscale import calculator
from teastorm.autoscale.calculator import Scene
from teastorm.autoscale.controller import Autoscaler, combine
from teastorm.autoscale.errors import MetricError
from teastorm.autoscale.functions import Function
from teastorm.autoscale.metrics import PodValue, no_metrics
from teastorm.autoscale.pods import Container, Pod, Ready, Status

if TYPE_CHECKING:
    from teastorm.autoscale.manifest_metrics import MetricTarget
    from teastorm.simulate.fleet import Fleet
    from teastorm.simulate.gateway import Gateway
    from teastorm.simulate.inference import Replica
    from teastorm.simulate.loop import Loop
    from teastorm.simulate.scaling import Scaling
    from teastorm.simulate.scenario import InferenceModel
    from teastorm.simulate.tally import Tally
    from teastorm.simulate.visit import Try


class _Scrape(NamedTuple):
    """All metrics at one moment: of each pod, and of the shop; in thousandths."""

    at_s: float
    pods: dict[str, dict[str, PodValue]]
    shop: dict[str, int]


class Scaler:
    """Scrapes every `scrape_s`, decides every `sync_s` on samples at least `lag_s` old."""

    def __init__(
        self, scaling: Scaling, fleet: Fleet, gateways: Sequence[Gateway], tally: Tally
    ) -> None:
        self._scaling = scaling
        self._fleet = fleet
        self._gateways = gateways
        self._tally = tally
        self._autoscaler = Autoscaler(scaling.spec)
        self._scrapes: deque[_Scrape] = deque()
        self._slot_s: dict[str, float] = {}
        self._scraped_s = 0.0
        self._offered_at = 0
        self._model: InferenceModel | None = None

    def start(self, loop: Loop, model: InferenceModel, seconds: float) -> None:
        """Begin to look, until the load's end."""
        self._model = model
        scaling = self._scaling
        loop.every(scaling.scrape_s, self._scrape, first_s=scaling.scrape_s, until_s=seconds)
        loop.every(scaling.sync_s, self._sync, first_s=scaling.sync_s, until_s=seconds)

    def _scrape(self, now_s: float, _: object) -> None:
        span_s = now_s - self._scraped_s
        pods = {
            replica.name: self._sample(replica, now_s, span_s)
            for replica in self._fleet.replicas
            if replica.ready_s <= now_s
        }
        tally = self._tally
        whole = int(now_s)
        offered = sum(tally.offered[self._offered_at : whole])
        seconds = max(1, whole - self._offered_at)
        self._offered_at = whole
        shop = {
            "offered_rps": round(1000 * offered / seconds),
            "chats_in_flight": 1000 * sum(g.front.ai_room.in_flight for g in self._gateways),
            "waiting": 1000
            * sum(
                [g.front.ai_room.waiting for g in self._gateways]
                + [r.batch.waiting for r in self._fleet.replicas]
            ),
        }
        self._scraped_s = now_s
        self._scrapes.append(_Scrape(now_s, pods, shop))

    def _sample(self, replica: Replica[Try], now_s: float, span_s: float) -> dict[str, PodValue]:
        model = self._model
        if model is None:
            return {}
        batch = replica.batch
        batch.advance(now_s)
        since_s = max(1e-9, min(span_s, now_s - replica.ready_s) or span_s)
        running = (batch.slot_seconds - self._slot_s.get(replica.name, 0.0)) / since_s
        self._slot_s[replica.name] = batch.slot_seconds
        fill = min(1.0, running / model.max_num_seqs)
        values = {
            "cpu": model.cpu_idle_milli + model.cpu_busy_milli * fill,
            "in_flight": 1000.0 * replica.inside,
            "waiting": 1000.0 * batch.waiting,
            "running": 1000.0 * running,
            "batch_fill": 1000.0 * fill,
        }
        return {name: PodValue(round(v), now_s, span_s) for name, v in values.items()}

    def _sync(self, now_s: float, _: object) -> None:
        fleet, scaling = self._fleet, self._scaling
        visible = None
        while self._scrapes and self._scrapes[0].at_s <= now_s - scaling.lag_s:
            visible = self._scrapes.popleft()
        if visible is not None:
            self._scrapes.appendleft(visible)
        begun = [(p.at_s, p.min_replicas) for p in scaling.planned if p.at_s <= now_s]
        floor = max(begun)[1] if begun else 0
        current = fleet.wanted
        decision = self._autoscaler.sync(
            now_s, current, lambda: self._recommend(visible, current, now_s)
        )
        wanted = min(max(decision.desired, floor), scaling.spec.max_replicas)
        if wanted != current:
            fleet.scale(now_s, wanted)

    def _recommend(self, scrape: _Scrape | None, current: int, now_s: float) -> int | None:
        if scrape is None:
            return None
        scene = Scene(
            pods=[self._pod(replica, now_s) for replica in self._fleet.replicas],
            tolerance=self._scaling.spec.tolerances(),
            start_up=self._scaling.start_up,
            now_s=now_s,
        )
        proposals: list[int | None] = []
        for metric in self._scaling.metrics:
            try:
                proposals.append(_propose(metric, scene, current, scrape))
            except MetricError:
                proposals.append(None)
        return combine(proposals, current).recommendation

    def _pod(self, replica: Replica[Try], now_s: float) -> Pod:
        is_ready = replica.ready_s <= now_s
        request = 0 if self._model is None else self._model.cpu_request_milli
        return Pod(
            name=replica.name,
            deleting=replica.draining,
            start_s=replica.born_s,
            ready=Ready(
                status=Status.TRUE if is_ready else Status.FALSE,
                last_transition_s=replica.ready_s
                if math.isfinite(replica.ready_s)
                else replica.born_s,
            ),
            containers=(Container(name="inference", request_milli=request),),
        )


def _propose(metric: MetricTarget, scene: Scene, current: int, scrape: _Scrape) -> int:
    function, target = metric.function, metric.target
    if metric.counts_from_zero:
        value = scrape.shop[metric.name]
        if function is Function.OBJECT_VALUE:
            return calculator.object_value(scene, current, target, value).replicas
        if function is Function.OBJECT_AVERAGE_VALUE:
            return calculator.object_average_value(scene, current, target, value).replicas
        if function is Function.EXTERNAL_VALUE:
            return calculator.external_value(scene, current, target, [value]).replicas
        return calculator.external_average_value(scene, current, target, [value]).replicas
    values = {name: sample[metric.name] for name, sample in scrape.pods.items()}
    if not values:
        raise no_metrics()
    if function is Function.RESOURCE_UTILIZATION:
        return calculator.resource_utilisation(scene, current, target, values, cpu=True).replicas
    cpu = function is Function.RESOURCE_AVERAGE_VALUE
    return calculator.average_value(scene, current, target, values, cpu=cpu).replicas
