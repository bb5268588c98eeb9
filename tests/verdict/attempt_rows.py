"""Attempts in a few words, and what the verdict makes of them."""

from __future__ import annotations

import numpy as np

from teastorm.verdict.attempts import Attempts
from teastorm.verdict.requests import requests_of

NAN = float("nan")
DEADLINES = {"chat": 4.0, "checkout": 2.0, "menu": 1.0}
CRITICALITY = {"chat": "sheddable_plus", "checkout": "critical", "menu": "sheddable"}
TEXTS = "error reason refused_for threshold order_id ticket phase"


def attempts(*rows: dict) -> Attempts:
    full = []
    for number, row in enumerate(rows):
        class_ = row.get("class_", "chat")
        base: dict[str, object] = dict.fromkeys(TEXTS.split(), "") | {
            "request_id": f"r{number}",
            "class_": class_,
            "criticality": CRITICALITY[class_],
            "user": "u",
            "key": f"k{number}",
            "intended_s": 0.0,
            "attempt": 1,
            "sent_s": row.get("intended_s", 0.0),
            "ended_s": 1.0,
            "status": 200,
            "rung": "full",
            "retry_after_s": NAN,
            "replica": "g",
            "sequence_s": 1.0,
            "right": True,
            "waited_s": 0.0,
            "final": True,
            "lag_s": 0.0,
            "honoured": False,
        }
        full.append(base | row)
    names = Attempts.__dataclass_fields__
    return Attempts(**{name: np.array([row[name] for row in full]) for name in names})


def judged(*rows: dict, orders: frozenset[str] = frozenset()):
    return requests_of(
        attempts(*rows), deadlines_s=DEADLINES, ledger_order_ids=orders, short_weight=0.25
    )


REFUSED = {"status": 503, "rung": "refused", "right": False, "ended_s": 0.01}
