"""The HTTP side of dispatch: one method for each route."""

from __future__ import annotations

from collections.abc import Callable

from teashop.dispatch import bodies
from teashop.dispatch.books import Books
from teashop.dispatch.desk import Asked, Desk, OtherOrder, Refused, Taken, UnknownShop
from teashop.dispatch.gate import Obstacle
from teashop.dispatch.metrics import Metrics
from teashop.dispatch.pool import Pool
from teashop.dispatch.shop_rows import Standing
from teashop.dispatch.street import Street
from teashop.dispatch.view import View
from teashop.resilience.deadline import Deadline
from teashop.serving.asgi import Problem, Request, Response, json_response
from teashop.serving.clock import Clock
from teashop.serving.router import Router

_LONGEST_WAIT_S = 30.0


class Handlers:
    """Routes of one replica. Belongs to one event loop.

    Args:
        deadlines: drop assignments whose caller has stopped waiting.
        retry_after_s: whole seconds to wait until a shop has made so many drinks.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        books: Books,
        view: View,
        street: Street,
        pool: Pool,
        clock: Clock,
        metrics: Metrics,
        deadlines: bool,
        retry_after_s: Callable[[float], int],
    ) -> None:
        self._desk = desk
        self._books = books
        self._view = view
        self._street = street
        self._pool = pool
        self._clock = clock
        self._metrics = metrics
        self._deadlines = deadlines
        self._retry_after_s = retry_after_s

    def routes(self, router: Router) -> None:
        """Put every route on `router`."""
        router.add("POST", "/assignments", self.assign)
        router.add("GET", "/promises/{order_id}", self.promise)
        router.add("GET", "/revisions", self.revisions)
        router.add("GET", "/quote", self.quote)
        router.add("GET", "/shops", self.shops)
        router.add("GET", "/notices", self.notices)
        router.add("GET", "/audit", self.audit)

    async def assign(self, request: Request) -> Response:
        """POST /assignments: 201 for a new assignment, 200 for one made before, or a refusal."""
        asked = bodies.asked(await request.json())
        now_s = self._clock.unix()
        known = self._view.at(asked.shop, now_s)
        if known is None:
            raise _no_such_shop(asked.shop)
        try:
            outcome = await self._pool.run(
                lambda: self._decide(asked, known, now_s), deadline=self._deadline(request)
            )
        except OtherOrder:
            raise Problem(
                422, "order_reused", f"Order {asked.order_id} was assigned with another body."
            ) from None
        except UnknownShop:
            raise _no_such_shop(asked.shop) from None
        if isinstance(outcome, Refused):
            raise self._refusal(asked, outcome)
        self._metrics.told(outcome.told)
        if outcome.standing is None:
            self._metrics.answered("repeated")
            return json_response(200, bodies.assignment(outcome.assignment))
        self._metrics.answered("accepted")
        self._view.see([outcome.standing])
        return json_response(201, bodies.assignment(outcome.assignment))

    def _deadline(self, request: Request) -> Deadline | None:
        if not self._deadlines:
            return None
        return Deadline.from_header(
            request.header(b"x-request-timeout-ms"),
            request.received_s,
            default_s=_LONGEST_WAIT_S,
            max_s=_LONGEST_WAIT_S,
        )

    def _decide(self, asked: Asked, known: Standing, now_s: float) -> Taken | Refused:
        """Refuse without a write where the view already says so; a repeated order comes first."""
        obstacle = self._view.obstacle(known, asked.drinks)
        if obstacle is not None:
            again = self._desk.repeated(asked)
            if again is not None:
                return again
            return Refused(
                obstacle=obstacle,
                standing=known,
                behind_drinks=self._street.gate.reopens_behind_drinks(known.shop, asked.drinks),
            )
        return self._desk.assign(asked, now_s)

    def _refusal(self, asked: Asked, outcome: Refused) -> Problem:
        self._view.see([outcome.standing])
        self._view.count_refused(asked.shop, asked.drinks)
        self._metrics.answered(outcome.obstacle.value)
        why = (
            f"{asked.shop} is paused until its queue is shorter"
            if outcome.obstacle is Obstacle.PAUSED
            else f"{asked.shop} has no room for {asked.drinks} more drinks"
        )
        return Problem(
            503,
            "backpressure",
            f"{why}: {outcome.standing.shop.queue:.0f} drinks wait.",
            retry_after_s=self._retry_after_s(outcome.behind_drinks),
            refused_for="dispatch",
        )

    async def promise(self, request: Request) -> Response:
        """GET /promises/{order_id}."""
        order_id = request.params["order_id"]
        now_s = self._clock.unix()
        found = await self._pool.run(lambda: self._books.promise(order_id, now_s))
        if found is None:
            raise Problem(404, "order", f"Order {order_id} has no assignment.")
        return json_response(200, found)

    async def quote(self, request: Request) -> Response:
        """GET /quote?shop=NAME[&drinks=N]: what an order placed now would be told."""
        query = request.query
        name = query.get("shop", "")
        standing = self._view.at(name, self._clock.unix())
        if standing is None:
            raise _no_such_shop(name)
        drinks = query.get("drinks", "1")
        if not drinks.isdecimal() or not 1 <= int(drinks) <= 1000:
            raise Problem(422, "query", f"drinks must be from 1 to 1000, got {drinks!r}.")
        return json_response(200, self._quote(standing, int(drinks)))

    def _quote(self, standing: Standing, drinks: int) -> bodies.Body:
        shop = standing.shop
        obstacle = self._view.obstacle(standing, drinks)
        behind = self._street.gate.reopens_behind_drinks(shop, drinks)
        return {
            "shop": shop.name,
            "accepting": obstacle is None,
            "state": "open" if obstacle is None else obstacle.value,
            "eta_s": round(self._view.eta_s(standing, drinks), 3),
            "queue": round(shop.queue, 3),
            "paused": shop.paused,
            "retry_after_s": self._retry_after_s(behind) if obstacle else None,
        }

    async def shops(self, _request: Request) -> Response:
        """GET /shops: every shop as this replica sees it."""
        now_s = self._clock.unix()
        found = [
            {
                **self._quote(standing, 1),
                "capacity_drinks": self._street.rules.capacity_drinks,
                "capacity_drinks_per_h": self._street.drinks_per_h,
                "past_capacity": standing.shop.passed,
                "orders_waiting": standing.shop.waiting,
                "couriers": len(standing.couriers.free_at_s),
                "couriers_away": standing.couriers.away(now_s),
            }
            for standing in self._view.all_at(now_s)
        ]
        return json_response(200, {"shops": found})

    async def notices(self, request: Request) -> Response:
        """GET /notices?since=ID: the feed after the notice with that id."""
        since = _since(request, "a notice")
        found = await self._pool.run(lambda: self._books.notices(since))
        return json_response(200, {"notices": found})

    async def revisions(self, request: Request) -> Response:
        """GET /revisions?since=ID: promises told anew after the revision with that id."""
        since = _since(request, "a revision")
        found = await self._pool.run(lambda: self._books.revisions(since))
        return json_response(200, {"revisions": found})

    async def audit(self, _request: Request) -> Response:
        """GET /audit: what a check of promises, notices and the ledger reads."""
        now_s = self._clock.unix()
        return json_response(200, await self._pool.run(lambda: self._books.audit(now_s)))


def _no_such_shop(name: str) -> Problem:
    return Problem(404, "shop", f"There is no shop {name!r} on the street.")


def _since(request: Request, of: str) -> int:
    since = request.query.get("since", "0")
    if not since.isdecimal():
        raise Problem(422, "query", f"since must be the id of {of}, got {since!r}.")
    return int(since)
