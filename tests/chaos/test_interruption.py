"""One signal stops the run; the next ones change nothing; a shield delays it."""

import os
import signal
from collections.abc import Iterator

import pytest

from teastorm.chaos.interruption import Interruption


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    made = Interruption()
    made.install()
    yield made
    made.restore()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_interrupts_and_the_second_does_not(
    interruption: Interruption, number: signal.Signals
) -> None:
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    assert interruption.requested
    assert interruption.wait(60)


def test_nested_shields_raise_once_at_the_outermost(interruption: Interruption) -> None:
    done: list[str] = []

    def shielded_work() -> None:
        with interruption.shielded():
            with interruption.shielded():
                os.kill(os.getpid(), signal.SIGTERM)
                done.append("inner")
            done.append("outer")

    with pytest.raises(KeyboardInterrupt):
        shielded_work()
    assert done == ["inner", "outer"]
    with interruption.shielded():
        done.append("later")
    assert done[-1] == "later"


def test_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    interruption = Interruption()
    interruption.install()
    assert signal.getsignal(signal.SIGTERM) != before
    interruption.restore()
    assert signal.getsignal(signal.SIGTERM) == before
