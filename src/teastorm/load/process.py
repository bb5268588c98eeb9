"""The load generator as a subprocess: gevent patches the world it lives in, so it lives alone."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from teastorm.load.endpoints import check_endpoints
from teastorm.load.errors import LoadDidNotStart, LoadFailed, LoadTimedOut, PlanInvalid
from teastorm.load.plan import LoadPlan
from teastorm.load.session import PARTS, SPEC_VARIABLE, LoadReport, Spec, merge

_STARTS_WITHIN_S = 40.0
_STOPS_WITHIN_S = 8.0
_LOCUSTFILE = Path(__file__).with_name("locustfile.py")


@dataclass(frozen=True, slots=True)
class Progress:
    """One second of load. The rates are of chat; `in_flight` is of every class.

    Attributes:
        t_s: since the run's t0.
        phase: its name, or `tail` while the last answers come.
        left_s: until the schedule ends.
    """

    t_s: float
    phase: str
    offered_rps: float
    good_rps: float
    refused_rps: float
    in_flight: int
    left_s: float


class LoadProcess:
    """A generator that runs. Methods may be called from one thread at a time; `stop` from any.

    Attributes:
        load_start_s: when its first second begins, since t0.
        pid: of its first process, which leads a process group of its own.
    """

    def __init__(self, process: subprocess.Popen[str], spec: Spec, log: Path) -> None:
        self._process = process
        self._spec = spec
        self._log = log
        self._lines: queue.SimpleQueue[dict[str, object] | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="load-output", daemon=True)
        self._reader.start()
        self.pid = process.pid
        self.load_start_s = 0.0

    def await_start(self, timeout_s: float = _STARTS_WITHIN_S) -> None:
        """Block until its clock is set; `LoadDidNotStart` (and it is ended) otherwise."""
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            line = None
        if line is None or "load_start_s" not in line:
            self._end()
            raise LoadDidNotStart(f"the load generator did not start: {self._last_words()}")
        self.load_start_s = float(str(line["load_start_s"]))

    def poll_progress(self) -> list[Progress]:
        """Lines since the last call, oldest first; never blocks."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                line = self._lines.get_nowait()
                if line is not None and "phase" in line:
                    found.append(Progress(**line))  # type: ignore[arg-type]  # written by our locustfile
        return found

    @property
    def running(self) -> bool:
        """Whether its first process lives."""
        return self._process.poll() is None

    def wait(self, timeout_s: float) -> LoadReport:
        """Block until the schedule has ended and the log is written.

        Raises:
            LoadTimedOut: it did not end in time; it has been stopped, and its log written.
            LoadFailed: it broke, or left no log.
        """
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.stop()
            raise LoadTimedOut(
                f"the load generator did not end within {timeout_s:.0f} s; it was stopped."
            ) from None
        report = self._report()
        if report is None or self._process.returncode not in {0, 1}:
            raise LoadFailed(
                f"the load generator ended with code {self._process.returncode}:"
                f" {self._last_words()}"
            )
        return report

    def stop(self) -> LoadReport | None:
        """End it now (bounded, about 10 s at worst); the report of what it did, None if nothing."""
        self._end()
        return self._report()

    def _end(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOPS_WITHIN_S if number == signal.SIGINT else 2.0)
        # Workers that outlived their master are in its group, which is ours alone.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _report(self) -> LoadReport | None:
        self._reader.join(2.0)
        folder = self._spec.run_dir
        with contextlib.suppress(LoadFailed):
            if (folder / PARTS).is_dir() and not (folder / "load.json").is_file():
                return merge(folder, self._spec.workers)
            return LoadReport.read(folder / "load.json")
        return None

    def _read(self) -> None:
        for text in self._process.stdout or ():
            if text.startswith("{"):
                with contextlib.suppress(json.JSONDecodeError):
                    self._lines.put(json.loads(text))
        self._lines.put(None)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            if lines:
                return f"{lines[-1]} ({self._log})"
        return f"it said nothing ({self._log})"


def start_load(
    *,
    plan: LoadPlan,
    seed: int,
    run_dir: Path,
    endpoints_file: Path,
    t0_unix_s: float,
    workers: int = 1,
) -> LoadProcess:
    """Start the generator and return once its clock is set (a few seconds; see `load_start_s`).

    It writes `plan.json` at its start and `requests.parquet` and `load.json` at its end into
    `run_dir`, which must exist; what it says goes to `logs/load.log` there. It stops by itself
    when the calling process is gone.

    Args:
        t0_unix_s: the run's start on the wall clock; every recorded time is relative to it.
        workers: processes; above 1 Locust's master and workers share the schedule.

    Raises:
        PlanInvalid: bad arguments, found before anything starts.
        LoadDidNotStart: the process ended or stayed silent; nothing is left running.
    """
    if not 1 <= workers <= 64:
        raise PlanInvalid(f"workers must be between 1 and 64, got {workers}.")
    if seed < 0:
        raise PlanInvalid(f"seed must be 0 or above, got {seed}.")
    if abs(time.time() - t0_unix_s) > 86400:
        raise PlanInvalid("t0_unix_s must be the run's start in Unix seconds, within a day of now.")
    if not run_dir.is_dir():
        raise PlanInvalid(f"{run_dir}: is no folder; create the run folder first.")
    check_endpoints(endpoints_file)
    for stale in ("requests.parquet", "load.json", "plan.json"):
        (run_dir / stale).unlink(missing_ok=True)
    spec = Spec(
        plan=plan,
        seed=seed,
        run_dir=run_dir.resolve(),
        endpoints_file=endpoints_file,
        t0_unix_s=t0_unix_s,
        workers=workers,
    )
    log = spec.run_dir / "logs" / "load.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            _command(workers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            encoding="utf-8",
            cwd=spec.run_dir,
            env=_environment(spec.write()),
            start_new_session=True,  # a terminal's Ctrl-C is the runner's to hand on, after rollback
        )
    load = LoadProcess(process, spec, log)
    try:
        load.await_start()
    except BaseException:
        load.stop()
        raise
    return load


def _command(workers: int) -> list[str]:
    command = [sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), "--headless"]
    command += ["-u", str(workers), "-r", str(workers), "--only-summary", "--loglevel", "WARNING"]
    if workers > 1:
        port = str(_free_port())
        command += ["--processes", str(workers)]
        command += ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
        command += ["--master-host", "127.0.0.1", "--master-port", port]
    return command


def _environment(spec_file: Path) -> dict[str, str]:
    # A user's own Locust settings must not change what is offered.
    kept = {name: text for name, text in os.environ.items() if not name.startswith("LOCUST_")}
    return {
        **kept,
        SPEC_VARIABLE: str(spec_file),
        "GEVENT_RESOLVER": "block",  # the thread pool's resolver steals wake-ups
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
