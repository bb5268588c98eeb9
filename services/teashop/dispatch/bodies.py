"""What comes in and what goes out as JSON."""

from __future__ import annotations

from teashop.dispatch.assignment_rows import Assignment
from teashop.dispatch.desk import Asked
from teashop.dispatch.notices import Notice
from teashop.dispatch.promises import Promise, kept
from teashop.serving.asgi import Problem

_MOST_DRINKS = 1000
_LONGEST_NAME = 128
type Body = dict[str, object]


def asked(body: object) -> Asked:
    """POST /assignments' body; Problem 422 naming the field that cannot be used."""
    if not isinstance(body, dict):
        raise _unusable("the body must be an object")
    # A cart says quantity where a shop says drinks; both callers mean the same number.
    drinks = body.get("drinks", body.get("quantity"))
    if not isinstance(drinks, int) or isinstance(drinks, bool) or not 1 <= drinks <= _MOST_DRINKS:
        raise _unusable(f"drinks must be a whole number from 1 to {_MOST_DRINKS}, got {drinks!r}")
    placed_s = body.get("placed_s")
    if placed_s is not None and (
        not isinstance(placed_s, int | float) or isinstance(placed_s, bool)
    ):
        raise _unusable(f"placed_s must be a number of Unix seconds, got {placed_s!r}")
    return Asked(
        order_id=_name(body, "order_id"),
        shop=_name(body, "shop"),
        drinks=drinks,
        placed_s=None if placed_s is None else float(placed_s),
    )


def _name(body: Body, field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_NAME:
        raise _unusable(f"{field} must be a text of 1 to {_LONGEST_NAME} characters, got {value!r}")
    return value


def _unusable(sentence: str) -> Problem:
    return Problem(422, "body", f"{sentence[0].upper()}{sentence[1:]}.")


def assignment(of: Assignment) -> Body:
    """The answer to POST /assignments: always what was said first.

    `promised_s` and `eta_s` are seconds from acceptance, `promised_at` is the moment that makes.
    """
    return {
        "order_id": of.order_id,
        "shop": of.shop,
        "promised_s": round(of.first_promised_s, 3),
        "promised_at": round(of.accepted_at_s + of.first_promised_s, 3),
        "eta_s": round(of.first_eta_s, 3),
    }


def revision(number: int, of: Promise) -> Body:
    """An entry of GET /revisions: the promise as it stands, in Unix seconds."""
    return {
        "id": number,
        "order_id": of.order_id,
        "promised_at": round(of.promised_at_s, 3),
        "revisions": of.revisions,
    }


def promise(of: Assignment, *, arrives_at_s: float, now_s: float) -> Body:
    """The answer to GET /promises/{order_id}; `promised_s` and `eta_s` are seconds from now.

    Both fall below 0 when the moment has passed. `kept` is null while that is open.
    """
    return {
        "order_id": of.order_id,
        "shop": of.shop,
        "state": _state(of, now_s),
        "promised_s": round(of.promise.promised_at_s - now_s, 3),
        "promised_at": round(of.promise.promised_at_s, 3),
        "eta_s": round(arrives_at_s - now_s, 3),
        "revisions": of.promise.revisions,
        "kept": kept(of.promise, delivered_at_s=of.delivered_at_s, now_s=now_s),
    }


def _state(of: Assignment, now_s: float) -> str:
    if of.pickup_at_s is None or of.delivered_at_s is None:
        return "making"
    if now_s < of.pickup_at_s:
        return "waiting_for_courier"
    return "on_the_way" if now_s < of.delivered_at_s else "delivered"


def audited(of: Assignment, *, now_s: float) -> Body:
    """An assignment as GET /audit has it; moments are Unix seconds."""
    return {
        "order_id": of.order_id,
        "shop": of.shop,
        "drinks": of.drinks,
        "accepted_at": of.accepted_at_s,
        "promised_s": of.first_promised_s,
        "promised_at": of.promise.promised_at_s,
        "delivered_at": of.delivered_at_s,
        "revisions": of.promise.revisions,
        "kept": kept(of.promise, delivered_at_s=of.delivered_at_s, now_s=now_s),
    }


def notice(of: Notice) -> Body:
    """An entry of the feed."""
    return {
        "id": of.id,
        "t_unix_s": of.t_unix_s,
        "kind": of.kind,
        "audience": of.audience,
        "shop": of.shop,
        "rate_drinks_per_h": round(of.rate_drinks_per_h, 3),
        "queue": round(of.queue, 3),
        "capacity_drinks_per_h": of.capacity_drinks_per_h,
        "eta_s": None if of.eta_s is None else round(of.eta_s, 3),
        "expected_at": of.expected_at,
    }
