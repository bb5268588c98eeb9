"""Transactions of requests: each in its turn and within its deadline, its errors as problems."""

from __future__ import annotations

import random
from collections.abc import Callable

from teashop.orders.metrics import OrdersMetrics
from teashop.orders.model import (
    IllegalTransition,
    KeyInFlight,
    KeyReused,
    OrderUnknown,
    SoldOut,
)
from teashop.orders.workers import Workers, WorkRefused
from teashop.resilience.criticality import Criticality, lowered
from teashop.resilience.deadline import Deadline
from teashop.resilience.retry_after import RetryAfter, RetryAfterConfig
from teashop.serving.asgi import Problem, Request
from teashop.serving.database import DatabaseBusy, DatabaseUnavailable

_RETRY_AFTER = RetryAfter(RetryAfterConfig(maximum_s=10))


class Transactions:
    """Runs what requests ask of the database. Belongs to one event loop.

    Args:
        default_deadline_s, max_deadline_s: for X-Request-Timeout-Ms.
    """

    def __init__(
        self,
        workers: Workers,
        *,
        rng: random.Random,
        metrics: OrdersMetrics,
        default_deadline_s: float,
        max_deadline_s: float,
    ) -> None:
        self._workers = workers
        self._rng = rng
        self._metrics = metrics
        self._default_deadline_s = default_deadline_s
        self._max_deadline_s = max_deadline_s

    async def run[T](
        self, request: Request, work: Callable[[], T], *, operation: str, base: Criticality
    ) -> T:
        """Run `work` on a database thread.

        Args:
            operation: its name in the metrics.
            base: the route's criticality, which the request may lower.

        Raises:
            Problem: it was not begun, the database did not answer, or the ledger says no.
        """
        level = _criticality(request, base)
        try:
            return await self._workers.run(
                work,
                operation=operation,
                criticality=level,
                deadline=self._deadline(request),
            )
        except WorkRefused as error:
            self._metrics.refused.labels(error.reason, level.label).inc()
            raise self._refusal(error.reason) from None
        except DatabaseUnavailable as error:
            reason = "limit" if isinstance(error, DatabaseBusy) else "dependency"
            self._metrics.refused.labels(reason, level.label).inc()
            raise self._refusal(reason) from error
        except KeyInFlight as error:
            raise Problem(409, "in_flight", str(error), retry_after_s=1) from error
        except KeyReused as error:
            raise Problem(422, "idempotency_key", str(error)) from error
        except SoldOut as error:
            raise Problem(409, "sold_out", str(error)) from error
        except IllegalTransition as error:
            raise Problem(409, "state", str(error)) from error
        except OrderUnknown as error:
            raise Problem(404, "order", str(error)) from error

    def _deadline(self, request: Request) -> Deadline:
        return Deadline.from_header(
            request.header(b"x-request-timeout-ms"),
            now_s=request.received_s,
            default_s=self._default_deadline_s,
            max_s=self._max_deadline_s,
        )

    def _refusal(self, reason: str) -> Problem:
        """A 503 whose Retry-After is the time in which the queue drains, with jitter."""
        sentence = {
            "limit": "The order database has as much work as it can take.",
            "deadline": "The caller's time is up; nothing was begun.",
            "dependency": "The order database does not answer.",
        }[reason]
        seconds = _RETRY_AFTER.seconds(
            self._workers.waiting, self._workers.drain_rate_rps(), self._rng
        )
        return Problem(503, reason, sentence, retry_after_s=seconds, refused_for="orders")


def _criticality(request: Request, base: Criticality) -> Criticality:
    """The route's criticality, lowered if the caller says so; words not known count for nothing."""
    asked = request.header(b"x-criticality")
    return base if asked is None else lowered(base, asked.decode("latin-1"))
