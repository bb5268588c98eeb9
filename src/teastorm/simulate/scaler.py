"""The autoscaler in the loop: the very scaler of live runs over the simulated fleet.

`teastorm.autoscale.live` scrapes, decides and scales here as it does over processes; this module
only tells it what the pods of the simulation are and what they have counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from teastorm.autoscale.live import LiveConfig, LiveScaler, Told, condition
from teastorm.autoscale.pipeline import Count, Snapshot
from teastorm.autoscale.pods import Container, Phase, Pod

if TYPE_CHECKING:
    from teastorm.simulate.fleet import Fleet
    from teastorm.simulate.gateway import Gateway
    from teastorm.simulate.inference import Replica
    from teastorm.simulate.loop import Loop
    from teastorm.simulate.models import InferenceModel
    from teastorm.simulate.scaling import Scaling
    from teastorm.simulate.tally import Tally
    from teastorm.simulate.visit import Try


class Scaler:
    """`Scaled` over a simulated fleet, and the ticks that drive its `LiveScaler`.

    `decisions` has every one so far, oldest first.
    """

    def __init__(
        self,
        scaling: Scaling,
        model: InferenceModel,
        fleet: Fleet,
        gateways: Sequence[Gateway],
        tally: Tally,
    ) -> None:
        self._scaling = scaling
        self._model = model
        self._fleet = fleet
        self._gateways = gateways
        self._tally = tally
        self._now_s = 0.0
        self._offered = Count(0.0, 0.0)
        # A pod of the model has one container, whichever one the manifest speaks of.
        name = next((m.container for m in scaling.metrics if m.container), "inference")
        self._request = (Container(name, model.cpu_request_milli),)
        self.decisions: list[Told] = []
        config = LiveConfig(
            spec=scaling.spec,
            metrics=scaling.metrics,
            start_up=scaling.start_up,
            sync_s=scaling.sync_s,
            scrape_s=scaling.scrape_s,
            delay_s=scaling.lag_s,
            first_sync_s=scaling.first_sync_s,
        )
        self._live = LiveScaler(config, self, self.decisions.append)

    def start(self, loop: Loop, seconds: float) -> None:
        """Begin to look, until the load's end."""

        def tick(now_s: float, _: object) -> None:
            self._now_s = now_s
            self._live.tick(now_s)
            if self._live.due_s <= seconds:
                loop.at(self._live.due_s, tick)

        loop.at(self._live.due_s, tick)

    def wanted(self) -> int:
        """See `Scaled`."""
        return self._fleet.wanted

    def scale(self, replicas: int) -> None:
        """See `Scaled`."""
        self._fleet.scale(self._now_s, replicas)

    def floor(self, now_s: float) -> int:
        """See `Scaled`."""
        begun = [(p.at_s, p.min_replicas) for p in self._scaling.planned if p.at_s <= now_s]
        return max(begun)[1] if begun else 0

    def pods(self) -> list[Pod]:
        """See `Scaled`. Who starts is Pending: most of a start is a node's and an image's."""
        return [self._pod(replica) for replica in self._fleet.replicas]

    def _pod(self, replica: Replica[Try]) -> Pod:
        is_ready = replica.ready_s <= self._now_s
        return Pod(
            name=replica.name,
            phase=Phase.RUNNING if is_ready else Phase.PENDING,
            deleting=replica.draining,
            start_s=replica.born_s,
            ready=condition(
                ready=is_ready,
                since_s=replica.ready_s if math.isfinite(replica.ready_s) else replica.born_s,
            ),
            containers=self._request,
        )

    def snapshot(self, now_s: float) -> Snapshot:
        """See `Scaled`."""
        model, places = self._model, self._model.max_num_seqs
        cpu: dict[str, Count] = {}
        running: dict[str, Count] = {}
        fill: dict[str, Count] = {}
        in_flight: dict[str, float] = {}
        waiting: dict[str, float] = {}
        begun: dict[str, float] = {}
        for replica in self._fleet.replicas:
            if replica.ready_s > now_s:
                continue
            name, batch = replica.name, replica.batch
            batch.advance(now_s)
            full_s = batch.slot_seconds / places
            idle = model.cpu_idle_milli * (now_s - replica.ready_s)
            cpu[name] = Count(now_s, (idle + model.cpu_busy_milli * full_s) / 1000)
            running[name] = Count(now_s, batch.slot_seconds)
            fill[name] = Count(now_s, full_s)
            in_flight[name] = replica.inside
            waiting[name] = batch.waiting
            if self._scaling.fresh:
                begun[name] = replica.ready_s
        rooms = [gateway.front.ai_room for gateway in self._gateways]
        return Snapshot(
            at_s=now_s,
            pod_begun=begun,
            pod_counts={"cpu": cpu, "running": running, "batch_fill": fill},
            pod_gauges={"in_flight": in_flight, "waiting": waiting},
            shop_counts={"offered_rps": self._offered_by(now_s)},
            shop_gauges={
                "chats_in_flight": sum(room.in_flight for room in rooms),
                "waiting": sum(room.waiting for room in rooms)
                + sum(replica.batch.waiting for replica in self._fleet.replicas),
            },
        )

    def _offered_by(self, now_s: float) -> Count:
        """Chats offered in all, up to the last whole second."""
        whole = int(now_s)
        since = int(self._offered.at_s)
        self._tally.settle()
        added = int(self._tally.offered[since:whole].sum())
        self._offered = Count(float(whole), self._offered.value + added)
        return self._offered
