"""`teastorm demo`: both arms side by side, and an end at the first that is interrupted."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Teastorm
from tests.verdict.world_evidence import build

from teastorm.cli import demo
from teastorm.runner.closing import Outcome
from teastorm.runner.run import Wish

ROOT = Path(__file__).parents[2]
ARMS = ("unprotected", "protected")

type Runs = Callable[..., list[str]]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """A run of each arm, of a small model of the shop."""
    found = {}
    for arm in ARMS:
        folder = tmp_path_factory.mktemp(arm)
        result = build(protected=arm == "protected").judge(folder)
        found[arm] = Outcome(exit_code=result.exit_code, run_dir=folder, result=result)
    return found


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, finished: dict[str, Outcome]) -> Runs:
    """Says how runs end; gives the arms that were run, as they are run."""
    monkeypatch.chdir(ROOT)

    def as_told(**outcomes: Outcome) -> list[str]:
        begun: list[str] = []

        def play(wish: Wish, **_: object) -> Outcome:
            begun.append(wish.arm)
            return outcomes.get(wish.arm, finished[wish.arm])

        monkeypatch.setattr(demo, "run_wish", play)
        return begun

    return as_told


def test_both_arms_are_compared_check_by_check(
    teastorm: Teastorm, runs: Runs, tmp_path: Path, finished: dict[str, Outcome]
) -> None:
    begun = runs()
    done = teastorm("demo", "--runs-dir", str(tmp_path))
    assert begun == list(ARMS)
    assert done.exit_code == 0, done.stdout
    for outcome in finished.values():
        assert outcome.result is not None
        assert all(check.id in done.stdout for check in outcome.result.checks)
        assert f"report:     {outcome.run_dir}/report.html" in done.stdout
    assert "(exit 1)" in done.stdout
    assert "(exit 0)" in done.stdout
    assert (tmp_path / "compare.html").is_file()


def test_a_program_gets_both_results_and_nothing_else(
    teastorm: Teastorm, runs: Runs, tmp_path: Path
) -> None:
    runs()
    content = orjson.loads(teastorm("demo", "--json", "--runs-dir", str(tmp_path)).stdout)
    assert (content["schema"], content["exit_code"]) == ("teastorm.demo/1", 0)
    assert [arm["result"]["verdict"] for arm in content["arms"]] == ["deviated", "held"]


@pytest.mark.parametrize(("arm", "begun"), [("unprotected", 1), ("protected", 2)])
def test_an_interrupt_in_either_arm_is_the_end_of_both(
    teastorm: Teastorm, runs: Runs, tmp_path: Path, arm: str, begun: int
) -> None:
    played = runs(**{arm: Outcome(exit_code=130, run_dir=None, result=None)})
    done = teastorm("demo", "--runs-dir", str(tmp_path))
    assert done.exit_code == 130
    assert len(played) == begun
    assert not (tmp_path / "compare.html").exists()


def test_an_arm_that_could_not_run_says_why(teastorm: Teastorm, runs: Runs, tmp_path: Path) -> None:
    refused = Outcome(exit_code=3, run_dir=None, result=None, trouble=("no cores are left",))
    played = runs(unprotected=refused)
    done = teastorm("demo", "--runs-dir", str(tmp_path))
    assert (done.exit_code, played) == (3, ["unprotected"])
    assert done.stderr == "teastorm: no cores are left\n"
