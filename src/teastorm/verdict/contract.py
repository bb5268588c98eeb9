"""Answers beside the degradation contract: which rows a fault visits, and what was seen there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teashop.resilience.ladder import CONTRACT
from teastorm.verdict.faults import Fault
from teastorm.verdict.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A row of the contract and class: how many answers it saw, and the requests that broke it."""

    dependency: str
    state: str
    class_: str
    answers: int
    wrong: tuple[str, ...]


def state_of(fault: Fault) -> tuple[str, str] | None:
    """The (dependency, state) that a fault brings about; None when the contract has no such row.

    A fault that plans them by name is believed; a surge overloads inference; the loss of all
    replicas of a service puts it out.
    """
    state = str(fault.planned.get("state", ""))
    if state:
        pair = (str(fault.planned.get("dependency", fault.service)), state)
    elif fault.is_surge:
        pair = ("inference", "overloaded")
    elif fault.is_out:
        pair = (fault.service, "out")
    else:
        return None
    return pair if pair in CONTRACT else None


def allowed_rungs(dependency: str, state: str, class_: str) -> frozenset[str]:
    """The rungs of a row, by name."""
    return frozenset(str(rung) for rung in CONTRACT[dependency, state].get(class_, ()))


def visits(run: Run, fault: Fault) -> tuple[Visit, ...]:
    """One visit for each class of the row that a fault brings about.

    Answers count when they were asked for a grace after the fault began (a breaker needs its
    first failures) and ended before the fault did. `refused` needs a Retry-After to be that rung.
    """
    pair = state_of(fault)
    if pair is None or not fault.proved or fault.began_s is None or fault.ended_s is None:
        return ()
    rows = run.attempts
    inside = (
        rows.real
        & (rows.status > 0)
        & (rows.sent_s >= fault.began_s + run.slo.terms.contract_grace_s)
        & (rows.ended_s < fault.ended_s)
    )
    honest = ~rows.refused | (rows.retry_after_s >= 1.0)
    # A refusal of a class without a ladder is still the rung `refused`, whatever it was labelled.
    rung = np.where(rows.refused, "refused", rows.rung)
    found = []
    for class_ in CONTRACT[pair]:
        chosen = inside & (rows.class_ == class_)
        allowed = np.isin(rung, np.array(sorted(allowed_rungs(*pair, class_)), dtype=np.str_))
        wrong = chosen & ~(allowed & honest)
        found.append(
            Visit(
                dependency=pair[0],
                state=pair[1],
                class_=class_,
                answers=int(chosen.sum()),
                wrong=tuple(str(name) for name in rows.request_id[wrong]),
            )
        )
    return tuple(found)
