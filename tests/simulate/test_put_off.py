"""Signals that come while something must not be cut in half."""

import signal
import threading
from collections.abc import Iterator

import pytest

from teastorm.put_off import signals_put_off


class Came(Exception):
    """A handler that raises, as ours do."""


def _raise(*_: object) -> None:
    raise Came


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def number(request: pytest.FixtureRequest) -> Iterator[int]:
    before = signal.signal(request.param, _raise)
    yield int(request.param)
    signal.signal(request.param, before)


def test_it_waits_for_the_end_of_the_block_and_comes_once(number: int) -> None:
    done = []

    def work() -> None:
        with signals_put_off():
            signal.raise_signal(number)
            signal.raise_signal(number)
            done.append("all of it")

    with pytest.raises(Came):
        work()
    assert done == ["all of it"]
    with pytest.raises(Came):
        signal.raise_signal(number)


def test_nothing_came(number: int) -> None:
    with signals_put_off():
        pass
    assert signal.getsignal(number) is _raise


def test_another_thread_has_nothing_to_put_off() -> None:
    done = []

    def work() -> None:
        with signals_put_off():
            done.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["done"]
