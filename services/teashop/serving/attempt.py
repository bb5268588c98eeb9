"""One attempt at one replica: how long it may take, and who is told what became of it."""

from __future__ import annotations

from teashop.resilience.outgoing import Target
from teashop.serving.attempt_metrics import AttemptMetrics
from teashop.serving.clock import Clock
from teashop.serving.wire import Answer, Call, Wire


class Attempts:
    """Makes them; the balancer, the breaker and the metrics hear of each. One event loop.

    Args:
        timeout_s: of an attempt; a call's deadline may leave it less.
    """

    def __init__(
        self, wire: Wire, *, clock: Clock, metrics: AttemptMetrics, timeout_s: float
    ) -> None:
        self._wire = wire
        self._clock = clock
        self._metrics = metrics
        self._timeout_s = timeout_s

    async def make(self, service: str, target: Target, endpoint: str, call: Call) -> Answer | str:
        """One attempt at `endpoint`: an answer, or how it failed (connect, lost, deadline)."""
        started = self._clock.now()
        timeout_s = self._timeout_s
        headers = {k.decode(): v.decode("latin-1") for k, v in call.headers}
        if call.deadline_s is not None:
            timeout_s = min(timeout_s, call.deadline_s - started)
            if timeout_s <= 0:
                return "deadline"
            headers["X-Request-Timeout-Ms"] = str(max(1, int(timeout_s * 1000)))
        target.started(endpoint, started)
        outcome: Answer | str = "lost"
        resolved = False
        try:
            outcome = await self._wire.send(service, endpoint, call, headers, timeout_s)
            resolved = True
        finally:
            now = self._clock.now()
            ok = not resolved or _tells_of_health(outcome)
            target.finished(endpoint, now, now - started, ok=ok)
            if not isinstance(outcome, str):
                self._metrics.seconds.labels(service).observe(now - started)
            label = outcome if isinstance(outcome, str) else _outcome_label(outcome)
            self._metrics.attempts.labels(service, label if resolved else "abandoned").inc()
        return outcome


def _tells_of_health(outcome: Answer | str) -> bool:
    """Whether the endpoint is not to blame: refusals and missed deadlines tell of load."""
    if isinstance(outcome, str):
        return outcome == "deadline"
    return outcome.status < 500 or outcome.refused


def _outcome_label(answer: Answer) -> str:
    if answer.refused:
        return "refused"
    return "ok" if answer.status < 500 else "error"
