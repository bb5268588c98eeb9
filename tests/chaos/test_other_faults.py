"""Injected faults are seen by canaries, surges by the servers' counters."""

import itertools

import pytest

from teastorm.chaos.faults.episode import Episode
from teastorm.chaos.faults.injection import CanaryAnswer, Injection
from teastorm.chaos.faults.surge import Surge
from teastorm.chaos.servers import Counts
from teastorm.platforms.faults import FaultSpec

LATE = FaultSpec(kind="latency", latency_s=0.5)
SOUND = CanaryAnswer(status=404, seconds=0.002)


def _canary(site, service: str):
    """Answers as a replica with that fault would; asks the platform what is in force."""

    def ask(endpoint: str, timeout_s: float) -> CanaryAnswer:
        replica = next(r for r in site.platform.replicas(service) if r.endpoint == endpoint)
        faults = site.platform.faults(replica.replica_id)
        if not faults:
            return SOUND
        kind = faults[0].kind
        if kind == "latency":
            return CanaryAnswer(status=404, seconds=faults[0].latency_s)
        return CanaryAnswer(status=faults[0].status if kind == "errors" else 0, seconds=timeout_s)

    return ask


@pytest.mark.parametrize("spec", [LATE, FaultSpec(kind="errors"), FaultSpec(kind="hang")])
def test_an_injection_is_proved_by_canaries_and_gone_afterwards(site, spec: FaultSpec) -> None:
    fault = Injection("inference", spec, _canary(site, "inference"))
    with Episode(fault, site, "late-1") as episode:
        episode.hold(2.0)
    assert episode.record.proved, episode.record.evidence
    assert episode.record.rolled_back
    assert all(not site.platform.faults(r.replica_id) for r in site.platform.replicas("inference"))


def test_an_injection_nobody_felt_is_not_proved(site) -> None:
    with Episode(Injection("inference", LATE, lambda *_: SOUND), site, "late-1") as episode:
        episode.hold(2.0)
    assert not episode.record.proved
    assert "0 of" in episode.record.evidence


def test_a_service_that_was_late_before_proves_nothing(site) -> None:
    answers = itertools.chain([CanaryAnswer(status=404, seconds=0.6)], itertools.repeat(SOUND))
    fault = Injection("inference", LATE, lambda *_: next(answers))
    with Episode(fault, site, "late-1") as episode:
        episode.hold(1.0)
    assert not episode.record.proved
    assert "not sound" in episode.record.evidence


def _surge(site, rps: float, *, complete: bool = True) -> Surge:
    """A surge of 100/s that the servers see at `rps`."""
    began_s = site.now_s()
    return Surge(
        100.0,
        seen=lambda: Counts(offered=500 + rps * (site.now_s() - began_s), complete=complete),
    )


def test_a_surge_the_servers_saw_is_proved(site) -> None:
    fault = _surge(site, 99.0)
    with Episode(fault, site, "surge-1") as episode:
        episode.hold(20.0)
    assert episode.record.proved
    start_s, end_s = fault.window_s
    assert fault.seen == pytest.approx(99.0 * (end_s - start_s))
    assert end_s - start_s >= 16


@pytest.mark.parametrize("surge", [{"rps": 80.0}, {"rps": 0.0}, {"rps": 99.0, "complete": False}])
def test_a_surge_the_servers_did_not_see_is_not_proved(site, surge: dict) -> None:
    with Episode(_surge(site, **surge), site, "surge-1") as episode:
        episode.hold(20.0)
    assert not episode.record.proved


def test_servers_and_request_log_must_agree(site) -> None:
    fault = _surge(site, 100.0)
    with Episode(fault, site, "surge-1") as episode:
        episode.hold(20.0)
    assert episode.record.proved
    assert fault.agrees(fault.seen, 0)
    assert fault.agrees(fault.seen * 1.03, 0)
    assert not fault.agrees(fault.seen * 1.3, 0)
    assert fault.agrees(fault.seen * 1.3, fault.seen * 0.3)
    assert not fault.agrees(fault.seen * 0.7, 0)


def test_a_surge_needs_a_rate() -> None:
    with pytest.raises(ValueError, match="planned_rps must be above 0"):
        Surge(0.0, seen=Counts)
