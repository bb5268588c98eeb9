"""After the load: what came of checkouts whose client never learnt it.

The same body under the same Idempotency-Key is sent again, as a client would that comes back. The
answer settles the outcome: an order that was placed is named again and not placed twice.
"""

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pyarrow import parquet

from teastorm.runner.ledger import Settled

LONGEST_S = 15.0
TIMEOUT_S = 3.0
ATTEMPTS = 4
WORKERS = 4


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A checkout without an answer that says what happened."""

    request_id: str
    key: str
    user: str


def unknown_outcomes(requests: Path) -> list[Unknown]:
    """Checkouts that were sent, and whose last answer was none, or an error that explains nothing."""
    columns = ["request_id", "key", "user", "class", "attempt", "status", "reason", "final"]
    table = parquet.read_table(requests, columns=columns)
    acknowledged: set[str] = set()
    last: dict[str, Unknown] = {}
    for row in table.to_pylist():
        if row["class"] != "checkout" or row["attempt"] < 1:
            continue
        if 200 <= row["status"] < 300:
            acknowledged.add(row["key"])
        # A refusal of the door explains itself, but not what an earlier attempt may have done.
        elif row["status"] == 0 or (row["status"] >= 500 and not row["reason"]):
            last[row["key"]] = Unknown(
                request_id=row["request_id"], key=row["key"], user=row["user"]
            )
    return [unknown for key, unknown in last.items() if key not in acknowledged]


def settle(
    unknown: Sequence[Unknown], bodies: Mapping[str, bytes], gateways: Sequence[str]
) -> list[Settled]:
    """Ask again for each, a few at a time and for 15 s at most; the rest stays at status 0."""
    if not unknown or not gateways:
        return [_settled(one, 0, b"") for one in unknown]
    until_s = time.monotonic() + LONGEST_S
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(
            pool.map(
                lambda pair: _ask(
                    pair[1], bodies.get(pair[1].key), gateways[pair[0] % len(gateways)], until_s
                ),
                enumerate(unknown),
            )
        )


def _ask(one: Unknown, body: bytes | None, gateway: str, until_s: float) -> Settled:
    status, answer = 0, b""
    for _ in range(ATTEMPTS):
        if body is None or time.monotonic() >= until_s:
            break
        status, answer = _post(gateway, one, body)
        if 0 < status < 500 and status != 429:
            break
        time.sleep(0.5)  # the shop is asked politely, once it has had time to come back
    return _settled(one, status, answer)


def _post(gateway: str, one: Unknown, body: bytes) -> tuple[int, bytes]:
    host, _, port = gateway.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_S)
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": one.key,
        "X-User": one.user,
        "X-Request-Timeout-Ms": str(int(TIMEOUT_S * 1000)),
    }
    try:
        connection.request("POST", "/checkout", body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def _settled(one: Unknown, status: int, answer: bytes) -> Settled:
    try:
        content = json.loads(answer) if answer else {}
    except ValueError:
        content = {}
    order_id = content.get("order_id", "") if isinstance(content, dict) and status < 300 else ""
    return Settled(key=one.key, request_id=one.request_id, status=status, order_id=str(order_id))
