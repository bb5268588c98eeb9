"""The live autoscaler of a run: the port over a platform's replicas, in a thread of its own.

Every decision, and every replica that came of one, becomes an event of the run.
"""

import threading
from collections.abc import Callable

from teastorm.autoscale.controller import Path
from teastorm.autoscale.live import LiveScaler, Told
from teastorm.platforms.base import JsonValue, PlatformError
from teastorm.runner.autoscaler import AutoscalerPlan
from teastorm.runner.live_shop import LiveShop

type Note = Callable[..., None]
"""`note(kind, **fields)`: an event at this moment."""


class ScalerThread:
    """Runs a plan from `start` to `stop`; a decision that fails is an event, and the next follows."""

    def __init__(
        self, plan: AutoscalerPlan, shop: LiveShop, *, note: Note, now_s: Callable[[], float]
    ) -> None:
        self._plan = plan
        self._shop = shop
        self._note = note
        self._now_s = now_s
        self._scaler = LiveScaler(plan.live, shop, self._tell)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="autoscaler", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Scale no more. May be called twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        factor = self._shop.factor
        while not self._stopping.is_set():
            try:
                self._scaler.tick(self._now_s() * factor)
            except (PlatformError, OSError) as error:
                self._note("autoscale_failed", service=self._plan.service, why=str(error))
            self._stopping.wait(max(self._scaler.due_s / factor - self._now_s(), 0.01))

    def _tell(self, told: Told) -> None:
        self._note("autoscale", **event_of(told, self._plan.service, self._shop.factor))


def event_of(told: Told, service: str, factor: float) -> dict[str, JsonValue]:
    """A decision as an event; times are the run's own seconds, whatever it compresses."""
    decision, advice = told.decision, told.advice
    row: dict[str, JsonValue] = {
        "service": service,
        "path": decision.path.value,
        "current": decision.current,
        "desired": told.desired,
        "ready": told.ready,
        "recommendation": None if advice is None else advice.replicas,
        "metrics": []
        if advice is None
        else [
            {
                "name": each.metric,
                "replicas": each.replicas,
                "usage_milli": each.usage_milli,
                "utilization_percent": each.utilisation_percent,
                "error": each.error,
            }
            for each in advice.opinions
        ],
    }
    if decision.path is Path.NORMALIZED:
        row |= {"stabilized": decision.stabilized, "limit_reason": decision.limit_reason}
    if told.lag is not None:
        row["lag"] = {name: round(s / factor, 3) for name, s in told.lag._asdict().items()}
    return row
