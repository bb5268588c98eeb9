"""Actions and probes against a session: what they wait for, and how they end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chaoslib.exceptions import ActivityFailed

from teastorm.chaos import actions, activity, edges, probes, session
from teastorm.chaos.faults.episode import RollbackFailedError
from teastorm.chaos.interruption import Interruption
from teastorm.chaos.servers import Counts
from teastorm.chaos.session import Chosen, Session, Window
from teastorm.platforms.memory import InMemoryPlatform
from teastorm.runner import experiment as experiments
from teastorm.runner.folder import RunFolder

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


class RunningLoad:
    """A load that always runs."""

    def __init__(self) -> None:
        self.alive = True
        self.finished = False

    def progress(self) -> None:
        return None

    def running(self) -> bool:
        return self.alive

    def finish(self, timeout_s: float) -> None:
        self.finished = True

    def stop(self) -> None:
        self.alive = False


@pytest.fixture
def open_session(tmp_path: Path, site) -> Iterator[Session]:
    made = Session(
        experiment=experiments.read(EXPERIMENTS / "overload-3x.yaml"),
        chosen=Chosen(platform="memory", arm="protected", seed=1),
        folder=RunFolder(tmp_path),
        interruption=Interruption(),
        site=site,
        capacity_rps=60.0,
        t0_unix_s=1_790_000_000.0,
        load=RunningLoad(),
        windows=(
            Window(name="baseline", start_s=1, end_s=11),
            Window(name="fault", start_s=11, end_s=31),
            Window(name="after", start_s=31, end_s=61),
        ),
        chat_rps={"fault": 180.0},
    )
    session.open_session(made)
    yield made
    session.close_session()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict:
    """What the gateways count, in requests a second of virtual time."""
    rates = {"offered": 100.0, "good": 99.0}

    def counted(platform: InMemoryPlatform, classes: tuple[str, ...]) -> Counts:
        return Counts(
            offered=rates["offered"] * platform.now_s, good=rates["good"] * platform.now_s
        )

    monkeypatch.setattr(session, "counted", counted)
    monkeypatch.setattr(actions, "counted", counted)
    return rates


def test_without_the_control_an_activity_says_what_is_missing() -> None:
    with pytest.raises(ActivityFailed, match=r"add the control teastorm\.chaos\.control"):
        actions.finish_load()


def test_a_loss_waits_for_the_fault_phase_and_is_recorded(open_session: Session) -> None:
    said = actions.lose_replica("orders")
    (row,) = open_session.fault_rows()
    assert said["proved"]
    assert row["kind"] == "replica-loss"
    assert 11 <= row["began_s"] < 11.5
    assert row["before"] != row["after"]
    assert row["rolled_back"]


def test_a_surge_lasts_as_long_as_its_phase(open_session: Session, answers: dict) -> None:
    answers["offered"] = 181.0
    assert actions.surge()["proved"]
    (row,) = open_session.fault_rows()
    assert row["ended_s"] == pytest.approx(31, abs=0.5)


def test_a_surge_that_did_not_come_fails_and_stays_unproved(
    open_session: Session, answers: dict
) -> None:
    with pytest.raises(ActivityFailed, match="not proved: the gateways counted"):
        actions.surge()
    assert open_session.fault_rows()[0]["proved"] is False


def test_scaling_is_late_and_awaited(open_session: Session) -> None:
    said = actions.scale_late("inference", to=3, trigger_s=5, startup_s=4)
    assert said["asked_s"] == pytest.approx(16, abs=0.3)
    assert said["ready_s"] >= said["asked_s"] + 4
    assert len(open_session.site.ready_identities("inference")) == 3


def test_an_edge_is_cut_in_the_fault_phase_with_a_dead_mans_switch(
    open_session: Session, site, monkeypatch
) -> None:
    told = []
    set_fault = site.platform.set_fault

    def listen(service, spec, replica_id=None) -> None:
        told.append((service, spec))
        set_fault(service, spec, replica_id)

    monkeypatch.setattr(site.platform, "set_fault", listen)
    # Nothing runs here, so nobody shows that it is over.
    with pytest.raises(RollbackFailedError, match="orders was not whole again"):
        edges.cut_edge("orders", "dispatch", hold_s=6)
    ((service, spec),) = told
    assert (service, spec.to, spec.kind, spec.duration_s) == ("orders", "dispatch", "partition", 21)
    (row,) = open_session.fault_rows()
    assert row["id"] == "partition-orders-1"
    assert 11 <= row["began_s"] < 11.5
    assert row["planned"]["state"] == "out"
    assert not site.platform.faults(site.identities("orders")[0].replica)


def test_an_interrupted_loss_is_rolled_back(open_session: Session, site) -> None:
    open_session.wait_until(11)
    site.interrupted = True
    with pytest.raises(ActivityFailed, match="cut short by an interruption, and rolled back"):
        activity.held(open_session, actions.LossOfAll("dispatch"), 10.0)
    assert open_session.fault_rows()[0]["rolled_back"]
    assert len(site.ready_identities("dispatch")) == 2


def test_a_load_that_died_is_not_waited_for(open_session: Session, site) -> None:
    open_session.load.alive = False
    with pytest.raises(ActivityFailed, match="ended early"):
        actions.lose_replica("orders")
    assert site.now_s() < 5


def test_finishing_waits_for_the_last_phase(open_session: Session, site) -> None:
    actions.finish_load()
    assert open_session.load.finished
    assert site.now_s() >= 61


def test_rolling_back_ends_every_fault_though_one_fails(open_session: Session, site) -> None:
    class Stuck(actions.LossOfAll):
        def end(self, site) -> None:
            raise OSError("stuck")

    first = open_session.episode(Stuck("dispatch"))
    second = open_session.episode(actions.LossOfAll("orders"))
    first.__enter__()
    second.__enter__()
    with pytest.raises(ActivityFailed, match="could not be rolled back"):
        actions.roll_back_faults()
    assert [row["rolled_back"] for row in open_session.fault_rows()] == [False, True]
    assert len(site.ready_identities("orders")) == 2


def test_probes_say_how_well_people_were_served(open_session: Session, answers: dict) -> None:
    assert probes.baseline_is_steady()["good_share"] == pytest.approx(0.99, abs=0.001)
    assert probes.during_the_fault()["offered"] > 1000
    answers["good"] = 50.0
    with pytest.raises(ActivityFailed, match="the last seconds"):
        probes.recovered()


def test_health_is_every_wanted_replica_listed(open_session: Session, site) -> None:
    assert probes.shop_is_healthy()
    site.platform.kill(site.identities("gateway")[0].replica)
    with pytest.raises(ActivityFailed, match="gateway: 1 of 2 replicas are ready"):
        probes.shop_is_healthy()
