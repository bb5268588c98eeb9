"""The small parts of a run: folder, plan of the shop, kept capacity, progress, the demo's code."""

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from teastorm.cli.demo import _exit_code
from teastorm.load.capacity import Capacity, Step
from teastorm.load.progress import Progress
from teastorm.runner import experiment as experiments
from teastorm.runner import progress, shop
from teastorm.runner.capacity import CapacityStore, key_of
from teastorm.runner.closing import Outcome
from teastorm.runner.folder import RunFolder
from teastorm.runner.place import objectives_on
from teastorm.runner.problems import RunProblem
from teastorm.runner.run import Wish, prepared

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
K = Capacity(
    rps=62.0,
    good_share=0.99,
    theory_rps=64.0,
    steps=(Step(rps=62.0, good_share=0.99, samples=352, growth=0.0, good=True),),
)


@pytest.fixture
def overload() -> experiments.Experiment:
    return experiments.read(EXPERIMENTS / "overload-3x.yaml")


def test_two_runs_within_a_second_have_a_folder_each(tmp_path: Path) -> None:
    paths = {RunFolder.create(tmp_path, "x", "protected", 1).path for _ in range(3)}
    assert len(paths) == 3
    assert all(path.is_dir() and "Z-x-protected-1" in path.name for path in paths)


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write("a.json", {"b": (1, float("nan")), "c": Path("d")})
    assert folder.read("a.json") == {"b": [1, None], "c": "d"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert folder.read("other.json") is None


def test_theory_is_the_one_of_the_definitions() -> None:
    speed = shop.InferenceSpeed(
        max_num_seqs=16, ttft_s=0.08, itl_s=0.008, tokens_full=40, tokens_short=20, slowdown=1.25
    )
    assert speed.theory_rps(2) == pytest.approx(2 * 16 / (1.25 * (0.08 + 40 * 0.008)))


def test_the_shop_is_told_the_speed_the_verdict_reads(overload) -> None:
    experiment = replace(overload, settings={"inference": {"itl_s": 0.01, "max_waiting": 9}})
    plan = shop.plan_of(experiment, protections={}, seed=3, run_dir=None)
    assert plan.settings["inference"]["itl_s"] == shop.speed_of(experiment).itl_s == 0.01
    assert plan.settings["inference"]["max_waiting"] == 9
    assert plan.settings["gateway"]["tokens_full"] == plan.settings["inference"]["tokens_full"]


def test_a_speed_that_cannot_be_is_refused(overload) -> None:
    with pytest.raises(RunProblem, match="itl_s must be above 0"):
        shop.speed_of(replace(overload, settings={"inference": {"itl_s": 0}}))


def test_arms_differ_in_protections_only(overload) -> None:
    protected, unprotected = overload.protections("protected"), overload.protections("unprotected")
    assert all(protected.values())
    assert not any(unprotected.values())
    mixed = replace(overload, with_protections=("ladder",)).protections("unprotected")
    assert [name for name, on in mixed.items() if on] == ["ladder"]


def test_capacity_is_kept_by_what_decides_it(overload, tmp_path: Path) -> None:
    store = CapacityStore(directory=tmp_path / "state" / "capacity")
    key = key_of(overload, "local")
    assert store.read(key) is None
    store.write(key, K)
    assert store.read(key) == K
    same = replace(overload, with_protections=("codel",), title="another")
    other = replace(overload, settings={"inference": {"max_num_seqs": 8}})
    assert key_of(same, "local") == key
    assert key_of(other, "local") != key
    assert key_of(overload, "kubernetes") != key


@pytest.mark.parametrize("content", ["", "{}", '{"schema": "teastorm.capacity/1"}', "[1]"])
def test_a_broken_capacity_is_measured_again(content: str, tmp_path: Path) -> None:
    (tmp_path / "k.json").write_text(content)
    assert CapacityStore(directory=tmp_path).read("k") is None


def test_wishes_are_checked_like_a_file(overload) -> None:
    wish = Wish(path=overload.path, factor=2.5, duration_s=9.0, with_protections=("codel",))
    made = prepared(wish)
    assert (made.load.factor, made.load.fault_s) == (2.5, 9.0)
    assert made.load.baseline_s == overload.load.baseline_s
    assert made.with_protections == ("codel",)
    assert overload.document["method"][0]["provider"]["arguments"]["factor"] == 3.0


def _session(now: Progress | None) -> SimpleNamespace:
    replicas = [SimpleNamespace(ready=ready) for ready in (True, True, False)]
    return SimpleNamespace(
        load=SimpleNamespace(progress=lambda: now),
        platform=SimpleNamespace(replicas=lambda: replicas),
        experiment=SimpleNamespace(replicas={"orders": 4}),
    )


def test_progress_names_phase_rates_replicas_and_time_left() -> None:
    now = Progress(
        t_s=20.0,
        phase="fault",
        offered_rps=186,
        good_rps=59,
        refused_rps=120,
        in_flight=40,
        left_s=41.7,
    )
    line = progress.progress_line(_session(now))
    for part in ("fault", "offered   186/s", "good    59/s", "refused   120/s", "2/4", "42 s left"):
        assert part in line
    assert progress.progress_line(_session(None)) == ""


def test_without_a_terminal_a_line_comes_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr(progress, "is_open", object)
    monkeypatch.setattr(progress, "progress_line", lambda _: f"line {next(ticks)}")
    out = io.StringIO()
    ticker = progress.Ticker(out)
    ticker.say("starting")
    for _ in range(12):
        ticker.tick()
    ticker.close()
    assert out.getvalue().splitlines() == ["starting", "line 4", "line 9"]


@pytest.mark.parametrize(
    ("unprotected", "protected", "code"),
    [(1, 0, 0), (0, 0, 4), (4, 0, 4), (1, 1, 1), (1, 4, 4), (1, 5, 5), (3, 0, 3)],
)
def test_the_demo_succeeds_when_the_lesson_was_seen(
    unprotected: int, protected: int, code: int
) -> None:
    first, second = (
        Outcome(exit_code=exit_code, run_dir=None, result=None)
        for exit_code in (unprotected, protected)
    )
    assert _exit_code(first, second) == code


def test_a_cluster_widens_what_it_must_and_nothing_else(overload: experiments.Experiment) -> None:
    slo = overload.slo
    assert objectives_on(slo, "local") == slo
    there = objectives_on(slo, "kubernetes").objectives
    changed = {name: bound.limit for name, bound in there.items() if bound != slo.objectives[name]}
    assert changed == {"generator-healthy": 20.0, "refusals-fast": 200.0}
    assert all(bound.n_min == slo.objectives[name].n_min for name, bound in there.items())


def test_an_experiments_own_wider_limits_stay_on_a_cluster(
    overload: experiments.Experiment,
) -> None:
    wide = overload.slo.with_overrides(
        {"generator-healthy": {"limit": 30.0}, "refusals-fast": {"limit": 500.0}}, "a test"
    )
    assert objectives_on(wide, "kubernetes") == wide
