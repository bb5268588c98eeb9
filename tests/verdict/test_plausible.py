"""Evidence that contradicts itself is refused: it mostly reads like a better shop."""

from __future__ import annotations

import pytest
from tests.verdict.impossible_logs import CASES

from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.folder import read_run


@pytest.mark.parametrize(
    ("break_it", "said"), [pytest.param(*case, id=case[0].__name__) for case in CASES]
)
def test_a_log_that_contradicts_itself_is_refused(break_it, said, protected, tmp_path):
    break_it(protected)

    with pytest.raises(RunFolderError) as caught:
        read_run(protected.write(tmp_path / "run"))

    text = str(caught.value)
    assert said in text
    assert "requests.parquet" in text
    assert "\n" not in text


def test_the_order_of_rows_says_nothing(protected, tmp_path):
    before = protected.judge(tmp_path / "run")
    protected.requests.reverse()
    protected.metrics.reverse()

    after = protected.judge(tmp_path / "again")

    assert [(c.id, c.status, c.value) for c in after.checks] == [
        (c.id, c.status, c.value) for c in before.checks
    ]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("plan", "phases", 2, "start_s"), 40.0, "after must start where fault ends"),
        (("plan", "phases", 2, "end_s"), 1e12, "seconds since the run's start"),
        (("plan", "fault"), {"start_s": 60.0, "end_s": 99.0}, "must lie within the phases"),
        (("plan", "arrivals"), 3, "must add up to arrivals"),
        (("plan", "classes", "chat"), -3, "must add up to arrivals"),
        (("faults", 0, "kind"), "replica-los", "did you mean replica-loss?"),
        (("faults", 0, "ended_s"), 3.0, "before it began"),
        (("faults", 0, "began_s"), -1e13, "seconds since the run's start"),
    ],
)
def test_plans_and_faults_that_cannot_be_are_refused(path, value, said, protected, tmp_path):
    target = getattr(protected, path[0])
    for step in path[1:-1]:
        target = target[step]
    target[path[-1]] = value

    with pytest.raises(RunFolderError, match=said.replace("?", r"\?")):
        read_run(protected.write(tmp_path / "run"))


def test_a_fault_twice_is_refused(protected, tmp_path):
    protected.faults.append(dict(protected.faults[0]))

    with pytest.raises(RunFolderError, match="surge-1 is there twice"):
        read_run(protected.write(tmp_path / "run"))


def test_checks_that_the_experiment_declared_cannot_be_left_out(protected, tmp_path):
    declared = {"name": "teastorm", "checks": list(protected.run["checks"])}
    protected.journal["experiment"] = {"extensions": [declared]}
    protected.run["checks"].remove("recovery-time")

    with pytest.raises(RunFolderError, match="checks lacks recovery-time"):
        read_run(protected.write(tmp_path / "run"))
