"""Priority inversions: a request refused for load while a lesser one got what was scarce."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teastorm.verdict.attempts import Attempts
from teastorm.verdict.columns import Flags, Ints, Text
from teastorm.verdict.requests import AI_RUNGS, CHAT, CRITICALITIES
from teastorm.verdict.window import Window

# Refusals that are a judgement on the shop's load; a quota is one on the caller.
LOAD_REASONS = ("priority", "limit", "queue_full", "codel", "deadline", "backpressure", "")
# Which classes compete for what is scarce. Chat never needs the order book, nor orders the AI.
NEEDS: dict[str, frozenset[str]] = {
    "inference": frozenset({"chat"}),
    "orders": frozenset({"checkout", "payment", "status"}),
    "dispatch": frozenset({"checkout"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inversions:
    """How many refusals for load there were, and which of them were inversions."""

    refused: int
    inverted: tuple[str, ...]
    share_by_level: dict[str, float]


def levels(criticality: Text) -> Ints:
    """0 for critical_plus to 3 for sheddable; 3 for a name that is none of these."""
    found = np.full(len(criticality), len(CRITICALITIES) - 1, dtype=np.int64)
    for level, name in enumerate(CRITICALITIES):
        found[criticality == name] = level
    return found


def announced_level(threshold: str) -> int | None:
    """The criticality level of "level:share", as number or name; None when it is neither."""
    text = threshold.partition(":")[0].strip()
    if text in CRITICALITIES:
        return CRITICALITIES.index(text)
    return int(text) if text.isdecimal() and int(text) < len(CRITICALITIES) else None


def inversions(rows: Attempts, window: Window) -> Inversions:
    """Look at each refusal for load beside what its replica admitted within the same second.

    A refusal is an inversion when, in that second and on that replica, an attempt of lower
    criticality that needs the same scarce thing was admitted, unless the announced threshold
    explains both: the refused one lay at or below it, and some threshold announced in that second
    let the lower one in (it moves within a second). Whoever comes back with a waiting-room ticket
    has stood in line for the place and passes nobody.
    """
    inside = (rows.sent_s >= window.start_s) & (rows.sent_s < window.end_s) & rows.real
    level = levels(rows.criticality)
    refused = inside & rows.refused & np.isin(rows.reason, LOAD_REASONS)
    cheap = (rows.class_ == CHAT) & ~np.isin(rows.rung, AI_RUNGS)
    admitted = inside & rows.accepted & ~cheap & ~_redeeming(rows)
    let_in: dict[tuple[str, int], list[int]] = {}
    for index in np.flatnonzero(admitted):
        let_in.setdefault((rows.replica[index], int(rows.sent_s[index])), []).append(int(index))
    seen: dict[tuple[str, int], int] = {}
    for index in np.flatnonzero(inside & (rows.threshold != "")):
        at = announced_level(str(rows.threshold[index]))
        if at is not None:
            where = (rows.replica[index], int(rows.sent_s[index]))
            seen[where] = max(seen.get(where, 0), at)
    inverted = []
    for index in np.flatnonzero(refused):
        when = rows.ended_s[index] if np.isfinite(rows.ended_s[index]) else rows.sent_s[index]
        where = (rows.replica[index], int(when))
        needs = NEEDS.get(str(rows.refused_for[index]))
        own = announced_level(str(rows.threshold[index]))
        lesser = [
            level[other]
            for other in let_in.get(where, ())
            if level[other] > level[index] and (needs is None or str(rows.class_[other]) in needs)
        ]
        explained = (
            own is not None
            and own <= level[index]
            and seen.get(where, own) >= max(lesser, default=0)
        )
        if lesser and not explained:
            inverted.append(str(rows.request_id[index]))
    return Inversions(
        refused=int(refused.sum()),
        inverted=tuple(inverted),
        share_by_level=_shares(rows, inside & rows.real, refused),
    )


def _redeeming(rows: Attempts) -> Flags:
    """Attempts that follow a ticket of the same request."""
    given: dict[str, float] = {}
    for index in np.flatnonzero(rows.ticket != ""):
        request_id, when = str(rows.request_id[index]), float(rows.sent_s[index])
        given[request_id] = min(when, given.get(request_id, when))
    never = float("inf")
    first = np.array([given.get(str(request_id), never) for request_id in rows.request_id])
    return np.asarray(rows.sent_s > first, dtype=np.bool_)


def _shares(rows: Attempts, inside: Flags, refused: Flags) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in CRITICALITIES:
        chosen = inside & (rows.criticality == name)
        if chosen.any():
            found[name] = float((chosen & refused).sum() / chosen.sum())
    return found
