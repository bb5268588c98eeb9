"""The inference replicas over time: started late, listed later, drained, killed, replaced."""

from __future__ import annotations

from collections.abc import Callable

from teashop.resilience.sequence import BatchConfig, Sequence
from teastorm.simulate.inference import Replica
from teastorm.simulate.loop import Loop
from teastorm.simulate.visit import Try


class Fleet:
    """What a Deployment does for inference.

    Args:
        startup_s: from being asked for to being ready.
        restart_s: until another is begun in the place of a lost one.
        discovery_s: until the gateways see a change.
        lost: called as (now_s, attempt) for each call that a killed replica held.

    Attributes:
        endpoints: names that the gateways know now.
        replicas: all that exist, starting and draining ones too, oldest first.
        wanted: how many there shall be.
        curve: (time_s, wanted, ready) at each change.
        pod_seconds: replicas times seconds so far, starting and draining ones too.
    """

    def __init__(
        self,
        loop: Loop,
        config: BatchConfig,
        *,
        count: int,
        startup_s: float,
        restart_s: float,
        discovery_s: float,
        ended: Callable[[float, Try, Sequence], None],
        lost: Callable[[float, Try], None],
    ) -> None:
        self._loop = loop
        self._config = config
        self._startup_s = startup_s
        self._restart_s = restart_s
        self._discovery_s = discovery_s
        self._ended = ended
        self._lost = lost
        self._born = 0
        self._seen_s = 0.0
        self.pod_seconds = 0.0
        self.gone_slot_s = 0.0
        self.replicas: list[Replica[Try]] = []
        self.by_name: dict[str, Replica[Try]] = {}
        self.endpoints: tuple[str, ...] = ()
        self.curve: list[tuple[float, int, int]] = []
        self.wanted = count
        for _ in range(count):
            self._start(0.0, 0.0).ready_s = 0.0
        self.endpoints = tuple(replica.name for replica in self.replicas)
        self._note(0.0)

    @property
    def ready(self) -> list[Replica[Try]]:
        """Replicas that take traffic, whether the gateways know it yet or not."""
        now_s = self._seen_s
        return [r for r in self.replicas if r.ready_s <= now_s and not r.draining]

    def scale(self, now_s: float, wanted: int, startup_s: float | None = None) -> None:
        """Ask for `wanted` replicas: new ones start, the youngest (unready first) drain."""
        self.settle(now_s)
        self.wanted = wanted
        staying = [r for r in self.replicas if not r.draining]
        for _ in range(wanted - len(staying)):
            self._start(now_s, self._startup_s if startup_s is None else startup_s)
        # A ReplicaSet deletes pods that are not ready first, then the youngest.
        staying.sort(key=lambda r: (r.ready_s <= now_s, -r.born_s))
        for replica in staying[: max(0, len(staying) - wanted)]:
            self._drain(now_s, replica)
        self._note(now_s)

    def kill(self, now_s: float, count: int, startup_s: float | None = None) -> None:
        """Lose the `count` oldest ready replicas at once; as many start anew."""
        self.settle(now_s)
        for replica in self.ready[:count]:
            self._remove(replica)
            for attempt in replica.kill():
                self._lost(now_s, attempt)
            self._loop.at(now_s + self._discovery_s, self._publish)
        missing = self.wanted - sum(not r.draining for r in self.replicas)
        again_s = self._restart_s + self._startup_s if startup_s is None else startup_s
        for _ in range(missing):
            self._start(now_s, again_s)
        self._note(now_s)

    def settle(self, now_s: float) -> None:
        """Count pod-seconds up to now."""
        self.pod_seconds += len(self.replicas) * (now_s - self._seen_s)
        self._seen_s = now_s

    def slot_seconds(self, now_s: float) -> float:
        """Sequence-seconds spent up to now by all replicas, those gone too."""
        for replica in self.replicas:
            replica.batch.advance(now_s)
        return self.gone_slot_s + sum(r.batch.slot_seconds for r in self.replicas)

    def _start(self, now_s: float, startup_s: float) -> Replica[Try]:
        self._born += 1
        replica: Replica[Try] = Replica(
            f"inference-{self._born}", self._config, self._loop, self._ended, now_s=now_s
        )
        self.replicas.append(replica)
        self.by_name[replica.name] = replica
        if startup_s > 0 or now_s > 0:
            self._loop.at(now_s + startup_s, self._become_ready, replica)
        return replica

    def _become_ready(self, now_s: float, replica: Replica[Try]) -> None:
        if replica.alive and not replica.draining:
            self.settle(now_s)
            replica.ready_s = now_s
            self._note(now_s)
            self._loop.at(now_s + self._discovery_s, self._publish)

    def _publish(self, _now_s: float, _: object) -> None:
        self.endpoints = tuple(r.name for r in self.ready)

    def _drain(self, now_s: float, replica: Replica[Try]) -> None:
        replica.draining = True
        self._loop.at(now_s + self._discovery_s, self._publish)
        self._loop.at(now_s + self._discovery_s, self._end_if_empty, replica)

    def _end_if_empty(self, now_s: float, replica: Replica[Try]) -> None:
        if not replica.alive:
            return
        if replica.inside:
            self._loop.at(now_s + self._discovery_s + 0.1, self._end_if_empty, replica)
            return
        self.settle(now_s)
        replica.alive = False
        self._remove(replica)
        self._note(now_s)

    def _remove(self, replica: Replica[Try]) -> None:
        self.replicas.remove(replica)
        del self.by_name[replica.name]
        self.gone_slot_s += replica.batch.slot_seconds

    def _note(self, now_s: float) -> None:
        self._seen_s = max(self._seen_s, now_s)
        self.curve.append((now_s, self.wanted, len(self.ready)))
