"""A study in a storage: shared by machines, gone on with after an interrupt, of one thing only."""

import dataclasses
import signal
import subprocess
import sys

import optuna
import orjson
import pytest
from optuna.trial import TrialState

from teastorm.tune import search as searching
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.score import One, Score
from teastorm.tune.search import search
from teastorm.tune.slo import Slo
from teastorm.tune.space import Space
from teastorm.tune.study import Search

SLO, SPACE = Slo(good=0.9), Space(most=4)


def quick_score(service, scalings, seeds, *, factor, executor=None):
    """Figures without a simulation: of the bounds alone."""
    fewest = [scaling.spec.min_replicas for scaling in scalings]
    return [
        Score(
            runs=tuple(
                One(
                    seed=seed, offered=1000, missed=400 // n, refused=0, p99_s=None,
                    pod_hours=n * factor, changes=n, curve=((0.0, n, n),),
                )
                for seed in seeds
            )
        )
        for n in fewest
    ]  # fmt: skip


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(searching, "score", quick_score)


HOW = Search(trials=6, seeds=(7, 8), factor=10.0, seed=3)


def kept_in(path, how=HOW):
    return dataclasses.replace(how, storage=f"sqlite:///{path}")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Files to copy: Optuna takes long to make its tables."""
    path = tmp_path_factory.mktemp("kept") / "empty.db"
    optuna.storages.RDBStorage(f"sqlite:///{path}")
    return {"empty": path.read_bytes()}


@pytest.fixture
def how(tmp_path, kept):
    (tmp_path / "study.db").write_bytes(kept["empty"])
    return kept_in(tmp_path / "study.db")


@pytest.fixture
def begun(service, quick, kept, how, tmp_path):
    """The storage holds the six trials of another machine."""
    if "study" not in kept:
        search(service, SPACE, SLO, how)
        kept["study"] = (tmp_path / "study.db").read_bytes()
    (tmp_path / "study.db").write_bytes(kept["study"])
    return how


def states(how):
    trials = optuna.load_study(study_name=how.study, storage=how.storage).get_trials()
    # Some of what is always tried first may still wait for its turn.
    return [trial.state for trial in trials if trial.state is not TrialState.WAITING]


def told(tried):
    return [(one.setting, one.score.miss_share, one.score.pod_hours) for one in tried]


def test_what_others_tried_counts_and_is_there(service, how, quick):
    first = search(service, SPACE, SLO, how)
    more = search(service, SPACE, SLO, dataclasses.replace(how, trials=8))
    assert (len(first), len(more)) == (6, 8)
    assert told(more[:6]) == told(first)
    assert [run.seed for run in more[0].score.runs] == [7, 8]
    again = search(service, SPACE, SLO, how)
    assert told(again) == told(more)  # enough were tried: nothing more is, and nothing is left out
    assert states(how) == [TrialState.COMPLETE] * 8


def test_machines_with_one_seed_do_not_try_the_same(service, how, quick, tmp_path):
    """The settings after the first four are drawn: from the seed and the trial's number."""
    other = kept_in(tmp_path / "other.db")
    alone = search(service, SPACE, SLO, how)
    for trials in (4, 5, 6):
        shared = search(service, SPACE, SLO, dataclasses.replace(other, trials=trials))
    assert len({one.setting for one in shared[4:]}) == 2
    assert told(shared) == told(alone)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"slo": Slo(good=0.8)}, "objectives"),
        ({"space": Space(most=5)}, "space"),
        ({"seeds": (9,)}, "simulation"),
        ({"startup_s": 90.0}, "service"),
        ({"faster": 2.0}, "demand"),
    ],
)
def test_a_study_of_something_else_is_refused(change, part, service, begun):
    other = begun
    if "seeds" in change:
        other = dataclasses.replace(begun, seeds=change["seeds"])
    if "startup_s" in change:
        service = service.with_model(startup_s=change["startup_s"])
    if "faster" in change:
        demand = service.scenario.demand
        steps = tuple(step._replace(rps=2 * step.rps) for step in demand.steps)
        scenario = dataclasses.replace(
            service.scenario, demand=dataclasses.replace(demand, steps=steps)
        )
        service = dataclasses.replace(service, scenario=scenario)
    with pytest.raises(TuneInvalid) as refused:
        search(service, change.get("space", SPACE), change.get("slo", SLO), other)
    assert f"was begun with different {part}; give this one a name of its own" in str(refused.value)
    assert str(refused.value).startswith("--study: teastorm-tune in sqlite:///")


