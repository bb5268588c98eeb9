"""The HTTP face of the ledger: checkout, payment, status, audit."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from teashop.orders import bodies
from teashop.orders.audit import Audit
from teashop.orders.metrics import OrdersMetrics
from teashop.orders.model import (
    Answer,
    Cart,
    IllegalTransition,
    KeyInFlight,
    KeyReused,
    OrderUnknown,
    SoldOut,
    State,
)
from teashop.orders.quotes import NO_QUOTE, Quote, Quotes
from teashop.orders.store import OrderStore
from teashop.orders.workers import Workers, WorkRefused
from teashop.resilience.criticality import Criticality, lowered
from teashop.resilience.deadline import Deadline
from teashop.resilience.retry_after import RetryAfter, RetryAfterConfig
from teashop.serving.asgi import JSON_TYPE, Problem, Request, Response, Router, json_response
from teashop.serving.clock import Clock
from teashop.serving.database import DatabaseBusy, DatabaseUnavailable

_REPLAYED = (b"idempotency-replayed", b"true")
_RETRY_AFTER = RetryAfter(RetryAfterConfig(maximum_s=10))


class OrdersApi:
    """Handlers over one store. Belongs to one event loop.

    Args:
        quotes: where to ask before a checkout; None while backpressure is off.
        default_deadline_s, max_deadline_s: for X-Request-Timeout-Ms.
        placed: told after each new order, so that the relay need not poll for it.
        audit_thread: runs one blocking step of an audit.
    """

    def __init__(
        self,
        store: OrderStore,
        audit: Audit,
        workers: Workers,
        *,
        quotes: Quotes | None,
        clock: Clock,
        rng: random.Random,
        metrics: OrdersMetrics,
        default_deadline_s: float,
        max_deadline_s: float,
        placed: Callable[[], None],
        audit_thread: Callable[[Callable[[], bytes | None]], Awaitable[bytes | None]],
    ) -> None:
        self._store = store
        self._audit = audit
        self._workers = workers
        self._quotes = quotes
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._default_deadline_s = default_deadline_s
        self._max_deadline_s = max_deadline_s
        self._placed = placed
        self._audit_thread = audit_thread
        self._one_audit = asyncio.Lock()  # there is one connection for audits

    def router(self) -> Router:
        """The routes of this service."""
        router = Router()
        router.add("POST", "/orders", self.checkout)
        router.add("POST", "/orders/{id}/payment", self.payment)
        router.add("GET", "/orders/{id}", self.status)
        router.add("GET", "/audit", self.audit)
        return router

    async def checkout(self, request: Request) -> Response:
        """POST /orders: 201 with the order; the first answer again for a known key."""
        key = bodies.idempotency_key(request)
        cart = await bodies.cart(request)
        quote = NO_QUOTE if self._quotes is None else await self._quotes.of(cart.shop)
        if not quote.accepting:
            return await self._turned_away(request, cart, key, quote)
        answer = await self._run(
            request,
            lambda: self._store.place(cart, key, eta_s=quote.eta_s),
            operation="place",
            base=Criticality.CRITICAL,
        )
        if not answer.replayed:
            self._placed()
        return self._told(answer, State.PLACED)

    async def _turned_away(self, request: Request, cart: Cart, key: str, quote: Quote) -> Response:
        """The answer for a shop that takes no more: an accepted order stays accepted."""
        first = await self._run(
            request,
            lambda: self._store.first_answer(cart, key),
            operation="find",
            base=Criticality.CRITICAL,
        )
        if first is not None:
            return self._told(first, State.PLACED)
        if quote.unknown:
            raise Problem(400, "body", f"shop: there is no shop {cart.shop!r}.")
        self._metrics.refused.labels("backpressure", Criticality.CRITICAL.label).inc()
        raise Problem(
            503,
            "backpressure",
            f"Shop {cart.shop!r} takes no more orders for now: it is {quote.why}.",
            retry_after_s=max(1, math.ceil(quote.retry_after_s)),
            refused_for="dispatch",
        )

    async def payment(self, request: Request) -> Response:
        """POST /orders/{id}/payment: 200 with the state; the first answer again for a known key."""
        key = bodies.idempotency_key(request)
        order_id = request.params["id"]
        answer = await self._run(
            request,
            lambda: self._store.pay(order_id, key),
            operation="pay",
            base=Criticality.CRITICAL_PLUS,
        )
        return self._told(answer, State.PAID)

    async def status(self, request: Request) -> Response:
        """GET /orders/{id}: the state, and the seconds left of the shop's promise."""
        order_id = request.params["id"]
        view = await self._run(
            request,
            lambda: self._store.find(order_id),
            operation="find",
            base=Criticality.CRITICAL_PLUS,
        )
        return json_response(
            200, {"order_id": view.order_id, "state": view.state.value, "eta_s": view.eta_s}
        )

    async def audit(self, request: Request) -> Response:
        """GET /audit: the whole ledger at one moment, streamed."""
        # A stream's status cannot be taken back: ask first whether the database answers.
        await self._run(
            request, self._audit.coupons, operation="audit", base=Criticality.CRITICAL_PLUS
        )
        return Response(200, headers=JSON_TYPE, stream=self._ledger())

    async def _ledger(self) -> AsyncIterator[bytes]:
        snapshot = self._audit.ledger()
        chunks: Iterator[bytes] = iter(())

        def first() -> bytes | None:
            nonlocal chunks
            chunks = snapshot.__enter__()
            return next(chunks, None)

        def close() -> None:
            snapshot.__exit__(None, None, None)

        async with self._one_audit:
            try:
                chunk = await self._audit_thread(first)
                while chunk is not None:
                    yield chunk
                    chunk = await self._audit_thread(lambda: next(chunks, None))
            finally:
                await asyncio.shield(self._audit_thread(close))

    async def _run[T](
        self, request: Request, work: Callable[[], T], *, operation: str, base: Criticality
    ) -> T:
        """Run `work` on a database thread; its errors become problems."""
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

    def _told(self, answer: Answer, state: State) -> Response:
        """The store's answer as a response, counted."""
        self._metrics.orders.labels("replayed" if answer.replayed else state.value).inc()
        headers = (*JSON_TYPE, _REPLAYED) if answer.replayed else JSON_TYPE
        return Response(answer.status, answer.body, headers)


def _criticality(request: Request, base: Criticality) -> Criticality:
    """The route's criticality, lowered if the caller says so; words not known count for nothing."""
    asked = request.header(b"x-criticality")
    return base if asked is None else lowered(base, asked.decode("latin-1"))
