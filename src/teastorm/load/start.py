"""Starts a load generator on this machine: its arguments checked, Locust's command, a clean environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from teastorm.load.endpoints import check_endpoints
from teastorm.load.errors import PlanInvalid
from teastorm.load.plan import LoadPlan
from teastorm.load.process import LoadProcess
from teastorm.load.spec import SPEC_VARIABLE, Spec
from teastorm.platforms.local.ports import PortPicker

_LOCUSTFILE = Path(__file__).with_name("locustfile.py")


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
        PlatformError: no port is free for the master of several workers.
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
        # Not one that the kernel gives away: it may have, before the master has started.
        port = str(PortPicker().pick())
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
