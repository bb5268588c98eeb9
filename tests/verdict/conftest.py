"""A small model of a run that writes a whole run folder: one that holds, one that collapses.

It is no simulator: it writes down what a protected shop (every third chat of a threefold surge
served, the rest told so at once) and an unprotected one (all work late, all clients retrying,
never well again) look like in the files of a run folder. Tests doctor the evidence and judge it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from teastorm.verdict.judge import judge
from teastorm.verdict.registry import known_ids
from teastorm.verdict.result import Result
from teastorm.verdict.slo import load_slo

type Row = dict[str, str | float | int | bool]

SLO = Path(__file__).parents[2] / "experiments" / "slo.yaml"
NAN = float("nan")
K = 60.0
START, FAULT, END, STOP = 2.0, 17.0, 37.0, 72.0
SERVICE_S = 1.5
CRITICALITY = {
    "chat": "sheddable_plus",
    "checkout": "critical",
    "payment": "critical_plus",
    "status": "critical_plus",
    "menu": "sheddable",
}
DEADLINES = {"chat": 4.0, "checkout": 2.0, "payment": 2.0, "status": 1.0, "menu": 1.0}
METRIC_COLUMNS = ("t_s", "service", "replica", "name", "labels", "value")


@dataclass
class World:
    """A run folder in memory: mutate it, `write` it, `judge` it."""

    run: dict
    plan: dict
    load: dict
    faults: list
    events: list
    ledger: dict
    journal: dict
    requests: list[Row] = field(default_factory=list)
    metrics: list[tuple] = field(default_factory=list)

    def write(self, path: Path) -> Path:
        path.mkdir(parents=True, exist_ok=True)
        for name in ("run", "plan", "load", "faults", "events", "ledger", "journal"):
            (path / f"{name}.json").write_bytes(orjson.dumps(getattr(self, name)))
        columns = {name: [row[name] for row in self.requests] for name in self.requests[0]}
        pq.write_table(pa.table(columns), path / "requests.parquet")
        table = {n: [row[i] for row in self.metrics] for i, n in enumerate(METRIC_COLUMNS)}
        schema = pa.schema(
            [("t_s", pa.float64())]
            + [(n, pa.string()) for n in METRIC_COLUMNS[1:5]]
            + [("value", pa.float64())]
        )
        pq.write_table(pa.table(table, schema=schema), path / "metrics.parquet")
        return path

    def copy(self) -> World:
        """One's own, rows and all; deepcopy of so many flat rows takes longer than the verdict."""
        texts = ("run", "plan", "load", "faults", "events", "ledger", "journal")
        return World(
            **{name: copy.deepcopy(getattr(self, name)) for name in texts},
            requests=[dict(row) for row in self.requests],
            metrics=list(self.metrics),
        )

    def judge(self, path: Path) -> Result:
        return judge(self.write(path))

    def attempts(self, class_: str | None = None, *, status: tuple[int, ...] = ()) -> list[Row]:
        """Attempts sent in the fault window."""
        return [
            row
            for row in self.requests
            if FAULT <= row["sent_s"] < END
            and (class_ is None or row["class"] == class_)
            and (not status or row["status"] in status)
        ]

    def refusals(self) -> list[Row]:
        return [row for row in self.requests if row["status"] in {429, 503}]


def _row(number: int, class_: str, at_s: float, **changes: object) -> Row:
    row: Row = {
        "request_id": f"r{number:06d}",
        "class": class_,
        "criticality": CRITICALITY[class_],
        "user": f"u{number % 97}",
        "key": f"k{number:06d}",
        "phase": "before" if at_s < FAULT else "fault" if at_s < END else "after",
        "intended_s": at_s,
        "attempt": 1,
        "sent_s": at_s + 0.001,
        "ended_s": at_s + 0.02,
        "status": 200,
        "error": "",
        "rung": "none",
        "reason": "",
        "refused_for": "",
        "threshold": "2:0.333" if FAULT <= at_s < END else "",
        "retry_after_s": NAN,
        "replica": f"gateway-{number % 2}",
        "sequence_s": 0.0,
        "right": True,
        "order_id": "",
        "ticket": "",
        "waited_s": 0.0,
        "final": True,
        "lag_s": 0.001,
        "honoured": False,
    }
    return row | changes


def _served(row: Row, latency_s: float, rung: str = "full") -> Row:
    ended_s = row["sent_s"] + latency_s
    share = {"full": SERVICE_S, "short": SERVICE_S / 2}.get(rung, 0.0)
    return row | {"ended_s": ended_s, "rung": rung, "sequence_s": share}


def _refused(row: Row, retry_after_s: float = 2.0) -> Row:
    return row | {
        "status": 503,
        "rung": "refused",
        "reason": "priority",
        "refused_for": "inference",
        "retry_after_s": retry_after_s,
        "ended_s": row["sent_s"] + 0.004,
        "right": False,
    }


def _timed_out(row: Row) -> Row:
    return row | {
        "status": 0,
        "error": "timeout",
        "rung": "",
        "replica": "",
        "ended_s": row["sent_s"] + DEADLINES[row["class"]],
        "right": False,
    }


