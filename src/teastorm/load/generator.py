"""One process's part in a load: the only one, a worker, or the master. Locust runs it.

With several workers Locust's own master and workers share the schedule: worker i takes family
number % N == i, and the master says when time begins. Everything here runs in one gevent hub.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping

import gevent
from gevent.event import AsyncResult
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from teastorm.load.draw import draw
from teastorm.load.endpoints import PERIOD_S, Gateways
from teastorm.load.engine import Engine
from teastorm.load.errors import LoadError
from teastorm.load.evidence import merge, write_part, write_plan
from teastorm.load.health import (
    Stolen,
    collect_all_when_large,
    collect_young,
    quiet_collector,
    run_first,
    stay_awake,
)
from teastorm.load.progress import Seconds, Tally
from teastorm.load.spec import Spec

_HEAD_START_S = 0.3  # from "everyone is ready" to the first second of load
_PATIENCE_S = 30.0


class Generator:
    """Draws the whole schedule, offers this process's share, writes its part of the log."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.schedule = draw(spec.plan, spec.seed)
        self.zero_s = _monotonic_of(spec.t0_unix_s)
        self.starts_s: AsyncResult = AsyncResult()
        self.engine: Engine | None = None
        self.gateways = Gateways(spec.endpoints_file)
        self.environment: Environment | None = None
        self.stolen = Stolen()
        self._home_pid = os.getpid()
        self._parent_pid = os.getppid()
        self._worker = False
        self._load_start_s: float | None = None
        self._ended = False
        self._began_s = 0.0
        self._cpu_s = 0.0
        self._told: dict[str, Tally] = {}
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

    def offer(self) -> None:
        """The user's task: this process's whole share, once."""
        stats = self._runner.stats
        self.engine = Engine(
            self.schedule,
            self.spec.plan.clients,
            self.gateways,
            zero_s=self.zero_s,
            number=self._index,
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

    def join_parts(self) -> None:
        """At exit of the first process, after Locust has ended its workers: the whole log."""
        if os.getpid() == self._home_pid and self._load_start_s is not None:
            with contextlib.suppress(LoadError):
                merge(self.spec.run_dir, self.spec.workers)

    @property
    def _runner(self) -> MasterRunner:
        return self.environment.runner  # type: ignore[union-attr]  # set up before anything runs

    @property
    def _index(self) -> int:
        """Which share is this process's."""
        return int(self._runner.worker_index) if self._worker else 0

    def _now_s(self) -> float:
        return time.monotonic() - self.zero_s

    def _on_ready(self, user_count: int, **_: object) -> None:
        if self._load_start_s is not None or user_count < self.spec.workers:
            return
        self._load_start_s = self._now_s() + _HEAD_START_S
        write_plan(self.spec, self.schedule, self._load_start_s)
        if isinstance(self._runner, MasterRunner):
            self._runner.send_message("teastorm_start", {"start_s": self._load_start_s})
        else:
            self.starts_s.set(self._load_start_s)
        _say({"started": True, "load_start_s": self._load_start_s, "pid": os.getpid()})
        gevent.spawn(self._tell_each_second, self._load_start_s)

    def _on_start(self, msg: object, **_: object) -> None:
        self.starts_s.set(getattr(msg, "data")["start_s"])  # noqa: B009 - Locust's message is untyped

    def _on_tick(self, msg: object, **_: object) -> None:
        self._told[str(getattr(msg, "node_id"))] = Tally(**getattr(msg, "data"))  # noqa: B009 - the same

    def _on_done(self, msg: object, **_: object) -> None:
        self._done.add(str(getattr(msg, "node_id")))  # noqa: B009 - the same
        if len(self._done) == self.spec.workers:
            gevent.spawn(self._runner.quit)

    def _on_quitting(self, **_: object) -> None:
        self._close(interrupted=True)

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
                self._runner.send_message("teastorm_tick", self._tally().as_json())
            if os.getppid() != self._parent_pid and os.getpid() == self._home_pid:
                gevent.spawn(self._runner.quit)  # whoever wanted this load is gone
                return

    def _tally(self) -> Tally:
        """Of this process, or of the workers as they told last."""
        if isinstance(self._runner, MasterRunner):
            return Tally.sum_of(self._told.values())
        return Tally.sum_of(() if self.engine is None else (self.engine.tally,))

    def _tell_each_second(self, load_start_s: float) -> None:
        """One line a second for the runner to show."""
        seconds = Seconds(self.spec.plan, load_start_s)
        second = 0
        while True:
            second += 1
            gevent.sleep(max(0.0, load_start_s + second - self._now_s()))
            _say(seconds.progress(self._now_s(), self._tally()).as_json())
            if isinstance(self._runner, MasterRunner) and self._lost():
                gevent.spawn(self._runner.quit)
                return

    def _lost(self) -> bool:
        """Whether a worker, or whoever wanted this load, is gone."""
        gone = os.getppid() != self._parent_pid
        return gone or self._runner.worker_count + len(self._done) < self.spec.workers

    def _close(self, *, interrupted: bool) -> None:
        """Write this process's part of the log, once."""
        if self._ended or self.engine is None:
            return
        self._ended = True
        wall_s = max(1e-9, time.monotonic() - self._began_s) if self._began_s else 1.0
        cpu_s = time.process_time() - self._cpu_s
        rows = self.engine.stop()
        write_part(
            self.spec,
            self._index,
            rows,
            absent=self.engine.absent,
            cpu_share=cpu_s / wall_s,
            stolen_share=self.stolen.worst_share,
            seconds=wall_s,
            interrupted=interrupted,
        )


def _monotonic_of(unix_s: float) -> float:
    """The monotonic time at a wall-clock time; taken once, so that the wall clock may jump."""
    return time.monotonic() - (time.time() - unix_s)


def _say(line: Mapping[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
