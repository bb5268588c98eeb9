"""The flight recorder: scrapes every replica once a second and keeps what it saw."""

import threading
import time
from array import array
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from teastorm.observe.exposition import canonical
from teastorm.observe.scraper import TIMEOUT_S, Scraper
from teastorm.observe.target import ScrapeTarget

PERIOD_S = 1.0
WORKERS = 8
TAIL = 20_000
"""Samples to look back over for the latest: some seconds of a shop with many replicas."""
LABELLED = ("service", "replica", "name", "labels")


class Latest(NamedTuple):
    """A series' newest sample."""

    service: str
    replica: str
    name: str
    labels: str
    at_s: float
    value: float


def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="scrape")


class FlightRecorder:
    """Records from `start` to `stop`, then `write`. Times are `clock() - t0_s`.

    `targets` is asked before every round, so that new replicas are found. A sample carries the
    moment its scrape began. Adds the metric `up` (1, or 0 when a replica did not answer). A target
    slower than a round is not asked twice at once. Call its methods from one thread; `latest` may
    be called from any.
    """

    def __init__(
        self,
        targets: Callable[[], Iterable[ScrapeTarget]],
        *,
        t0_s: float,
        clock: Callable[[], float] = time.monotonic,
        period_s: float = PERIOD_S,
    ) -> None:
        if period_s <= 0:
            raise ValueError(f"period_s must be above 0, got {period_s}")
        self.rounds = 0
        self._targets = targets
        self._t0_s = t0_s
        self._clock = clock
        self._period_s = period_s
        self._lock = threading.Lock()
        self._series: list[tuple[str, str, str, str]] = []
        self._times = array("d")
        self._numbers = array("i")
        self._values = array("d")
        self._scrapers: dict[ScrapeTarget, Scraper] = {}
        self._pool = _pool()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flight-recorder", daemon=True)

    def start(self) -> None:
        """Begin; the first round is at once."""
        self._thread.start()

    def stop(self) -> None:
        """One last round of every target, then end. May be called twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2 * TIMEOUT_S)
        # A target still being asked would be left out of the last round, and what it counted
        # since its page was made with it.
        self._pool.shutdown(wait=True)
        self._pool = _pool()
        self._round()
        self._pool.shutdown(wait=True)
        for scraper in self._scrapers.values():
            scraper.close()

    def latest(self, names: tuple[str, ...], *, since_s: float = 0.0) -> list[Latest]:
        """The newest sample since a moment of each series with one of these names."""
        with self._lock:
            tail = zip(
                self._times[-TAIL:], self._numbers[-TAIL:], self._values[-TAIL:], strict=True
            )
            wanted = {n: s for n, s in enumerate(self._series) if s[2] in names}
            newest = {
                n: (at_s, value) for at_s, n, value in tail if n in wanted and at_s >= since_s
            }
        return [Latest(*wanted[n], at_s, value) for n, (at_s, value) in newest.items()]

    def write(self, path: Path) -> int:
        """metrics.parquet as the run folder has it, whole or not there; gives the number of rows."""
        table = self.table()
        part = path.with_name(f"{path.name}.part")
        try:
            pq.write_table(table, part, compression="zstd")
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return int(table.num_rows)

    def table(self) -> pa.Table:
        """Columns t_s, service, replica, name, labels, value, in the order of scraping."""
        with self._lock:
            columns = list(zip(*self._series, strict=True)) or [()] * len(LABELLED)
            times = np.array(self._times, dtype=np.float64)
            numbers = pa.array(np.array(self._numbers, dtype=np.int32))
            values = np.array(self._values, dtype=np.float64)
        words = {
            name: pa.DictionaryArray.from_arrays(numbers, pa.array(column, pa.string())).cast(
                pa.string()
            )
            for name, column in zip(LABELLED, columns, strict=True)
        }
        return pa.table({"t_s": times, **words, "value": values})

    def _run(self) -> None:
        due_s = self._clock()
        while not self._stopping.is_set():
            self._round()
            due_s = max(due_s + self._period_s, self._clock())
            self._stopping.wait(max(due_s - self._clock(), 0.0))

    def _round(self) -> None:
        """Ask every target that is not still being asked; does not wait for slow ones."""
        self.rounds += 1
        for target in self._targets():
            scraper = self._scrapers.get(target)
            if scraper is None:
                scraper = Scraper(target, self._numbering(target))
                self._scrapers[target] = scraper
            if not scraper.busy:
                scraper.busy = True
                self._pool.submit(self._ask, scraper)

    def _ask(self, scraper: Scraper) -> None:
        at_s = self._clock() - self._t0_s
        try:
            samples = scraper.scrape()
            with self._lock:
                for number, value in samples:
                    self._times.append(at_s)
                    self._numbers.append(number)
                    self._values.append(value)
        finally:
            scraper.busy = False

    def _numbering(self, target: ScrapeTarget) -> Callable[[str, dict[str, str]], int]:
        def number_of(name: str, labels: dict[str, str]) -> int:
            with self._lock:
                self._series.append((target.service, target.replica, name, canonical(labels)))
                return len(self._series) - 1

        return number_of
