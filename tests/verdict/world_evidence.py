"""The rest of a run folder of that model: metrics, ledger, faults, journal."""

from __future__ import annotations

import numpy as np
from tests.verdict.world import CRITICALITY, DEADLINES, END, FAULT, SLO, START, STOP, K, Row, World
from tests.verdict.world_requests import requests

from teastorm.verdict.registry import known_ids
from teastorm.verdict.slo import load_slo


def metrics(rows: list[Row], *, protected: bool) -> list[tuple]:
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


def ledger(rows: list[Row]) -> dict:
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


def build(*, protected: bool, seed: int = 7) -> World:
    rng = np.random.default_rng(seed)
    rows = requests(rng, protected=protected)
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
        ledger=ledger(rows),
        journal={"status": "completed", "deviated": False, "run": [probe], "rollbacks": []},
        requests=rows,
        metrics=metrics(rows, protected=protected),
    )
