"""Whatever happens, a fault that began is ended: once, bounded, and past any signal."""

import os
import signal
import threading

import pytest

from teastorm.chaos.faults.base import Fault, Proof, Site
from teastorm.chaos.faults.episode import Episode, RollbackFailedError
from teastorm.chaos.interruption import Interruption


class Noted(Fault):
    """A fault that writes down what is asked of it."""

    kind = "noted"
    service = "orders"

    def __init__(self) -> None:
        self.calls: list[str] = []

    def planned(self) -> dict:
        return {}

    def begin(self, site: Site) -> None:
        self.calls.append("begin")

    def observe(self, site: Site) -> None:
        self.calls.append("observe")

    def end(self, site: Site) -> None:
        self.calls.append("end")

    def healed(self, site: Site) -> bool:
        self.calls.append("healed")
        return True

    def proof(self, site: Site) -> Proof:
        return Proof(proved=True, evidence="seen")


def test_it_begins_holds_ends_and_is_verified_in_that_order(site) -> None:
    fault = Noted()
    with Episode(fault, site, "noted-1") as episode:
        assert episode.hold(0.5)
    assert [c for c in fault.calls if c != "observe"] == ["begin", "end", "healed"]
    assert episode.record.as_json()["proved"] is True
    assert site.shields == 2


def test_a_hold_is_cut_short_by_an_interruption(site) -> None:
    fault = Noted()
    with Episode(fault, site, "noted-1") as episode:
        site.interrupted = True
        assert not episode.hold(1000.0)
    assert site.now_s() < 100
    assert episode.record.rolled_back


def test_half_a_beginning_is_undone(site) -> None:
    class Stumbling(Noted):
        def begin(self, site: Site) -> None:
            raise RuntimeError("half done")

    fault = Stumbling()
    episode = Episode(fault, site, "noted-1")
    with pytest.raises(RuntimeError, match="half done"), episode:
        pass
    assert fault.calls == ["end", "healed"]
    assert episode.record.rolled_back


def test_an_end_that_hangs_is_left_after_its_time(site) -> None:
    forever = threading.Event()

    class Hanging(Noted):
        def end(self, site: Site) -> None:
            forever.wait()

    episode = Episode(Hanging(), site, "noted-1", end_timeout_s=0.02)
    with pytest.raises(RollbackFailedError), episode:
        pass
    forever.set()
    assert not episode.record.rolled_back


def test_an_end_that_fails_is_a_failed_rollback(site) -> None:
    class Failing(Noted):
        def end(self, site: Site) -> None:
            raise OSError("no way")

    episode = Episode(Failing(), site, "noted-1")
    with pytest.raises(RollbackFailedError), episode:
        pass
    assert episode.record.ended_s is not None
    assert not episode.record.rolled_back


def test_what_does_not_heal_is_a_failed_rollback(site) -> None:
    class Wounded(Noted):
        def healed(self, site: Site) -> bool:
            return False

    episode = Episode(Wounded(), site, "noted-1", heal_timeout_s=3)
    with pytest.raises(RollbackFailedError, match="3 s after"), episode:
        pass
    assert site.now_s() >= 3


def test_an_error_of_the_body_is_not_hidden_by_a_failed_rollback(site) -> None:
    class Wounded(Noted):
        def healed(self, site: Site) -> bool:
            return False

    episode = Episode(Wounded(), site, "noted-1", heal_timeout_s=0.5)
    with pytest.raises(ZeroDivisionError), episode:
        raise ZeroDivisionError
    assert not episode.record.rolled_back


def test_rolled_back_from_elsewhere_it_ends_once(site) -> None:
    fault = Noted()
    with Episode(fault, site, "noted-1") as episode:
        other = threading.Thread(target=episode.roll_back)
        other.start()
        other.join()
        assert not episode.hold(60.0)
    assert fault.calls.count("end") == 1


def test_a_proof_that_cannot_be_taken_is_none(site) -> None:
    class Blind(Noted):
        def proof(self, site: Site) -> Proof:
            raise OSError("no endpoints file")

    with Episode(Blind(), site, "noted-1") as episode:
        pass
    assert not episode.record.proved
    assert "no endpoints file" in episode.record.evidence


def test_a_signal_during_the_end_waits_for_it(site) -> None:
    interruption = Interruption()
    site.shielded = interruption.shielded

    class Signalled(Noted):
        def end(self, site: Site) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            self.calls.append("end")

    fault = Signalled()
    episode = Episode(fault, site, "noted-1")
    interruption.install()
    try:
        with pytest.raises(KeyboardInterrupt), episode:
            pass
    finally:
        interruption.restore()
    assert fault.calls == ["begin", "end", "healed"]
    assert episode.record.rolled_back
    assert interruption.requested
