"""Losing replicas: proved by who is gone and who came, never by the call that caused it."""

from pathlib import Path

import pytest

from teastorm.chaos.faults.episode import Episode, RollbackFailedError
from teastorm.chaos.faults.loss_of_all import LossOfAll
from teastorm.chaos.faults.replica_loss import ReplicaLoss
from teastorm.platforms.base import Replica, ShopPlan
from teastorm.platforms.memory import InMemoryPlatform


class DeafPlatform(InMemoryPlatform):
    """Says that it killed, and does not."""

    def kill(self, replica_id: str, signal: int = 9) -> Replica:
        return next(r for r in self.replicas() if r.replica_id == replica_id)


class BarrenPlatform(InMemoryPlatform):
    """Kills, and never replaces."""

    def deploy(self, plan: ShopPlan) -> None:
        super().deploy(plan)
        for service in plan.replicas:
            self.pause_replacing(service)

    def resume_replacing(self, service: str) -> None:
        pass


def test_a_loss_is_proved_by_identities_and_names_them(site) -> None:
    victim = site.identities("inference")[0]
    with Episode(ReplicaLoss("inference"), site, "loss-1") as episode:
        assert victim not in site.identities("inference")
        assert episode.hold(1.0)
    record = episode.record
    assert record.proved
    assert record.rolled_back
    assert str(victim) in record.evidence
    assert victim in record.before
    assert victim not in record.after
    assert len(record.after) == 2
    assert record.began_s is not None
    assert record.ended_s >= record.began_s
    assert [note["kind"] for note in site.notes] == ["fault_begun", "fault_ended"]


def test_identities_that_did_not_change_prove_nothing(tmp_path: Path, make_site) -> None:
    site = make_site(DeafPlatform(tmp_path))
    episode = Episode(ReplicaLoss("orders"), site, "loss-1", heal_timeout_s=2)
    with episode:
        episode.hold(1.0)
    assert not episode.record.proved
    assert "gone: none" in episode.record.evidence
    assert episode.record.rolled_back  # nobody was hit, so nothing is left faulty


def test_without_a_replacement_the_shop_is_not_whole(tmp_path: Path, make_site) -> None:
    site = make_site(BarrenPlatform(tmp_path))
    episode = Episode(ReplicaLoss("orders"), site, "loss-1", heal_timeout_s=2)
    with pytest.raises(RollbackFailedError, match="orders was not whole again"), episode:
        episode.hold(0.5)
    assert not episode.record.proved
    assert not episode.record.rolled_back
    assert "came and ready: none" in episode.record.evidence


def test_more_replicas_than_there_are_cannot_be_lost(site) -> None:
    with (
        pytest.raises(ValueError, match="orders has 2 replicas, 3 cannot be lost"),
        Episode(ReplicaLoss("orders", count=3), site, "loss-1"),
    ):
        pass
    assert len(site.ready_identities("orders")) == 2


@pytest.mark.parametrize(
    ("arguments", "said"), [({"count": 0}, "count"), ({"signal": "HUP"}, "signal")]
)
def test_a_loss_refuses_what_cannot_be_meant(arguments: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ReplicaLoss("orders", **arguments)


def test_a_loss_of_all_is_seen_while_it_holds_and_healed_afterwards(site) -> None:
    with Episode(LossOfAll("dispatch"), site, "out-1") as episode:
        episode.hold(3.0)
        assert site.ready_identities("dispatch") == []
    assert episode.record.proved
    assert episode.record.rolled_back
    assert len(site.ready_identities("dispatch")) == 2
    assert episode.record.planned == {"state": "out"}


def test_a_loss_of_all_that_left_one_is_not_proved(site) -> None:
    with Episode(LossOfAll("dispatch"), site, "out-1") as episode:
        site.platform.resume_replacing("dispatch")
        site.platform.wait_ready(10, ["dispatch"])
        episode.hold(2.0)
    assert not episode.record.proved
    assert episode.record.rolled_back


def test_replacing_is_resumed_when_the_body_is_interrupted(site) -> None:
    episode = Episode(LossOfAll("dispatch"), site, "out-1")
    with pytest.raises(KeyboardInterrupt), episode:
        raise KeyboardInterrupt
    assert episode.record.rolled_back
    assert len(site.ready_identities("dispatch")) == 2
