"""Who has the platform after K was looked up, measured, or not to be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from teastorm.load.capacity import Capacity
from teastorm.load.errors import LoadDidNotStart
from teastorm.platforms.base import Leftovers, ShopPlan
from teastorm.platforms.memory import InMemoryPlatform
from teastorm.runner import capacity as capacities
from teastorm.runner import experiment as experiments
from teastorm.runner.capacity import CapacityStore, capacity_of, key_of
from teastorm.runner.problems import RunProblem

FILE = Path(__file__).parents[2] / "experiments" / "overload-3x.yaml"
K = Capacity(rps=60.0, good_share=0.99, theory_rps=64.0, steps=())


class Place(InMemoryPlatform):
    """Tells what is done to it, and to whoever comes after it."""

    def __init__(self, directory: Path, done: list[str], name: str = "first") -> None:
        super().__init__(directory, ready_after_s=0.1)
        self.done, self.called = done, name

    def deploy(self, plan: ShopPlan) -> None:
        self.done.append(f"{self.called} deploys")
        super().deploy(plan)

    def tear_down(self) -> Leftovers:
        self.done.append(f"{self.called} torn down")
        return super().tear_down()

    def successor(self) -> Place:
        self.done.append(f"{self.called} hands on")
        return Place(self.endpoints_file.parent, self.done, "second")


@pytest.fixture
def experiment():
    return experiments.read(FILE)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(capacities, "find_capacity", lambda *_: K)
    return Place(tmp_path, [])


def ask(experiment, place: Place, store: CapacityStore, *, fresh: bool = False):
    return capacity_of(experiment, place, store, seed=1, fresh=fresh, say=lambda _: None)


def test_a_capacity_that_is_known_costs_no_deployment(experiment, place, tmp_path):
    store = CapacityStore(directory=tmp_path / "k")
    store.write(key_of(experiment, place.place), K)
    measured = ask(experiment, place, store)
    assert (measured.capacity, measured.platform, place.done) == (K, place, [])


def test_one_that_was_measured_comes_with_the_platform_for_the_run(experiment, place, tmp_path):
    store = CapacityStore(directory=tmp_path / "k")
    store.write(key_of(experiment, place.place), K)
    measured = ask(experiment, place, store, fresh=True)
    assert measured.capacity == K
    assert measured.platform.called == "second"
    assert place.done == ["first deploys", "first hands on"]


@pytest.mark.parametrize("error", [LoadDidNotStart("no cores"), KeyboardInterrupt()])
def test_a_measurement_that_fails_leaves_nothing(experiment, place, tmp_path, monkeypatch, error):
    def fail(*_: object) -> Capacity:
        raise error

    monkeypatch.setattr(capacities, "find_capacity", fail)
    wanted = RunProblem if isinstance(error, LoadDidNotStart) else type(error)
    with pytest.raises(wanted):
        ask(experiment, place, CapacityStore(directory=tmp_path / "k"))
    assert place.done == ["first deploys", "first torn down"]


def test_one_that_cannot_be_kept_leaves_nothing_either(experiment, place, tmp_path):
    (tmp_path / "k").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="k"):
        ask(experiment, place, CapacityStore(directory=tmp_path / "k"))
    assert place.done == ["first deploys", "first torn down"]