def _arrivals(rng: np.random.Generator, rps: float, start_s: float, end_s: float) -> list[float]:
    """Evenly spread with jitter: the rate is met, and no test depends on a draw."""
    count = round(rps * (end_s - start_s))
    at = start_s + (np.arange(count) + rng.uniform(0, 1, count)) / rps
    return [float(t) for t in at]


def _protected_chat(row: Row, number: int, rng: np.random.Generator) -> list[Row]:
    latency_s = 1.5 + float(rng.uniform(0, 0.1))
    if not FAULT <= row["intended_s"] < END or number % 3 == 0:
        return [_served(row, latency_s)]
    if number % 3 == 1:
        cheap = (("cache", True, 200), ("menu", False, 200), ("ticket", False, 202))
        rung, right, status = cheap[number // 3 % 3]
        return [_served(row, 0.01, rung) | {"right": right, "status": status}]
    first = _refused(row)
    if number % 2:
        return [first]
    again = first["ended_s"] + 2.5
    second = _refused(row | {"attempt": 2, "sent_s": again, "waited_s": 2.5, "honoured": True})
    return [first | {"final": False}, second]


def _collapsed_chat(row: Row, rng: np.random.Generator) -> list[Row]:
    if row["intended_s"] < FAULT:
        return [_served(row, 1.5 + float(rng.uniform(0, 0.1)))]
    rows = []
    for attempt in (1, 2, 3):
        sent_s = row["sent_s"] + 4.2 * (attempt - 1)
        rows.append(_timed_out(row | {"attempt": attempt, "sent_s": sent_s, "final": attempt == 3}))
    return rows


def _requests(rng: np.random.Generator, *, protected: bool) -> list[Row]:
    rows: list[Row] = []
    number = 0
    for start, end, factor in ((START, FAULT, 0.7), (FAULT, END, 3.0), (END, STOP, 0.7)):
        rates = {"chat": factor * K, "checkout": 12, "payment": 8, "status": 7, "menu": 6 * factor}
        for class_, rps in rates.items():
            for at_s in _arrivals(rng, rps, start, end):
                number += 1
                row = _row(number, class_, at_s)
                late = not protected and at_s >= FAULT
                if class_ == "chat":
                    chat = _protected_chat(row, number, rng) if protected else None
                    rows += chat or _collapsed_chat(row, rng)
                elif late and number % 3:
                    rows.append(_timed_out(row))
                elif class_ == "checkout":
                    rows.append(row | {"status": 201, "order_id": f"o{number:06d}"})
                else:
                    rows.append(row)
    return rows


def _metrics(rows: list[Row], *, protected: bool) -> list[tuple]:
    found: list[tuple] = []
    chat = np.sort([r["sent_s"] for r in rows if r["class"] == "chat" and r["attempt"] > 0])
    refused = np.sort([r["ended_s"] for r in rows if r["status"] in {429, 503}])
    for t in np.arange(0.0, STOP + 8.0):
        in_fault = FAULT <= t < END
        busy = in_fault or (not protected and t >= FAULT)
        running, waiting = (48.0, 3.0 if protected else 40.0) if busy else (32.0, 0.0)
        for i in (0, 1):
            gateway, ai = f"gateway-{i}", f"inference-{i}"
            counted = float(np.searchsorted(chat, t)) / 2
            noes = float(np.searchsorted(refused, t)) / 2
            route = "criticality=sheddable_plus,route=chat"
            found += [
                (t, "gateway", gateway, "teashop_offered_total", route, counted),
                (t, "gateway", gateway, "teashop_refused_total", f"reason=priority,{route}", noes),
                (t, "gateway", gateway, "teashop_queue", "dependency=inference", waiting),
                (t, "gateway", gateway, "teashop_in_flight", "dependency=inference", running),
                (t, "gateway", gateway, "teashop_limit", "dependency=inference", 52.0),
                (t, "inference", ai, "vllm:num_requests_running", "", running),
                (t, "inference", ai, "vllm:num_requests_waiting", "", waiting),
            ]
            if i == 0 and t >= END:
                third = (t, "inference", "inference-2")
                found += [
                    (*third, "vllm:num_requests_running", "", 0.0),
                    (*third, "vllm:num_requests_waiting", "", 0.0),
                ]
            for service in ("gateway", "inference", "orders", "dispatch"):
                found.append((t, service, f"{service}-{i}", "teashop_ready", "", 1.0))
    return found


def _ledger(rows: list[Row]) -> dict:
    booked = [row for row in rows if row["order_id"]]
    orders = [
        {
            "order_id": row["order_id"],
            "key": row["key"],
            "user": row["user"],
            "state": "paid",
            "total_fen": 1200,
            "coupon": index < 100,
            "shop": "shop-1",
        }
        for index, row in enumerate(booked)
    ]
    assignments = [
        {
            "order_id": o["order_id"],
            "shop": "shop-1",
            "promised_s": 90.0,
            "revisions": 0,
            "kept": True,
        }
        for o in orders
    ]
    notice = {"audience": "merchant", "shop": "shop-1", "rate_drinks_per_h": 900.0, "eta_s": 5.0}
    return {
        "orders": orders,
        "coupons": {"budget": 100, "spent": min(100, len(orders))},
        "outbox": {"pending": 0, "delivered": len(orders)},
        "assignments": assignments,
        "notices": [notice | {"t_s": 18.0, "kind": "crowd"}],
        "passings": [{"t_s": 24.0, "shop": "shop-1"}],
        "settled": [
            {"key": row["key"], "request_id": row["request_id"], "status": 404, "order_id": ""}
            for row in rows
            if row["class"] == "checkout" and row["status"] == 0
        ],
    }


def _build(*, protected: bool, seed: int = 7) -> World:
    rng = np.random.default_rng(seed)
    rows = _requests(rng, protected=protected)
    first = [row for row in rows if row["attempt"] == 1]
    names = ("admission", "priorities", "codel", "deadlines")
    run = {
        "schema": "teastorm.run/1",
        "experiment": "overload-3x",
        "platform": "local",
        "arm": "protected" if protected else "unprotected",
        "seed": seed,
        "started": "2026-02-06T08:00:00.000Z",
        "protections": dict.fromkeys(names, protected),
        "difference": {} if protected else {name: [True, False] for name in names},
        "replicas": {"gateway": 2, "inference": 2, "orders": 2, "dispatch": 2},
        "inference": {
            "max_num_seqs": 48,
            "ttft_s": 0.2,
            "itl_s": 0.02,
            "tokens_full": 60,
            "tokens_short": 20,
            "slowdown": 1.15,
        },
        "capacity": {
            "rps": K,
            "good_share": 0.99,
            "theory_rps": 96 / (1.15 * 1.4),
            "steps": [{"rps": 60.0, "samples": 400, "good_share": 0.99}],
        },
        "checks": list(known_ids()),
        "slo": load_slo(SLO).as_json(),
        "time_factor": 60,
        "deadlines_s": DEADLINES,
        "versions": {"teastorm": "0.1.0", "python": "3.13"},
    }
    bounds = (("before", START, FAULT, 0.7), ("fault", FAULT, END, 3.0), ("after", END, STOP, 0.7))
    plan = {
        "schema": "teastorm.plan/1",
        "seed": seed,
        "phases": [
            {"name": n, "start_s": a, "end_s": b, "factor": f, "chat_rps": f * K}
            for n, a, b, f in bounds
        ],
        "base_factor": 0.7,
        "fault": {"start_s": FAULT, "end_s": END},
        "classes": {c: sum(row["class"] == c for row in first) for c in CRITICALITY},
        "arrivals": len(first),
        "curve": None,
    }
    fault = {
        "id": "surge-1",
        "kind": "surge",
        "service": "inference",
        "planned": {"chat_rps": 180.0, "state": "overloaded"},
        "began_s": FAULT,
        "ended_s": END,
        "before": [],
        "after": [],
        "proved": True,
        "evidence": "the gateways counted 3600 chats in 20.0 s",
        "rolled_back": True,
    }
    events = [
        {"t_s": FAULT, "kind": "fault_begun", "fault": "surge-1"},
        {"t_s": END, "kind": "fault_ended", "fault": "surge-1"},
        {"t_s": END + 1, "kind": "replica_ready", "service": "inference", "replica": "inference-2"},
    ]
    probe = {"activity": {"name": "baseline: chat is good"}, "status": "succeeded", "output": True}
    return World(
        run=run,
        plan=plan,
        load={
            "schema": "teastorm.load/1",
            "planned": len(first),
            "sent": len(first),
            "unsent": 0,
            "lag_p50_s": 0.0005,
            "lag_p99_s": 0.0012,
            "cpu_share": 0.4,
            "workers": 1,
            "seconds": STOP,
        },
        faults=[fault],
        events=events,
        ledger=_ledger(rows),
        journal={"status": "completed", "deviated": False, "run": [probe], "rollbacks": []},
        requests=rows,
        metrics=_metrics(rows, protected=protected),
    )


@pytest.fixture(scope="session")
def _protected() -> World:
    return _build(protected=True)


@pytest.fixture(scope="session")
def _unprotected() -> World:
    return _build(protected=False)


@pytest.fixture
def protected(_protected: World) -> World:
    """A run that holds; each test has its own to doctor."""
    return _protected.copy()


@pytest.fixture
def unprotected(_unprotected: World) -> World:
    """A run that collapses and never recovers."""
    return _unprotected.copy()


@pytest.fixture
def status_of(tmp_path: Path) -> Callable[[World, str], str]:
    """Judge a doctored world and give one check's status; it must not have come out as held."""

    def look(world: World, check_id: str) -> str:
        result = world.judge(tmp_path / "run")
        assert result.exit_code != 0, f"{check_id}: the doctored run held"
        return str(next(check.status for check in result.checks if check.id == check_id))

    return look
