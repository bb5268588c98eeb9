"""One simulated gateway replica: the shop's own `Front` and `Target`s, asked in the gateway's order.

The steps are those of teashop/gateway with the waiting taken out: what there is an `await` is here
a return, and a callback that goes on.
"""

from __future__ import annotations

import random
from collections.abc import Sequence as Names
from typing import TYPE_CHECKING

from teashop.resilience.front import Front
from teashop.resilience.quota import QuotaExceeded
from teastorm.simulate.chat_path import ChatPath
from teastorm.simulate.orders_path import OrdersPath
from teastorm.simulate.visit import MENU, NO_RUNG, Try, Visit

if TYPE_CHECKING:
    from teashop.resilience.admission import Permit
    from teashop.resilience.front_config import FrontConfig
    from teashop.resilience.protections import Protections
    from teastorm.simulate.crowd import Crowd
    from teastorm.simulate.fleet import Fleet
    from teastorm.simulate.loop import Loop
    from teastorm.simulate.orders import OrdersReplica
    from teastorm.simulate.street import Street
    from teastorm.simulate.timeouts import Timeouts


class Gateway:
    """Belongs to one simulation.

    Args:
        fleet: inference; orders: the replicas of orders.
        call_s, orders_call_s: what a call to inference and to orders costs on top of its work.
        margin_s, call_timeouts, sooner: see `ChatPath`.
        client_timeouts: by class, the clients' time-outs.
    """

    __slots__ = ("_back", "_deadlines", "_longest_s", "chat", "front", "orders")

    def __init__(
        self,
        config: FrontConfig,
        on: Protections,
        *,
        loop: Loop,
        rng: random.Random,
        back: Crowd,
        fleet: Fleet,
        orders: Names[OrdersReplica],
        street: Street,
        call_s: float,
        orders_call_s: float,
        margin_s: float,
        client_timeouts: Names[Timeouts],
        call_timeouts: Timeouts,
        sooner: bool,
    ) -> None:
        front: Front[Try] = Front(config, on, admit=self._admitted, refuse=self._dropped)
        self.front = front
        self._back = back
        self._deadlines = on.deadlines
        self._longest_s = config.max_deadline_s
        self.chat = ChatPath(
            front,
            loop,
            rng,
            back,
            call_s=call_s,
            timeouts=client_timeouts[0],
            fleet=fleet,
            margin_s=margin_s,
            call_timeouts=call_timeouts,
            sooner=sooner,
        )
        self.orders = OrdersPath(
            front,
            loop,
            rng,
            back,
            call_s=orders_call_s,
            timeouts=client_timeouts,
            replicas=orders,
            street=street,
        )

    def receive(self, now_s: float, visit: Visit, budget_s: float) -> None:
        """One attempt arrives; `budget_s` is what X-Request-Timeout-Ms says."""
        try:
            if not self.front.lets_in(visit.rank, visit.user, now_s):
                self.chat.refuse(now_s, visit, "priority", "gateway")
                return
        except QuotaExceeded as over:
            self.chat.refuse(now_s, visit, "quota", "gateway", over.retry_after_s)
            return
        klass = visit.klass
        if klass == MENU:
            self._back.answered(now_s, visit, NO_RUNG, 0.0)
            return
        deadline_s: float | None = None
        if self._deadlines:
            longest_s = self._longest_s
            deadline_s = now_s + (budget_s if budget_s < longest_s else longest_s)
        if klass:
            self.orders.come(now_s, visit, deadline_s)
        else:
            self.chat.come(now_s, visit, deadline_s)

    def watch(self, now_s: float, _: object) -> None:
        """Let the thresholds vote; the event loop never lags in virtual time."""
        self.front.observe(now_s, 0.0)

    def _admitted(self, attempt: Try, permit: Permit) -> bool:
        """A room calls the next in line."""
        attempt.permit = permit
        attempt.path.ask(attempt.path.now_s, attempt)
        return True

    def _dropped(self, attempt: Try, reason: str) -> None:
        """A room turns away one who stood in its line."""
        attempt.path.turned_away(attempt.path.now_s, attempt, reason)
