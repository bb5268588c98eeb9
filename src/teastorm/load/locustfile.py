"""What Locust runs: one user per process, whose single task offers that process's share.

Started by `teastorm.load.process`; TEASTORM_LOAD_SPEC names the specification. With
`--processes N` Locust's own master and workers share the schedule: worker i takes family
number % N == i, and the master says when time begins.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import gevent
from gevent.event import AsyncResult
from locust import User, constant, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from teastorm.load.endpoints import PERIOD_S, Gateways
from teastorm.load.engine import Engine
from teastorm.load.errors import LoadError
from teastorm.load.health import (
    Stolen,
    collect_all_when_large,
    collect_young,
    quiet_collector,
    run_first,
    stay_awake,
)
from teastorm.load.plan import draw
from teastorm.load.session import SPEC_VARIABLE, Spec, merge, monotonic_of, write_part, write_plan

_HEAD_START_S = 0.3  # from "everyone is ready" to the first second of load
_PATIENCE_S = 30.0
_Counts = dict[str, int]


class _Generator:
    """This process's part in the run: the only one, a worker, or the master."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.schedule = draw(spec.plan, spec.seed)
        self.zero_s = monotonic_of(spec.t0_unix_s)
        self.starts_s: AsyncResult = AsyncResult()
        self.engine: Engine | None = None
        self.gateways = Gateways(spec.endpoints_file)
        self.environment: Environment | None = None
        self._home_pid = os.getpid()
        self._parent_pid = os.getppid()
        self._worker = False
        self._load_start_s: float | None = None
        self._ended = False
        self._began_s = 0.0
        self._cpu_s = 0.0
        self.stolen = Stolen()
        self._seen: dict[str, _Counts] = {}
        self._printed: _Counts = {}
        self._done: set[str] = set()

    def set_up(self, environment: Environment) -> None:
        """Locust's `init`: listen, and keep time."""
        self.environment = environment
        runner = environment.runner
        self._worker = isinstance(runner, WorkerRunner)
        if self._worker:
            runner.register_message("teastorm_start", self._on_start)
        else:
            environment.events.spawning_complete.add_listener(self._on_ready)
            if isinstance(runner, MasterRunner):
                runner.register_message("teastorm_tick", self._on_tick)
                runner.register_message("teastorm_done", self._on_done)
        environment.events.quitting.add_listener(self._on_quitting)

    def _on_ready(self, user_count: int, **_: object) -> None:
        if self._load_start_s is not None or user_count < self.spec.workers:
            return
        self._load_start_s = time.monotonic() - self.zero_s + _HEAD_START_S
        write_plan(self.spec, self.schedule, self._load_start_s)
        if isinstance(self._runner, MasterRunner):
            self._runner.send_message("teastorm_start", {"start_s": self._load_start_s})
        else:
            self.starts_s.set(self._load_start_s)
        _say({"started": True, "load_start_s": self._load_start_s, "pid": os.getpid()})
        gevent.spawn(self._progress)

    def _on_start(self, msg: object, **_: object) -> None:
        self.starts_s.set(getattr(msg, "data")["start_s"])  # noqa: B009 - Locust's message is untyped

    def _on_tick(self, msg: object, **_: object) -> None:
        self._seen[str(getattr(msg, "node_id"))] = dict(getattr(msg, "data"))  # noqa: B009 - the same

    def _on_done(self, msg: object, **_: object) -> None:
        self._done.add(str(getattr(msg, "node_id")))  # noqa: B009 - the same
        if len(self._done) == self.spec.workers:
            gevent.spawn(self._runner.quit)

    @property
    def _runner(self) -> MasterRunner:
        return self.environment.runner  # type: ignore[union-attr]  # set up before anything runs

    def offer(self) -> None:
        """The user's task: this process's whole share, once."""
        index = self._runner.worker_index if self._worker else 0
        stats = self._runner.stats
        self.engine = Engine(
            self.schedule,
            self.spec.plan.clients,
            self.gateways,
            zero_s=self.zero_s,
            number=index,
            of=self.spec.workers,
            answered=lambda klass, s: stats.log_request("", klass, round(s * 1000), 0),
        )
        self.gateways.refresh()
        run_first()
        awake = stay_awake()
        quiet_collector()
        start_s = self.starts_s.get(timeout=_PATIENCE_S)
        gevent.spawn(self._watch)
        self._began_s, self._cpu_s = time.monotonic(), time.process_time()
        self.engine.run(start_s)
        self._close(interrupted=False)
        if self._worker:
            self._runner.send_message("teastorm_done", {})
        else:
            gevent.spawn(self._runner.quit)
        if awake is not None:
            awake.close()
        gevent.sleep(_PATIENCE_S)  # Locust ends this user; returning would begin the task again

    def _watch(self) -> None:
        """Follow the endpoints; once a second collect the young, and tell the master."""
        beats = 0
        while not self._ended:
            gevent.sleep(PERIOD_S)
            self.gateways.refresh()
            collect_young()
            beats += 1
            if beats % 10:
                continue
            collect_all_when_large()
            self.stolen.look()
            if self._worker:
                self._runner.send_message("teastorm_tick", self._counts())
            if os.getppid() != self._parent_pid and os.getpid() == self._home_pid:
                gevent.spawn(self._runner.quit)  # whoever wanted this load is gone
                return

    def _counts(self) -> _Counts:
        if self.engine is None:
            return {}
        tally = self.engine.tally
        return {name: int(getattr(tally, name)) for name in tally.__slots__}

    def _progress(self) -> None:
        """One line a second for the runner to show."""
        start_s, plan = self._load_start_s or 0.0, self.spec.plan
        second = 0
        while True:
            second += 1
            gevent.sleep(max(0.0, start_s + second - (time.monotonic() - self.zero_s)))
            into_s = time.monotonic() - self.zero_s - start_s
            seen = self._seen.values() if isinstance(self._runner, MasterRunner) else ()
            total = _sum(seen) if seen else self._counts()
            name = next((p.name for p, _, end_s in plan.windows() if into_s < end_s), "tail")
            _say(
                {
                    "t_s": round(start_s + into_s, 2),
                    "phase": name,
                    **{
                        f"{key}_rps": total.get(key, 0) - self._printed.get(key, 0)
                        for key in ("offered", "good", "refused")
                    },
                    "in_flight": total.get("in_flight", 0),
                    "left_s": round(max(0.0, plan.seconds - into_s), 1),
                }
            )
            self._printed = total
            if isinstance(self._runner, MasterRunner) and self._lost():
                gevent.spawn(self._runner.quit)
                return

    def _lost(self) -> bool:
        gone = os.getppid() != self._parent_pid
        return gone or self._runner.worker_count + len(self._done) < self.spec.workers

    def _on_quitting(self, **_: object) -> None:
        self._close(interrupted=True)

    def _close(self, *, interrupted: bool) -> None:
        """Write this process's part of the log, once."""
        if self._ended or self.engine is None:
            return
        self._ended = True
        wall_s = max(1e-9, time.monotonic() - self._began_s) if self._began_s else 1.0
        cpu_s = time.process_time() - self._cpu_s
        rows = self.engine.stop()
        index = self._runner.worker_index if self._worker else 0
        write_part(
            self.spec,
            index,
            rows,
            absent=self.engine.absent,
            cpu_share=cpu_s / wall_s,
            stolen_share=self.stolen.worst_share,
            seconds=wall_s,
            interrupted=interrupted,
        )

    def join_parts(self) -> None:
        """At exit of the first process, after Locust has ended its workers: the whole log."""
        if os.getpid() == self._home_pid and self._load_start_s is not None:
            with contextlib.suppress(LoadError):
                merge(self.spec.run_dir, self.spec.workers)


def _sum(counts: object) -> _Counts:
    total: _Counts = {}
    for one in counts:  # type: ignore[attr-defined]  # a view of dictionaries
        for key, value in one.items():
            total[key] = total.get(key, 0) + value
    return total


def _say(line: Mapping[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def _generator() -> _Generator:
    where = os.environ.get(SPEC_VARIABLE)
    if not where:
        raise SystemExit(f"{SPEC_VARIABLE} must name a load specification; use teastorm load.")
    try:
        return _Generator(Spec.read(Path(where)))
    except LoadError as error:
        raise SystemExit(str(error)) from None


# A shell starts background jobs with SIGINT ignored, and what they start inherits that; whoever
# wants the log of a load that it cuts short says so with this signal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_GENERATOR = _generator()
# Registered before Locust forks and registers its own, so that it runs after the workers ended.
atexit.register(_GENERATOR.join_parts)
events.init.add_listener(lambda environment, **_: _GENERATOR.set_up(environment))


class Crowd(User):  # type: ignore[misc]  # Locust is untyped here
    """Everyone at once; Locust's users are processes to us."""

    wait_time = constant(0)

    @task  # type: ignore[untyped-decorator]  # the same
    def day(self) -> None:
        """Offer the share."""
        _GENERATOR.offer()
