"""The gateway's routes: the criticality of each comes from here; a header may only lower it."""

from __future__ import annotations

from dataclasses import dataclass

from teashop.resilience.criticality import Criticality


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One thing a client can ask for."""

    name: str
    method: str
    path: str
    criticality: Criticality


CHAT = Route(name="chat", method="POST", path="/chat", criticality=Criticality.SHEDDABLE_PLUS)
CHECKOUT = Route(name="checkout", method="POST", path="/checkout", criticality=Criticality.CRITICAL)
PAYMENT = Route(
    name="payment",
    method="POST",
    path="/orders/{id}/payment",
    criticality=Criticality.CRITICAL_PLUS,
)
STATUS = Route(
    name="status", method="GET", path="/orders/{id}", criticality=Criticality.CRITICAL_PLUS
)
MENU = Route(name="menu", method="GET", path="/menu", criticality=Criticality.SHEDDABLE)
ROUTES = (CHAT, CHECKOUT, PAYMENT, STATUS, MENU)
