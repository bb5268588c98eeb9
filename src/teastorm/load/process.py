"""A load generator that runs, as a subprocess: gevent patches the world it lives in, so it lives alone."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
from pathlib import Path

from teastorm.load.errors import LoadDidNotStart, LoadFailed, LoadTimedOut
from teastorm.load.evidence import PARTS, LoadReport, merge
from teastorm.load.progress import Progress
from teastorm.load.spec import Spec

_STARTS_WITHIN_S = 40.0
_STOPS_WITHIN_S = 8.0


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
                if line is not None and (second := Progress.of(line)) is not None:
                    found.append(second)
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
