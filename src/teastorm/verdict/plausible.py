"""What no request log of a real run can say. A folder that says it is refused, not judged.

A check looks for what the shop did wrong; none can look behind a log that is torn, doubled, merged
from two runs or edited. Rows that are lost, times that fit no clock and attempts that contradict
each other mostly read like a *better* shop: a failure without a time lies in no window. So what
contradicts itself ends in one sentence. Pure; safe from several threads.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from teastorm.verdict.attempts import Attempts
from teastorm.verdict.columns import Flags, Ints
from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.plan import Plan
from teastorm.verdict.requests import CRITICALITIES

CLOCK_SLACK_S = 0.05
# A load that is through waits this long at most for its last answers; follow-ups wait for theirs.
LAST_ANSWERS_S = 120.0
# The generator writes lag and times from the same two readings: they differ by rounding only.
ROUNDING_S = 1e-6
# Only a checkout's follow-ups may come later than they were drawn: nobody pays for nothing.
FOLLOW_UPS = ("payment", "status")
# Criticality comes from the route; a header may lower it, which only chat's clients do.
LEVELS: dict[str, tuple[str, ...]] = {
    "chat": ("sheddable_plus", "sheddable"),
    "checkout": ("critical",),
    "payment": ("critical_plus",),
    "status": ("critical_plus",),
    "menu": ("sheddable",),
}

type Complaint = tuple[str, Flags]
"""What is wrong, to follow "3 attempts …", and which rows."""


def refuse_impossible(rows: Attempts, plan: Plan) -> None:
    """Raise `RunFolderError` for the first thing that cannot be; name how many rows and one of them."""
    if len(rows) == 0:
        return
    for said, wrong in (*_rows(rows, plan), *_times(rows, plan), *_requests(rows)):
        if wrong.any():
            example = str(rows.request_id[wrong][0])
            count = int(wrong.sum())
            raise RunFolderError(
                f"requests.parquet: {count} of {len(rows)} attempts {said} "
                f"(the first is of request {example!r}); run the experiment again."
            )


def _rows(rows: Attempts, plan: Plan) -> Iterator[Complaint]:
    """Each row by itself."""
    yield "of no request: request_id is empty", _flags(rows.request_id == "")
    planned = [name for name, count in plan.classes.items() if count > 0]
    yield "of a class that plan.json does not name", ~np.isin(rows.class_, planned)
    known = np.isin(rows.criticality, CRITICALITIES)
    for name, levels in LEVELS.items():
        known &= (rows.class_ != name) | np.isin(rows.criticality, levels)
    yield "with a criticality that their class does not have", ~known
    answered = rows.status > 0
    status = (rows.status == 0) | ((rows.status >= 100) & (rows.status <= 599))
    yield "with a status that HTTP does not have", ~status
    yield "with an answer and no attempt (attempt must be 1 or more)", answered & ~rows.real
    yield "with an answer and an error at once", answered & (rows.error != "")
    yield "with neither an answer nor an error", ~answered & (rows.error == "")
    yield "with sequence seconds below 0", ~(rows.sequence_s >= 0.0)


def _in_their_phase(rows: Attempts, plan: Plan) -> Flags:
    """Whether each row bears the phase it was drawn for; what follows a checkout, any phase."""
    follows = np.isin(rows.class_, FOLLOW_UPS)
    found = np.zeros(len(rows), dtype=np.bool_)
    for phase in plan.phases:
        since = rows.intended_s >= phase.window.start_s - CLOCK_SLACK_S
        until = rows.intended_s <= phase.window.end_s + CLOCK_SLACK_S
        found |= (rows.phase == phase.name) & (follows | (since & until))
    return found


def _times(rows: Attempts, plan: Plan) -> Iterator[Complaint]:
    """Times against each other, and against the plan."""
    start = min(phase.window.start_s for phase in plan.phases) - CLOCK_SLACK_S
    end = max(phase.window.end_s for phase in plan.phases) + CLOCK_SLACK_S
    late = np.where(np.isin(rows.class_, FOLLOW_UPS), LAST_ANSWERS_S, 0.0)
    within = (rows.intended_s >= start) & (rows.intended_s <= end + late)
    yield "intended at no time of the load", ~within
    yield "without a time of sending", rows.real & ~np.isfinite(rows.sent_s)
    yield "with an answer and no time of its end", (rows.status > 0) & ~np.isfinite(rows.ended_s)
    yield "end before they were sent", rows.real & (rows.ended_s < rows.sent_s - CLOCK_SLACK_S)
    yield "go too soon", rows.real & (rows.sent_s < rows.intended_s - CLOCK_SLACK_S)
    latest = end + 2 * LAST_ANSWERS_S
    yield (
        "go or end long after the load",
        rows.real & ((rows.sent_s > latest) | (rows.ended_s > latest)),
    )
    lag_s = rows.sent_s - rows.intended_s
    other = (rows.attempt == 1) & (np.abs(lag_s - rows.lag_s) > ROUNDING_S)
    yield "with a lag that is not from intended_s to sent_s", other
    yield "of another phase than plan.json has at their time", ~_in_their_phase(rows, plan)


def _requests(rows: Attempts) -> Iterator[Complaint]:
    """The attempts of one request beside each other."""
    _, group = np.unique(rows.request_id, return_inverse=True)
    order = np.lexsort((rows.attempt, group))
    same = np.concatenate(([False], group[order][1:] == group[order][:-1]))
    before = np.concatenate(([0], order[:-1]))
    twice = same & (rows.attempt[order] == rows.attempt[before])
    yield "are listed twice", _back(order, twice)
    opens = ~same & (rows.attempt[order] <= 1) & (rows.attempt[order] >= 0)
    follows = same & (rows.attempt[order] == rows.attempt[before] + 1) & (rows.attempt[before] >= 1)
    yield "are not counted on from 1 in their request", _back(order, ~(opens | follows))
    for name in ("class_", "criticality", "user", "key", "intended_s"):
        column = getattr(rows, name)
        other = same & (column[order] != column[before])
        yield f"with another {name.removesuffix('_')} than their request", _back(order, other)
    last = np.concatenate((~same[1:], [True]))
    wrong = rows.final[order] != last
    yield "where final does not mark the last of their request, and only it", _back(order, wrong)
    sooner = rows.sent_s[order] < rows.ended_s[before] - CLOCK_SLACK_S
    yield "go before the one before them ended", _back(order, same & sooner)
    waited_s = rows.sent_s[order] - rows.ended_s[before] + CLOCK_SLACK_S
    asked_s = rows.retry_after_s[before]
    # Who holds a ticket was told when to come by the ticket itself.
    invited = ((asked_s >= 0.0) & (waited_s >= asked_s)) | (rows.ticket[before] != "")
    claims = rows.honoured[order] & ~(same & invited)
    yield "that claim to have waited a Retry-After and did not", _back(order, claims)


def _back(order: Ints, flags: Flags) -> Flags:
    """Flags in sorted order, back in the order of the rows."""
    found = np.zeros(len(order), dtype=np.bool_)
    found[order] = flags
    return found


def _flags(values: object) -> Flags:
    return np.asarray(values, dtype=np.bool_)
