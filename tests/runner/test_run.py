"""A run through Chaos Toolkit on a platform where nothing runs: how it ends when it ends early."""

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from teastorm.chaos import actions, offer, session
from teastorm.load.capacity import Capacity
from teastorm.load.errors import LoadDidNotStart
from teastorm.platforms.base import Leftovers, PlatformError, ShopPlan
from teastorm.platforms.memory import InMemoryPlatform
from teastorm.runner import opening
from teastorm.runner.capacity import Measured
from teastorm.runner.experiment import Experiment
from teastorm.runner.opening import Options
from teastorm.runner.run import Wish, run

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "overload-3x.yaml"
K = Capacity(rps=60.0, good_share=0.99, theory_rps=64.0, steps=())


class Shop(InMemoryPlatform):
    """Notes what was deployed, and that it was torn down."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, ready_after_s=0.1)
        self.plan: ShopPlan | None = None
        self.torn_down = 0
        self.left = Leftovers()

    def deploy(self, plan: ShopPlan) -> None:
        self.plan = plan
        super().deploy(plan)

    def tear_down(self) -> Leftovers:
        self.torn_down += 1
        super().tear_down()
        return self.left


@dataclass
class Bench:
    """A wish to run on one shop, and what was said."""

    shop: Shop
    runs: Path
    said: list[str] = field(default_factory=list)

    def wish(self, **over: object) -> Wish:
        options = Options(runs_dir=self.runs, platform=lambda _: self.shop, say=self.said.append)
        return Wish(**({"path": EXPERIMENT, "options": options} | over))

    def folder(self) -> Path:
        (found,) = self.runs.iterdir()
        return found


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    def no_load(**_: object) -> None:
        raise LoadDidNotStart("the load generator did not start: no cores")

    def kept(experiment: Experiment, platform: Shop, *_: object, **__: object) -> Measured:
        return Measured(capacity=K, platform=platform)

    monkeypatch.setattr(opening, "capacity_of", kept)
    monkeypatch.setattr(offer, "start_load", no_load)
    return Bench(shop=Shop(tmp_path), runs=tmp_path / "runs")


def _read(path: Path) -> dict:
    return orjson.loads(path.read_bytes())


def test_a_load_that_does_not_start_is_a_precondition_and_leaves_nothing(bench: Bench) -> None:
    outcome = run(bench.wish(arm="unprotected", seed=7))
    assert outcome.exit_code == 3
    assert outcome.trouble[0] == "the load generator did not start: no cores"
    assert bench.shop.torn_down == 1
    assert session.is_open() is None
    written = _read(bench.folder() / "run.json")
    assert (written["arm"], written["seed"], written["capacity"]["rps"]) == ("unprotected", 7, 60.0)
    assert set(written["protections"].values()) == {False}
    assert written["difference"]["codel"] == [True, False]
    journal = _read(bench.folder() / "journal.json")
    begun = journal["run"][0]
    assert begun["status"] == "failed"
    assert "no cores" in " ".join(begun["exception"])


def test_protections_are_switched_one_by_one(bench: Bench) -> None:
    run(bench.wish(without_protections=("admission",)))
    assert bench.shop.plan.protections["admission"] is False
    assert sum(not on for on in bench.shop.plan.protections.values()) == 1
    assert _read(bench.folder() / "run.json")["difference"] == {"admission": [True, False]}


def test_factor_and_duration_reach_the_load(bench: Bench) -> None:
    run(bench.wish(factor=2.0, duration_s=7.0))
    arguments = _read(bench.folder() / "journal.json")["run"][0]["activity"]["provider"][
        "arguments"
    ]
    assert (arguments["factor"], arguments["fault_s"]) == (2.0, 7.0)


def test_a_shop_that_cannot_start_is_a_precondition(bench: Bench) -> None:
    def refuse(_: ShopPlan) -> None:
        raise PlatformError(3, "another run holds this machine; `teastorm status` shows it")

    bench.shop.deploy = refuse
    outcome = run(bench.wish())
    assert outcome.exit_code == 3
    assert outcome.result is None
    assert "another run holds this machine" in outcome.trouble[0]
    assert bench.shop.torn_down == 1


def test_an_unhealthy_shop_is_a_precondition(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.shop, "wait_ready", lambda *_, **__: None)
    outcome = run(bench.wish())
    assert outcome.exit_code == 3
    assert _read(bench.folder() / "journal.json")["run"] == []
    assert _read(bench.folder() / "result.json")["verdict"] == "precondition"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_measuring_nothing_is_left(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    monkeypatch.setattr(opening, "capacity_of", lambda *_, **__: os.kill(os.getpid(), number))
    assert run(bench.wish()).exit_code == 130
    assert not bench.runs.exists()
    assert signal.getsignal(number) == before


def test_interrupted_during_a_fault_it_is_rolled_back_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    class Watched(actions.LossOfAll):
        def end(self, site) -> None:
            ended.append("fault")
            assert bench.shop.torn_down == 0
            super().end(site)
            site.platform.wait_ready(10)

    def cut_short(*_: object) -> None:
        episode = session.current().episode(Watched("dispatch"))
        episode.__enter__()
        ended.append("begun")
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(offer, "start_load", lambda **_: cut_short())
    outcome = run(bench.wish())
    assert outcome.exit_code == 130
    assert ended == ["begun", "fault"]
    (row,) = orjson.loads((bench.folder() / "faults.json").read_bytes())
    assert row["rolled_back"]
    assert bench.shop.torn_down == 1


def test_a_fault_that_cannot_be_undone_is_exit_5(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stuck(actions.LossOfAll):
        def end(self, site) -> None:
            raise OSError("stuck")

    def leave_open(**_: object) -> None:
        session.current().episode(Stuck("dispatch")).__enter__()
        raise LoadDidNotStart("afterwards nothing matters")

    monkeypatch.setattr(offer, "start_load", leave_open)
    outcome = run(bench.wish())
    assert outcome.exit_code == 5
    assert _read(bench.folder() / "result.json")["exit_code"] == 5


def test_what_is_left_after_tear_down_is_exit_5(bench: Bench) -> None:
    bench.shop.left = Leftovers(processes=("orders-1 (pid 7)",))
    outcome = run(bench.wish())
    assert outcome.exit_code == 5
    assert any("orders-1 (pid 7)" in sentence for sentence in outcome.trouble)
    # Who reads the file instead of the exit code must not take the run for a finished one.
    result = _read(bench.folder() / "result.json")
    assert (result["verdict"], result["exit_code"]) == ("rollback-failed", 5)
    assert "orders-1 (pid 7)" in result["reason"]


def test_a_runs_dir_that_is_a_file_is_a_precondition(bench: Bench, tmp_path: Path) -> None:
    bench.runs.write_text("in the way")
    outcome = run(bench.wish())
    assert outcome.exit_code == 3
    assert "choose another with --runs-dir" in outcome.trouble[0]
