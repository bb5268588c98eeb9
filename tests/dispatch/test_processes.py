"""Replicas as processes on one file: together, and killed in the middle of their work."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from teashop.dispatch import assignment_rows
from teashop.dispatch.settings import DispatchSettings

# Takes orders from o0 on and says each one's outcome when it is committed.
WORKER = """
import random
import sys
from teashop.serving.database import Database
from teashop.dispatch.desk import Asked, Desk, Taken
from teashop.dispatch.settings import DispatchSettings
from teashop.dispatch.street import Street
from teashop.serving.settings import Common, Protections

dsn, count = sys.argv[1], int(sys.argv[2])
common = Common(service="dispatch", protections=Protections.all_off())
database = Database(
    dsn, connections=1, lock_timeout_s=20.0, attempts=3, rng=random.Random(1), name="dispatch"
)
desk = Desk(database, Street.of(DispatchSettings(dsn=dsn, common=common)))
desk.prepare(1.7e9)
for i in range(count):
    asked = Asked(order_id=f"o{i}", shop=f"shop-{i % 8 + 1}", drinks=2)
    outcome = desk.assign(asked, 1.7e9)
    assert isinstance(outcome, Taken)
    fresh = int(outcome.standing is not None)
    promised = outcome.assignment.first_promised_s
    print(f'["{asked.order_id}", {fresh}, {promised!r}]', flush=True)
"""


def start(dsn: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, dsn, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_that_get_the_same_orders_assign_each_once(
    dsn: str,
    replica: Callable,  # type: ignore[type-arg]
) -> None:
    workers = [start(dsn, 60) for _ in range(2)]
    said = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    one, other = ([json.loads(line) for line in text.splitlines()] for text in said)
    assert [a[1] + b[1] for a, b in zip(one, other, strict=True)] == [1] * 60
    assert [a[2] for a in one] == [b[2] for b in other]
    street = replica(DispatchSettings(dsn=dsn))
    shops = [s.shop for s in street.desk.standings()]
    assert sum(s.waiting for s in shops) == 60
    assert sum(s.taken for s in shops) == 120


def test_what_was_answered_survives_kill_9(
    tmp_path: Path,
    replica: Callable,  # type: ignore[type-arg]
) -> None:
    dsn = f"sqlite:///{tmp_path}/street.db"
    worker = start(dsn, 100_000)
    assert worker.stdout is not None
    answered = [json.loads(worker.stdout.readline())[0] for _ in range(50)]
    worker.kill()
    rest = worker.stdout.read().splitlines(keepends=True)
    worker.wait(10)
    worker.stdout.close()
    answered += [json.loads(line)[0] for line in rest if line.endswith("\n")]
    street = replica(DispatchSettings(dsn=dsn))
    kept = {a.order_id for a in street.database.read(assignment_rows.every)}
    assert set(answered) <= kept
    assert len(kept) <= len(answered) + 1  # at most the one whose answer was on its way
    # Each assignment is whole: the shops' counters say the same.
    shops = [s.shop for s in street.desk.standings()]
    assert sum(s.waiting for s in shops) == len(kept)
    assert sum(s.taken for s in shops) == 2 * len(kept)