def test_the_demands_name_does_not_matter(service, begun):
    """It is a path, and another one on each machine."""
    demand = dataclasses.replace(service.scenario.demand, name="elsewhere/day.csv")
    scenario = dataclasses.replace(service.scenario, demand=demand)
    assert len(search(dataclasses.replace(service, scenario=scenario), SPACE, SLO, begun)) == 6


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_leaves_no_trial_running_and_the_next_goes_on(
    interrupt, service, how, quick, monkeypatch
):
    calls = []

    def interrupted(*given, **named):
        calls.append(1)
        if len(calls) == 2:
            raise interrupt
        return quick_score(*given, **named)

    monkeypatch.setattr(searching, "score", interrupted)
    with pytest.raises(interrupt):
        search(service, SPACE, SLO, how)
    assert states(how) == [TrialState.COMPLETE] * 4 + [TrialState.FAIL] * 2
    assert len(search(service, SPACE, SLO, how)) == 6


def test_a_study_that_is_not_of_teastorm_is_refused(service, how, quick):
    study = optuna.create_study(
        storage=how.storage, study_name=how.study, directions=["minimize"] * 3
    )
    study.add_trial(optuna.trial.create_trial(values=[1.0, 1.0, 1.0]))
    with pytest.raises(TuneInvalid, match="was begun with different demand and service"):
        search(service, SPACE, SLO, how)


@pytest.mark.parametrize(
    ("storage", "shown"),
    [
        ("sqlite:////no/such/folder/study.db", "sqlite:////no/such/folder/study.db"),
        ("sqlite+nothing://me:hidden@host/db", "sqlite+nothing://me:***@host/db"),
        ("no url", "'no url'"),
    ],
)
def test_a_storage_that_cannot_be_used_is_refused(storage, shown, service, how, quick):
    with pytest.raises(TuneInvalid) as refused:
        search(service, SPACE, SLO, dataclasses.replace(how, storage=storage))
    assert str(refused.value).startswith(f"--storage: {shown} cannot be used (")
    assert "hidden" not in str(refused.value)


def test_a_storage_that_fails_on_the_way_is_refused(service, how, quick, monkeypatch):
    def failing(*_given, **_named):
        raise optuna.exceptions.StorageInternalError("database is locked")

    monkeypatch.setattr(searching, "score", failing)
    with pytest.raises(TuneInvalid, match=r"cannot be used \(database is locked\)"):
        search(service, SPACE, SLO, how)


CROWD = "time_s,rps\n0,6\n6,6\n8,40\n20,40\n22,6\n30,6\n"


@pytest.fixture
def machine(tmp_path, how):
    """Starts `teastorm tune` with the fixture's storage; ends what a failed test leaves."""
    (tmp_path / "crowd.csv").write_text(CROWD)
    started = []

    def start(out, *words):
        given = ("--demand", tmp_path / "crowd.csv", "--slo", "good>=0.01", "--startup-s", 2,
                 "--max-replicas", 3, "--time-factor", 1, "--seeds", 1, "--storage", how.storage,
                 "--out", tmp_path / out, *words)  # fmt: skip
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "teastorm.cli.main", "tune", *map(str, given)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow  # two processes that import everything
def test_two_machines_that_begin_at_once_share_the_work(machine, how):
    both = [machine(out, "--trials", 8, "--json") for out in ("a", "b")]
    told = [process.communicate(timeout=500) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    found = [orjson.loads(out)["trials"] for out, _ in told]
    # Who finds too few finished asks for a batch, which the other may have under way.
    assert all(8 <= count <= 12 for count in found)
    assert states(how).count(TrialState.COMPLETE) == max(found)
    assert TrialState.RUNNING not in states(how)


@pytest.mark.slow  # a process that imports everything
@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_in_the_middle_keeps_the_study_and_writes_nothing(word, machine, how, tmp_path):
    process = machine("out", "--trials", 10_000)
    assert process.stderr is not None
    while "tried 8 of 10000" not in (line := process.stderr.readline()):
        assert line, "it ended by itself"
    process.send_signal(word)
    out, err = process.communicate(timeout=500)
    assert (process.returncode, out) == (130, "")
    said = err.splitlines()
    assert "finished trials are kept in --storage; the same command goes on from them" in said
    assert said[-1] == "teastorm: interrupted"
    assert not (tmp_path / "out").exists()
    found = states(how)
    assert found.count(TrialState.COMPLETE) >= 8
    assert TrialState.RUNNING not in found
