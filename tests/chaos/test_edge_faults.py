"""Faults between services: proved by what both ends count, never by the call that set them."""

import pytest
from tests.chaos.street import Street

from teastorm.chaos.faults.edge import EdgeFault
from teastorm.chaos.faults.edge_errors import EdgeErrors
from teastorm.chaos.faults.edge_latency import EdgeLatency
from teastorm.chaos.faults.episode import Episode, RollbackFailedError
from teastorm.chaos.faults.name_resolution import NameResolution
from teastorm.chaos.faults.partition import Partition
from teastorm.chaos.passages import Passage, Sent
from teastorm.platforms.base import PlatformError
from teastorm.platforms.faults import EdgeFaultSpec

LATE = EdgeFaultSpec(to="dispatch", kind="latency", latency_s=0.4)
BROKEN = EdgeFaultSpec(to="dispatch", kind="errors", status=502)
CUT = EdgeFaultSpec(to="dispatch", kind="partition")
REFUSED = EdgeFaultSpec(to="dispatch", kind="refuse")
NAMELESS = EdgeFaultSpec(to="dispatch", kind="dns")
NO_SUCH_NAME = EdgeFaultSpec(to="dispatch", kind="dns", answer="none")
FAULTS: dict[EdgeFaultSpec, type[EdgeFault]] = {
    LATE: EdgeLatency,
    BROKEN: EdgeErrors,
    CUT: Partition,
    REFUSED: Partition,
    NAMELESS: NameResolution,
    NO_SUCH_NAME: NameResolution,
}


@pytest.fixture
def street(site) -> Street:
    made = Street(site)
    site.platform.advance(5.0)
    return made


def run(spec: EdgeFaultSpec, street: Street, hold_s: float = 5.0) -> Episode:
    fault = FAULTS[spec]("orders", spec, street.look)
    with Episode(fault, street.site, "edge-1") as episode:
        episode.hold(hold_s)
    return episode


@pytest.mark.parametrize("spec", FAULTS, ids=lambda spec: f"{spec.kind}-{spec.answer}")
def test_each_is_proved_by_both_ends_and_over_afterwards(street: Street, spec) -> None:
    record = run(spec, street).record
    assert record.proved, record.evidence
    assert record.rolled_back
    assert "orders -> dispatch" in record.evidence
    assert record.service == "orders"
    assert record.planned["to"] == "dispatch"
    platform = street.site.platform
    assert all(not platform.faults(r.replica_id) for r in platform.replicas("orders"))


@pytest.mark.parametrize("spec", FAULTS, ids=lambda spec: f"{spec.kind}-{spec.answer}")
def test_what_nobody_felt_is_not_proved(street: Street, spec) -> None:
    street.feels = False
    record = run(spec, street).record
    assert not record.proved
    assert record.rolled_back


@pytest.mark.parametrize("spec", FAULTS, ids=lambda spec: f"{spec.kind}-{spec.answer}")
def test_what_was_not_seen_is_not_proved(street: Street, spec) -> None:
    street.visible = False
    with pytest.raises(RollbackFailedError):
        run(spec, street)
    fault = FAULTS[spec]("orders", spec, street.look)
    assert "not seen" in fault.proof(street.site).evidence


def test_errors_of_the_callee_itself_are_not_errors_of_the_way(street: Street) -> None:
    street.feels, street.callees_own_errors = False, True
    record = run(BROKEN, street).record
    assert not record.proved
    assert "requests arrived" in record.evidence


def test_a_partition_that_leaks_is_none(street: Street) -> None:
    street.leaks = True
    assert not run(CUT, street).record.proved


def test_a_partition_of_a_callee_nobody_called_is_not_proved(street: Street) -> None:
    street.rate = 0.0
    assert not run(CUT, street).record.proved


def test_one_caller_that_still_resolves_the_name_spoils_the_proof(street: Street) -> None:
    street.sees_names = {street.site.identities("orders")[0].replica}
    assert not run(NAMELESS, street).record.proved


def test_attempts_given_up_show_a_delay_longer_than_the_caller_waits(street: Street) -> None:
    spec = EdgeFaultSpec(to="dispatch", kind="latency", latency_s=60.0)
    fault = EdgeLatency("orders", spec, street.look)

    def passed(timed: float = 0.0, **attempts: float) -> Passage:
        sent = Sent(attempts=attempts, seconds=timed / 10, timed=timed)
        return Passage(callers={"a": sent}, arrived={})

    before = passed(timed=100, ok=100)
    assert fault.judged(before, passed(deadline=30, abandoned=20)).proved
    assert not fault.judged(before, passed(deadline=9)).proved
    assert not fault.judged(before, passed(timed=30, ok=30, deadline=20)).proved
    # They gave up before it, too.
    assert not fault.judged(passed(deadline=90, ok=10, timed=10), passed(deadline=50)).proved


def test_a_quick_answer_among_those_given_up_does_not_hide_the_delay(street: Street) -> None:
    fault = EdgeLatency("orders", LATE, street.look)
    before = Passage(callers={"a": Sent(attempts={"ok": 100.0}, seconds=10, timed=100)}, arrived={})
    slow = Sent(attempts={"ok": 20.0, "abandoned": 20.0}, seconds=10, timed=20)
    assert fault.judged(before, Passage(callers={"a": slow}, arrived={})).proved


def test_an_edge_nobody_uses_is_over_when_its_callers_say_so(street: Street) -> None:
    street.rate = 0.0
    ended_s = run(CUT, street).record
    assert ended_s.rolled_back
    assert ended_s.healed_s - ended_s.ended_s >= 5.0


def test_a_fault_that_stays_in_force_is_not_healed(street: Street, monkeypatch) -> None:
    monkeypatch.setattr(street.site.platform, "clear_faults", lambda service: None)
    with pytest.raises(RollbackFailedError, match="orders was not whole again"):
        run(LATE, street)


@pytest.mark.parametrize("spec", [LATE, BROKEN, CUT])
def test_a_fault_that_is_felt_on_is_not_healed_whatever_its_caller_says(
    street: Street, monkeypatch, spec
) -> None:
    monkeypatch.setattr(street.site.platform, "clear_faults", lambda service: None)
    street.says_faults = False
    with pytest.raises(RollbackFailedError):
        run(spec, street)


def test_one_replica_of_the_callee_may_be_cut_off(street: Street, site) -> None:
    replica = site.identities("dispatch")[0].replica
    spec = EdgeFaultSpec(to="dispatch", kind="partition", to_replica=replica)
    fault = Partition("orders", spec, street.look)
    assert fault.planned()["to_replica"] == replica
    assert fault.planned()["state"] == "overloaded"
    with Episode(fault, site, "edge-1") as episode:
        episode.hold(5.0)
    assert episode.record.proved
    assert replica in episode.record.evidence


def test_a_callee_that_is_not_there_is_refused_before_anything_is_set(site, street: Street) -> None:
    fault = Partition(
        "orders",
        EdgeFaultSpec(to="dispatch", kind="partition", to_replica="dispatch-99"),
        street.look,
    )
    with (
        pytest.raises(PlatformError, match="no living replica of dispatch is called dispatch-99"),
        Episode(fault, site, "edge-1"),
    ):
        pass
    assert not site.platform.faults(site.identities("orders")[0].replica)
