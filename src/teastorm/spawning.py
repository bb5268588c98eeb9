"""Worker processes that a Ctrl-C does not meet half started.

It reaches the whole process group. A worker ignores it, but only once it runs the words that say
so; until then, about a second of imports, it would end in a traceback of its own. So it begins with
the signal blocked, which a process inherits.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

from teastorm.put_off import signals_put_off


@contextmanager
def workers_started() -> Iterator[None]:
    """Start workers here, and give each `deaf_to_interrupts` to begin with.

    What SIGINT and SIGTERM do in this process is done after the block.
    """
    with signals_put_off():
        # Started with the first worker otherwise, and what it does about signals undoes the block.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def deaf_to_interrupts() -> None:
    """Leave Ctrl-C to whoever started this process; what came of it since its start is forgotten."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
