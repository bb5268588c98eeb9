"""Signals that wait for a moment at which they do no harm."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ASKED = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals_put_off() -> Iterator[None]:
    """What SIGINT and SIGTERM do here is done after the block, once.

    For what must not be cut in half, like starting a process: one that is left without the words
    its parent had for it ends in a traceback. Handlers run in the main thread alone, so that in
    others there is nothing to put off.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda n, _: came.append(n)) for number in _ASKED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for once in dict.fromkeys(came):
            signal.raise_signal(once)
