"""A Ctrl-C while workers are being started: it ends none of them, and cuts no start in half."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import util

import pytest

from teastorm.simulate.many import pool_of
from teastorm.tune.workers import each, workers

WORKERS = 2


WHO = (
    "(os := __import__('os'), s := __import__('signal')) and (os.getpid(), "
    "s.getsignal(s.SIGINT) == s.SIG_IGN, s.SIGINT in s.pthread_sigmask(s.SIG_BLOCK, ()))"
)
"""Asks a worker, which finds no test module: its process, whether it is deaf to Ctrl-C, and blocked."""


def by_simulate(jobs):
    with pool_of(WORKERS) as pool:
        return pool.map(eval, jobs)


def by_tune(jobs):
    with workers(WORKERS) as executor:
        return each(eval, jobs, executor)


@pytest.fixture(autouse=True)
def _interruptible():
    """As at a terminal: what a shell starts in the background ignores a Ctrl-C from its birth."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def begun(monkeypatch):
    """The workers' processes; each is sent a SIGINT before it has run a line of Python."""
    found = []
    start = util.spawnv_passfds

    def started(path, args, passfds):
        pid = start(path, args, passfds)
        if any("spawn_main" in str(word) for word in args):
            found.append(pid)
            if len(found) <= WORKERS:
                os.kill(pid, signal.SIGINT)
        return pid

    monkeypatch.setattr(util, "spawnv_passfds", started)
    return found


@pytest.mark.parametrize("by", [by_simulate, by_tune])
def test_a_worker_that_has_hardly_begun_outlives_it_and_is_deaf_from_then_on(by, begun):
    told = by([WHO] * 8)
    assert len(begun) == WORKERS  # none had to be started again
    assert {pid for pid, _, _ in told} <= set(begun)
    assert {(deaf, blocked) for _, deaf, blocked in told} == {(True, False)}


@pytest.mark.parametrize("by", [by_simulate, by_tune])
def test_ours_comes_once_all_are_begun(by, begun, monkeypatch):
    start = util.spawnv_passfds

    def interrupted(path, args, passfds):
        pid = start(path, args, passfds)
        signal.raise_signal(signal.SIGINT)
        return pid

    monkeypatch.setattr(util, "spawnv_passfds", interrupted)
    with pytest.raises(KeyboardInterrupt):
        by([WHO] * 8)
    assert len(begun) == WORKERS
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_workers_each_job_is_done_here_and_in_order():
    assert each(eval, [WHO] * 2, None) == [(os.getpid(), False, False)] * 2
    with ThreadPoolExecutor(2) as executor:
        assert each(lambda n: n * n, range(5), executor) == [0, 1, 4, 9, 16]
