"""The generator as a real Locust process against a tiny shop front."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
import psutil
import pytest
from tests.load.conftest import EndpointsOf
from tests.waiting import until

from teastorm.load.draw import draw
from teastorm.load.errors import LoadFailed, PlanInvalid
from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.records import REQUESTS_SCHEMA, read_requests, to_table, write_requests
from teastorm.load.schedule import Arrival
from teastorm.load.settings import CLASSES, Clients, Mix
from teastorm.load.start import start_load

# Impatient clients and follow-ups that come soon: a run ends a second after its schedule. An answer
# is waited for, though, for as long as a busy machine may keep it.
CLIENTS = Clients(timeouts_s=dict.fromkeys(CLASSES, 20.0), patience_s=2.0)
MIX = Mix(critical_rps=6, pay_after_s=0.2, status_after_s=0.2)


def short_plan(seconds: float = 1.5, clients: Clients = CLIENTS) -> LoadPlan:
    return LoadPlan(
        capacity_rps=40.0,
        phases=(Phase(name="baseline", seconds=seconds, factor=1.0),),
        mix=MIX,
        clients=clients,
    )


def offer(endpoints_of: EndpointsOf, tmp_path: Path, mode: str, plan: LoadPlan, workers: int = 1):
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    load = start_load(
        plan=plan,
        seed=3,
        run_dir=run_dir,
        endpoints_file=endpoints_of(mode),
        t0_unix_s=time.time(),
        workers=workers,
    )
    return load, run_dir


# Of two workers one run tells all: answers and follow-ups. Of one, what is refused and tried again.
@pytest.mark.parametrize(("workers", "mode"), [(2, "good"), (1, "refusing")])
def test_every_arrival_is_recorded_at_its_intended_time(endpoints_of, tmp_path, workers, mode):
    plan = short_plan()
    load, run_dir = offer(endpoints_of, tmp_path, mode, plan, workers)
    report = load.wait(60)
    table = read_requests(run_dir / "requests.parquet")
    planned = draw(plan, 3).arrivals
    first = table.filter(np.asarray(table["attempt"]) == 1)
    assert report.workers == workers
    assert report.planned == len(planned) - report.absent
    assert report.unsent == 0
    assert len(set(first["request_id"].to_pylist())) == first.num_rows
    # payments and status requests of checkouts are arrivals like any other
    assert first.num_rows == len(planned) - report.absent
    assert report.absent == 0
    they_are_at_the_moments_drawn(first, planned, load.load_start_s)
    assert load.poll_progress()
    if mode == "refusing":
        refusals_are_recorded_and_retried(table)


def they_are_at_the_moments_drawn(table, planned: Sequence[Arrival], load_start_s: float) -> None:
    """A follow-up of a checkout that was answered later than that is intended for the answer."""
    rows = {row["request_id"]: row for row in table.to_pylist()}
    for arrival in planned:
        due_s = load_start_s + arrival.intended_s
        if arrival.parent >= 0:
            due_s = max(due_s, rows[planned[arrival.parent].key]["ended_s"])
        assert rows[arrival.key]["intended_s"] == pytest.approx(due_s, abs=1e-6), arrival.klass


def refusals_are_recorded_and_retried(table) -> None:
    chat = table.filter(np.asarray(table["class"].to_pylist()) == "chat")
    assert set(chat["status"].to_pylist()) == {503}
    assert set(chat["reason"].to_pylist()) == {"limit"}
    assert max(chat["attempt"].to_pylist()) > 1
    assert set(chat["retry_after_s"].to_pylist()) == {1.0}
    assert any(chat["honoured"].to_pylist())


def test_a_stalled_server_does_not_slow_the_clock_that_judges_it(endpoints_of, tmp_path):
    timeout_s = 2.0
    clients = Clients(
        timeouts_s={**CLIENTS.timeouts_s, "chat": timeout_s}, retries=0, patience_s=0.5
    )
    load, run_dir = offer(endpoints_of, tmp_path, "stalled", short_plan(clients=clients))
    report = load.wait(60)
    table = read_requests(run_dir / "requests.parquet")
    chat = np.asarray(table["class"].to_pylist()) == "chat"
    first = chat & (table["attempt"].to_numpy() == 1)
    sent = table["sent_s"].to_numpy()[first]
    intended = table["intended_s"].to_numpy()[first]
    assert report.unsent == 0
    # Were it closed-loop, most would be sent a time-out after the first ones failed.
    assert np.quantile(sent - intended, 0.9) < timeout_s / 4
    errors = set(np.asarray(table["error"].to_pylist())[chat])
    assert errors == {"timeout"}


def test_an_interrupt_writes_what_there_is_and_leaves_nothing(endpoints_of, tmp_path):
    load, run_dir = offer(endpoints_of, tmp_path, "good", short_plan(60.0))
    until(load.poll_progress, "progress was shown")
    os.kill(load.pid, signal.SIGINT)
    # A second signal, which stop() would send, may cut the writing short.
    until(lambda: not load.running, "the interrupted generator ended")
    report = load.stop()
    assert report is not None
    assert 0 < report.sent < report.planned
    assert read_requests(run_dir / "requests.parquet").num_rows >= report.sent
    assert orjson.loads((run_dir / "load.json").read_bytes())["interrupted"] is True
    assert not psutil.pid_exists(load.pid) or not load.running


def test_bad_arguments_start_nothing(tmp_path, endpoints_of):
    endpoints = endpoints_of("good")
    good = {"plan": short_plan(), "seed": 1, "run_dir": tmp_path, "endpoints_file": endpoints}
    for bad in (
        {"workers": 0},
        {"seed": -1},
        {"run_dir": tmp_path / "nowhere"},
        {"endpoints_file": tmp_path / "nowhere.json"},
        {"t0_unix_s": 3.0},
    ):
        with pytest.raises(PlanInvalid):
            start_load(**{"t0_unix_s": time.time(), **good, **bad})


def test_a_log_comes_back_as_it_was_written(tmp_path):
    value = {"string": "x", "double": 1.5, "int32": 2, "bool": True}
    row = tuple(value[str(column.type)] for column in REQUESTS_SCHEMA)
    path = tmp_path / "requests.parquet"
    write_requests(path, to_table([row, row]))
    assert (
        read_requests(path).to_pylist() == [dict(zip(REQUESTS_SCHEMA.names, row, strict=True))] * 2
    )


def test_what_is_no_log_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "requests.parquet"
    with pytest.raises(LoadFailed, match="no request log there"):
        read_requests(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(LoadFailed, match="cannot be read"):
        read_requests(path)
