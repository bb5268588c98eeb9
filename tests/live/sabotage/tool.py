"""The tool with one thing broken in it: `python tool.py WHAT run …`. For tests only."""

# ruff: noqa: PLC0415 - each breakage imports what it breaks

import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path

import psutil

from teastorm.cli.main import main


def no_kill() -> None:
    """The fault is ordered and nothing is killed."""
    from teastorm.platforms.local.platform import LocalPlatform

    LocalPlatform.kill = lambda *_args, **_kwargs: None


def starve_the_generator() -> None:
    """The load generator loses the CPU for half a second, again and again."""

    def starve() -> None:
        while True:
            time.sleep(3.0)
            for process in psutil.Process().children(recursive=True):
                try:
                    if any("locust" in word for word in process.cmdline()):
                        process.send_signal(signal.SIGSTOP)
                        time.sleep(0.5)
                        process.send_signal(signal.SIGCONT)
                except psutil.Error:
                    continue

    threading.Thread(target=starve, daemon=True).start()


def lose_an_order() -> None:
    """An acknowledged order vanishes from the database before the books are read."""
    from teastorm.runner import closing

    audit = closing._Closing.audit

    def lossy(self) -> None:
        books = [
            f
            for process in psutil.Process().children(recursive=True)
            for f in process.open_files()
            if f.path.endswith("orders.db")
        ]
        with sqlite3.connect(Path(books[0].path), timeout=10) as db:
            db.execute("PRAGMA foreign_keys=OFF")
            row = db.execute("SELECT order_id FROM orders LIMIT 1").fetchone()
            for table in ("outbox", "orders"):
                db.execute(f"DELETE FROM {table} WHERE order_id = ?", row)  # noqa: S608 - two fixed names
        audit(self)

    closing._Closing.audit = lossy


def blank_metrics() -> None:
    """The flight recorder sees nothing."""
    from teastorm.observe import recorder

    recorder.FlightRecorder._round = lambda *_args, **_kwargs: None


BROKEN = {
    "no-kill": no_kill,
    "starve": starve_the_generator,
    "lose-order": lose_an_order,
    "blank-metrics": blank_metrics,
}

if __name__ == "__main__":
    what = sys.argv.pop(1)
    if what in BROKEN:
        BROKEN[what]()
    else:
        os.environ["TEASTORM_SABOTAGE"] = what
        here = str(Path(__file__).parent)
        os.environ["PYTHONPATH"] = os.pathsep.join(
            filter(None, [here, os.environ.get("PYTHONPATH")])
        )
    main()
