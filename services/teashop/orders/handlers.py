"""The HTTP face of the ledger: checkout, payment, status, audit."""

from __future__ import annotations

import math
from collections.abc import Callable

from teashop.orders import bodies
from teashop.orders.audit import Audit
from teashop.orders.audit_stream import AuditStream
from teashop.orders.metrics import OrdersMetrics
from teashop.orders.model import Answer, Cart, State
from teashop.orders.quotes import NO_QUOTE, Quote, Quotes
from teashop.orders.store import OrderStore
from teashop.orders.transactions import Transactions
from teashop.resilience.criticality import Criticality
from teashop.serving.asgi import JSON_TYPE, Problem, Request, Response, json_response
from teashop.serving.router import Router

_REPLAYED = (b"idempotency-replayed", b"true")


class OrdersApi:
    """Handlers over one store. Belongs to one event loop.

    Args:
        quotes: where to ask before a checkout; None while backpressure is off.
        placed: told after each new order, so that the relay need not poll for it.
    """

    def __init__(
        self,
        store: OrderStore,
        audit: Audit,
        audit_stream: AuditStream,
        transactions: Transactions,
        *,
        quotes: Quotes | None,
        metrics: OrdersMetrics,
        placed: Callable[[], None],
    ) -> None:
        self._store = store
        self._audit = audit
        self._audit_stream = audit_stream
        self._transactions = transactions
        self._quotes = quotes
        self._metrics = metrics
        self._placed = placed

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
        answer = await self._transactions.run(
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
        first = await self._transactions.run(
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
        answer = await self._transactions.run(
            request,
            lambda: self._store.pay(order_id, key),
            operation="pay",
            base=Criticality.CRITICAL_PLUS,
        )
        return self._told(answer, State.PAID)

    async def status(self, request: Request) -> Response:
        """GET /orders/{id}: the state, and the seconds left of the shop's promise."""
        order_id = request.params["id"]
        view = await self._transactions.run(
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
        await self._transactions.run(
            request, self._audit.coupons, operation="audit", base=Criticality.CRITICAL_PLUS
        )
        return Response(200, headers=JSON_TYPE, stream=self._audit_stream.chunks())

    def _told(self, answer: Answer, state: State) -> Response:
        """The store's answer as a response, counted."""
        self._metrics.orders.labels("replayed" if answer.replayed else state.value).inc()
        headers = (*JSON_TYPE, _REPLAYED) if answer.replayed else JSON_TYPE
        return Response(answer.status, answer.body, headers)
