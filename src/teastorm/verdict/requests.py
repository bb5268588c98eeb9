"""What became of each request: its attempts together, and one outcome, as DEFINITIONS.md says.

Nothing here reads files or knows a bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import IntEnum
from typing import cast

import numpy as np

from teastorm.verdict.attempts import Attempts
from teastorm.verdict.columns import Flags, Floats, Ints, Text
from teastorm.verdict.window import Window

CHAT = "chat"
CHECKOUT = "checkout"
CRITICALITIES = ("critical_plus", "critical", "sheddable_plus", "sheddable")
AI_RUNGS = ("full", "short")
# Answers that lead to no order yet: honest, but not what was wished for.
DEFERRED_RUNGS = ("menu", "ticket")


class Outcome(IntEnum):
    """What became of a request."""

    GOOD = 0
    DEGRADED = 1
    REFUSED = 2
    FAILED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """One row a logical request; `latency_s` from the intended send to the last byte, NaN without.

    `weight` is w(rung) of the final answer, `attempts` counts what was sent, `invited` those of
    them that waited at least the Retry-After they had been given.
    """

    request_id: Text
    class_: Text
    criticality: Text
    user: Text
    key: Text
    order_id: Text
    intended_s: Floats
    latency_s: Floats
    outcome: Ints
    status: Ints
    rung: Text
    weight: Floats
    sequence_s: Floats
    attempts: Ints
    invited: Ints
    refused_any: Flags
    unsent: Flags

    def __len__(self) -> int:
        return len(self.request_id)

    @property
    def good(self) -> Flags:
        """Rows whose outcome is good."""
        return np.asarray(self.outcome == Outcome.GOOD, dtype=np.bool_)

    def within(self, window: Window) -> Flags:
        """Rows whose intended time lies in the window."""
        inside = (self.intended_s >= window.start_s) & (self.intended_s < window.end_s)
        return np.asarray(inside, dtype=np.bool_)

    def of(self, class_: str) -> Flags:
        """Rows of one class."""
        return np.asarray(self.class_ == class_, dtype=np.bool_)

    def at(self, criticality: str) -> Flags:
        """Rows of one criticality."""
        return np.asarray(self.criticality == criticality, dtype=np.bool_)


def rung_weights(rungs: Text, classes: Text, short_weight: float) -> Floats:
    """w(rung) for chat: full 1, short tokens_short / tokens_full, else 0. Other classes: 1."""
    chat = classes == CHAT
    weight = np.where(rungs == "full", 1.0, np.where(rungs == "short", short_weight, 0.0))
    return cast("Floats", np.where(chat, weight, 1.0))


def requests_of(
    rows: Attempts,
    *,
    deadlines_s: Mapping[str, float],
    ledger_order_ids: AbstractSet[str],
    short_weight: float,
) -> Requests:
    """Group attempts into requests and decide each one's outcome.

    The final attempt is the one marked so (the last one where none or several are). A request is
    good when that answer is 2xx, right, leads to what was wished, a checkout's order is in the
    ledger, and it ended within the class's deadline of the intended time. It is degraded when it
    is an honest menu or ticket in time, or a ticket given in time and redeemed later. It is
    refused when it ended in 429 or 503 with a Retry-After of a second or more, itself within the
    deadline of being sent. Everything else failed, unsent arrivals too.
    """
    count = len(rows)
    ids, first, group = np.unique(rows.request_id, return_index=True, return_inverse=True)
    total = len(ids)
    # The last in order of (final, attempt) within each group is the final answer.
    order = np.lexsort((rows.attempt, rows.final, group))
    last = (
        order[np.searchsorted(group[order], np.arange(total), side="right") - 1] if count else order
    )

    deadline = _by_class(rows.class_, deadlines_s)
    accepted = rows.accepted
    ended_in_s = rows.ended_s - rows.intended_s
    in_time = ended_in_s <= deadline
    chat = rows.class_ == CHAT
    deferred = chat & np.isin(rows.rung, DEFERRED_RUNGS)
    booked = (rows.class_ != CHECKOUT) | np.isin(
        rows.order_id, np.array(sorted(ledger_order_ids), dtype=np.str_)
    )
    good = accepted & rows.right & booked & in_time & ~deferred & (rows.rung != "refused")
    ticketed = np.zeros(total, dtype=bool)
    np.logical_or.at(ticketed, group, chat & accepted & (rows.rung == "ticket") & in_time)
    honest_late = accepted & rows.right & ~deferred
    degraded = (accepted & deferred & in_time) | (
        ticketed[group] & (honest_late | deferred) & accepted
    )
    refused = rows.refused & (rows.retry_after_s >= 1.0) & (rows.answer_s <= deadline)

    outcome = np.select(
        [good[last], degraded[last], refused[last]],
        [int(Outcome.GOOD), int(Outcome.DEGRADED), int(Outcome.REFUSED)],
        default=int(Outcome.FAILED),
    ).astype(np.int64)
    refused_any = np.zeros(total, dtype=bool)
    np.logical_or.at(refused_any, group, rows.refused)
    return Requests(
        request_id=ids,
        class_=rows.class_[first],
        criticality=rows.criticality[first],
        user=rows.user[first],
        key=rows.key[first],
        order_id=rows.order_id[last],
        intended_s=rows.intended_s[first],
        latency_s=ended_in_s[last],
        outcome=outcome,
        status=rows.status[last],
        rung=rows.rung[last],
        weight=rung_weights(rows.rung[last], rows.class_[last], short_weight),
        sequence_s=np.nan_to_num(rows.sequence_s[last]),
        attempts=np.bincount(group[rows.real], minlength=total),
        invited=np.bincount(group[rows.real & rows.honoured & (rows.attempt > 1)], minlength=total),
        refused_any=refused_any,
        unsent=(rows.error == "unsent")[last],
    )


def _by_class(classes: Text, values: Mapping[str, float]) -> Floats:
    found = np.full(len(classes), np.nan)
    for name, value in values.items():
        found[classes == name] = value
    return found
