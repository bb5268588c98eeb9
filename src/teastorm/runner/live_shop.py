"""A platform as the autoscaler's port sees a Deployment: its pods, their metrics, how many are wanted.

Metrics come from what the flight recorder has scraped anyway and from the processes' own CPU time,
so that watching costs the shop nothing more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import psutil

from teastorm.autoscale.live import condition
from teastorm.autoscale.pipeline import Count, Snapshot
from teastorm.autoscale.pods import Container, Phase, Pod
from teastorm.observe.recorder import Latest
from teastorm.platforms.base import Platform, Replica
from teastorm.runner.autoscaler import POD_METRICS, SHOP_METRICS, AutoscalerPlan

RUNNING = "vllm:num_requests_running"
WAITING = "vllm:num_requests_waiting"
OFFERED = "teashop_offered_total"
CHAT = "route=chat"
_OURS = (RUNNING, WAITING, OFFERED)


class _Life(NamedTuple):
    """When a replica was first seen, and since when it has been ready or not."""

    born_s: float
    ready: bool
    since_s: float


def cpu_seconds(replica: Replica) -> float | None:
    """User and system time of a replica's process so far; None when it is gone."""
    if replica.pid is None:
        return None
    try:
        times = psutil.Process(replica.pid).cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)


@dataclass(kw_only=True)
class LiveShop:
    """`Scaled` over a platform. `now_s` gives the run's time; `factor` makes it the day's.

    Belongs to the scaler's thread.
    """

    platform: Platform
    plan: AutoscalerPlan
    latest: Callable[[tuple[str, ...]], list[Latest]]
    now_s: Callable[[], float]
    factor: float
    replicas: int
    load_began_s: Callable[[], float | None] = lambda: None
    cpu: Callable[[Replica], float | None] = cpu_seconds
    _lives: dict[str, _Life] = field(default_factory=dict)

    def wanted(self) -> int:
        """See `Scaled`."""
        return self.replicas

    def scale(self, replicas: int) -> None:
        """See `Scaled`."""
        self.replicas = replicas
        self.platform.scale(self.plan.service, replicas)

    def floor(self, now_s: float) -> int:
        """See `Scaled`; planned times count from when the crowd's phase begins."""
        began_s = self.load_began_s()
        if began_s is None:
            return 0
        since_s = now_s - began_s * self.factor
        past = [planned for planned in self.plan.planned if planned.at_s <= since_s]
        return past[-1].min_replicas if past else 0

    def pods(self) -> list[Pod]:
        """See `Scaled`: those that run, and as many Pending ones as are still to start."""
        now_s = self.now_s() * self.factor
        living = self.platform.replicas(self.plan.service)
        lives = {}
        for replica in living:
            name = replica.replica_id
            born_s, ready, since_s = self._lives.get(name, (now_s, replica.ready, now_s))
            if ready != replica.ready:
                since_s = now_s
            lives[name] = _Life(born_s, replica.ready, since_s)
        self._lives = lives
        request = (Container(self.plan.service, self.plan.request_milli),)
        pods = [
            Pod(
                name=name,
                phase=Phase.RUNNING,
                start_s=life.born_s,
                ready=condition(ready=life.ready, since_s=life.since_s),
                containers=request,
            )
            for name, life in lives.items()
        ]
        starting = range(max(self.replicas - len(living), 0))
        return [*pods, *(Pod(name=f"starting-{n}", phase=Phase.PENDING) for n in starting)]

    def snapshot(self, now_s: float) -> Snapshot:
        """See `Scaled`.

        Rates stay those of the machine: a compressed day has shorter periods, not busier replicas.
        Hence counts are stretched as their times are.
        """
        ready = [r for r in self.platform.replicas(self.plan.service) if r.ready]
        cpu = {
            replica.replica_id: Count(now_s, seconds * self.factor)
            for replica in ready
            if (seconds := self.cpu(replica)) is not None
        }
        running: dict[str, float] = {}
        waiting: dict[str, float] = {}
        offered: dict[str, Count] = {}
        names = {replica.replica_id for replica in ready}
        for found in self.latest(_OURS):
            if found.name == OFFERED:
                if CHAT in found.labels.split(","):
                    key = f"{found.replica}{found.labels}"
                    offered[key] = Count(found.at_s * self.factor, found.value * self.factor)
            elif found.replica in names:
                chosen = running if found.name == RUNNING else waiting
                chosen[found.replica] = found.value
        in_flight = {name: value + waiting.get(name, 0.0) for name, value in running.items()}
        gauges = {"running": running, "waiting": waiting, "in_flight": in_flight}
        return Snapshot(
            at_s=now_s,
            pod_counts={"cpu": cpu},
            pod_gauges={name: gauges[meant] for name, meant in POD_METRICS.items()},
            shop_counts=dict.fromkeys(SHOP_METRICS, _sum(offered)) if offered else {},
        )


def _sum(counts: Mapping[str, Count]) -> Count:
    return Count(
        max(count.at_s for count in counts.values()), sum(count.value for count in counts.values())
    )
