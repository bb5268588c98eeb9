"""ledger.json from what the shop's audits say: one clock, one set of names.

The shop tells moments in Unix seconds, as replicas compare them; a run folder counts from the
run's start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from teastorm.platforms.base import JsonObject, JsonValue

SURELY_UNIX_S = 1e9
"""No run lasts thirty years, and no moment since 2001 is smaller."""

RENAMED = {
    "t_unix_s": "t_s",
    "promised_at": "promised_s",
    "delivered_at": "delivered_s",
    "accepted_at": "accepted_s",
    "expected_at": "expected_s",
}


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What asking again with a key came to. `status` 0: nobody answered."""

    key: str
    request_id: str
    status: int
    order_id: str


def ledger_of(
    audits: Mapping[str, JsonObject], settled: Sequence[Settled], *, t0_unix_s: float
) -> dict[str, JsonValue]:
    """The books of one run. A part that no audit gave is missing, and the verdict says so."""
    orders, dispatch = audits.get("orders", {}), audits.get("dispatch", {})
    books: dict[str, JsonValue] = {
        name: orders[name] for name in ("coupons", "outbox") if name in orders
    }
    if "orders" in orders:
        books["orders"] = _rows(orders["orders"], t0_unix_s)
    for name, source in (
        ("assignments", "assignments"),
        ("notices", "notices"),
        ("passings", "passed"),
    ):
        if source in dispatch:
            books[name] = _rows(dispatch[source], t0_unix_s)
    books["settled"] = [asdict(one) for one in settled]
    return books


def _rows(value: JsonValue, t0_unix_s: float) -> list[JsonValue]:
    if not isinstance(value, list):
        return []
    return [_row(row, t0_unix_s) for row in value if isinstance(row, Mapping)]


def _row(row: JsonObject, t0_unix_s: float) -> dict[str, JsonValue]:
    # Renamed fields come last: a first promise gives way to the one in force.
    ordered = sorted(row.items(), key=lambda item: item[0] in RENAMED)
    return {RENAMED.get(name, name): _moment(value, t0_unix_s) for name, value in ordered}


def _moment(value: JsonValue, t0_unix_s: float) -> JsonValue:
    if isinstance(value, float | int) and not isinstance(value, bool) and value > SURELY_UNIX_S:
        return round(value - t0_unix_s, 6)
    return value
