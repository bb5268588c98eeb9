"""Replicas planned for a crowd that is known beforehand: kept beside an HPA, which cannot plan.

As an annotation of the HPA (`ANNOTATION`) they survive `kubectl apply` and Helm; Kubernetes itself
passes over them, so somebody has to raise `minReplicas` when their time comes.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.gomath import INT32_MAX

ANNOTATION = "teastorm/planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Replicas wanted from a time of the demand on whatever the metrics say; 0: none any more."""

    at_s: float
    min_replicas: int


def write_planned(planned: Sequence[Planned]) -> str:
    """The annotation's text, which `read_planned` makes the very same of."""
    return json.dumps([asdict(each) for each in planned])


def read_planned(annotations: Fields, most: int) -> tuple[Planned, ...]:
    """What an HPA's annotations plan, at most `most` replicas; FieldError if it cannot be meant."""
    if ANNOTATION not in annotations:
        return ()
    where = annotations.path(ANNOTATION)
    try:
        rows = json.loads(annotations.text(ANNOTATION))
    except json.JSONDecodeError as error:
        raise FieldError(f"{where} must be a list in JSON, but {error.msg.lower()}") from error
    found: list[Planned] = []
    for row in Fields({where: rows}).objects(where):
        row.only("at_s", "min_replicas")
        at_s = row.number("at_s")
        least = found[-1].at_s if found else -math.inf
        if not (0 <= at_s < math.inf and at_s > least):
            raise FieldError(
                f"{row.path('at_s')} must be a time from 0 on, later than the one before"
            )
        floor = row.integer("min_replicas", low=0, high=INT32_MAX)
        if floor > most:
            raise FieldError(
                f"{row.path('min_replicas')} must be at most maxReplicas {most}, got {floor}"
            )
        found.append(Planned(at_s=float(at_s), min_replicas=floor))
    return tuple(found)
