"""The port, live: an HPA that scrapes, decides and scales, with time and the shop passed in.

`LiveScaler.tick` does what is due; who calls it decides what a second is, so a compressed day runs
the same code. All times are in the HPA's own seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from teastorm.autoscale.calculator import Scene
from teastorm.autoscale.controller import Autoscaler, Decision, HpaSpec
from teastorm.autoscale.evaluate import Advice, advise
from teastorm.autoscale.manifest_metrics import MetricTarget
from teastorm.autoscale.pipeline import Pipeline, Seen, Snapshot
from teastorm.autoscale.pods import Pod, Ready, StartUp, Status

SYNC_S = 15.0
SCRAPE_S = 15.0
DELAY_S = 5.0


class Scaled(Protocol):
    """What is scaled. Called from the scaler's thread only."""

    def wanted(self) -> int:
        """spec.replicas."""
        ...

    def pods(self) -> Sequence[Pod]:
        """Every pod, also those that have not started."""
        ...

    def snapshot(self, now_s: float) -> Snapshot:
        """A scrape of all metrics."""
        ...

    def floor(self, now_s: float) -> int:
        """Replicas planned for this moment whatever the metrics say; 0: none."""
        ...

    def scale(self, replicas: int) -> None:
        """Want so many."""
        ...


@dataclass(frozen=True, kw_only=True)
class LiveConfig:
    """An HPA and its delays (the defaults: the controller's, metrics-server's).

    `first_sync_s` is the first look; None: half a period from the begin, since the controller is
    not in step with the metrics.
    """

    spec: HpaSpec
    metrics: tuple[MetricTarget, ...]
    start_up: StartUp = field(default_factory=StartUp)
    sync_s: float = SYNC_S
    scrape_s: float = SCRAPE_S
    delay_s: float = DELAY_S
    first_sync_s: float | None = None

    def __post_init__(self) -> None:
        if not (self.sync_s > 0 and self.scrape_s > 0):
            raise ValueError("sync_s and scrape_s must be above 0")
        if self.delay_s < 0:
            raise ValueError(f"delay_s must be 0 or more, got {self.delay_s}")
        if not self.metrics:
            raise ValueError("an autoscaler needs at least one metric")


class Lag(NamedTuple):
    """Where the time went until a pod was asked for, in seconds.

    `metric_s` from the middle of the samples' window until they could be had, `sync_s` until the
    autoscaler looked, `hold_s` from the first look that asked for more (stabilisation, limits).
    """

    metric_s: float
    sync_s: float
    hold_s: float


class Told(NamedTuple):
    """One decision and what it was made from; `desired` has the planned floor in it."""

    at_s: float
    decision: Decision
    advice: Advice | None
    ready: int
    lag: Lag | None
    desired: int


class LiveScaler:
    """One HPA over one `Scaled`. Not safe for concurrent use: one thread calls `tick`."""

    def __init__(self, config: LiveConfig, shop: Scaled, tell: Callable[[Told], None]) -> None:
        self._config = config
        self._shop = shop
        self._tell = tell
        self._autoscaler = Autoscaler(config.spec)
        self._pipeline = Pipeline(delay_s=config.delay_s)
        self._next_scrape_s = 0.0
        first_s = config.first_sync_s
        self._next_sync_s = config.sync_s / 2 if first_s is None else first_s
        self._asking_since_s: float | None = None

    @property
    def due_s(self) -> float:
        """When there is something to do again."""
        return min(self._next_scrape_s, self._next_sync_s)

    def tick(self, now_s: float) -> None:
        """Do what is due; what was missed is done once, not made up for."""
        if now_s >= self._next_scrape_s:
            self._pipeline.scrape(self._shop.snapshot(now_s))
            self._next_scrape_s = _after(now_s, self._next_scrape_s, self._config.scrape_s)
        if now_s >= self._next_sync_s:
            self._sync(now_s)
            self._next_sync_s = _after(now_s, self._next_sync_s, self._config.sync_s)

    def _sync(self, now_s: float) -> None:
        seen = self._pipeline.visible(now_s)
        pods = self._shop.pods()
        current = self._shop.wanted()
        given: list[Advice] = []

        def recommend() -> int | None:
            advice = self._advice(seen, pods, current, now_s)
            given.append(advice)
            return advice.replicas

        decision = self._autoscaler.sync(now_s, current, recommend)
        advice = given[0] if given else None
        asks = advice is not None and advice.replicas is not None and advice.replicas > current
        if not asks:
            self._asking_since_s = None
        elif self._asking_since_s is None:
            self._asking_since_s = now_s
        lag = None
        if decision.desired > current and seen is not None:
            since_s = now_s if self._asking_since_s is None else self._asking_since_s
            lag = Lag(seen.available_s - seen.middle_s, now_s - seen.available_s, now_s - since_s)
        floor = min(self._shop.floor(now_s), self._config.spec.max_replicas)
        desired = max(decision.desired, floor)
        if desired != current:
            self._shop.scale(desired)
        ready = sum(_is_ready(pod) for pod in pods)
        self._tell(Told(now_s, decision, advice, ready, lag, desired))

    def _advice(self, seen: Seen | None, pods: Sequence[Pod], current: int, now_s: float) -> Advice:
        if seen is None:
            return Advice(None, ())
        scene = Scene(
            pods=pods,
            tolerance=self._config.spec.tolerances(),
            start_up=self._config.start_up,
            now_s=now_s,
        )
        # status.replicas: pods that exist, wanted or not.
        exist = sum(not pod.deleting for pod in pods)
        return advise(
            self._config.metrics, scene, seen.readings, spec_replicas=current, status_replicas=exist
        )


def condition(*, ready: bool, since_s: float) -> Ready:
    """The Ready condition since a moment."""
    return Ready(status=Status.TRUE if ready else Status.FALSE, last_transition_s=since_s)


def _is_ready(pod: Pod) -> bool:
    return pod.ready is not None and pod.ready.status is Status.TRUE


def _after(now_s: float, due_s: float, every_s: float) -> float:
    """The next moment of the grid that lies after now."""
    missed = int((now_s - due_s) // every_s)
    return due_s + (missed + 1) * every_s
