"""slo.yaml: typos are refused, overrides go over it, and it survives being written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.registry import known_ids
from teastorm.verdict.slo import SHARES, load_slo, parse_slo

SLO = Path(__file__).parents[2] / "experiments" / "slo.yaml"


@pytest.fixture
def raw() -> dict:
    return yaml.safe_load(SLO.read_text(encoding="utf-8"))


def test_the_shipped_objectives_are_those_of_the_issue():
    slo = load_slo(SLO)

    assert set(slo.objectives) == set(known_ids())
    limits = {name: row.limit for name, row in slo.objectives.items()}
    assert limits["goodput-retention"] == 0.90
    assert limits["ai-utilisation"] == 0.85
    assert limits["critical-success"] == 0.995
    assert limits["refusals-fast"] == 20
    assert limits["recovery-time"] == 10
    assert limits["recovery-held"] == slo.terms.recovery_hold_s == 20


@pytest.mark.parametrize("name", [n for n in known_ids() if n.startswith("critical")])
def test_a_bound_of_995_has_enough_samples_to_show_it(name):
    row = load_slo(SLO).objective(name)

    assert row.limit**row.n_min <= 0.05
    assert row.limit ** (row.n_min - 1) > 0.0495


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda r: r["objectives"].update(goodput={"limit": 1, "n_min": 1}), "goodput-retention"),
        (lambda r: r["objectives"]["fairness"].update(limits=3), "did you mean limit?"),
        (lambda r: r["objectives"].pop("fairness"), "objectives.fairness is missing"),
        (lambda r: r["objectives"]["fairness"].pop("n_min"), "fairness.n_min is missing"),
        (lambda r: r["objectives"]["fairness"].update(limit="high"), "finite number, got 'high'"),
        (lambda r: r["objectives"]["fairness"].update(n_min=0), "n_min must be 1 or more"),
        (lambda r: r["objectives"]["fairness"].update(limit=-0.6), "limit must be 0 or more"),
        (lambda r: r["objectives"]["wasted-work"].update(limit=10), "is a share and must be 1 at"),
        (lambda r: r["objectives"]["fairness"].update(limit=10**400), "a finite number"),
        (lambda r: r["terms"].update(unsent_share_max=1.5), "must be from 0 to 1, got 1.5"),
        (lambda r: r["terms"].update(recovery_p99_ratio=-1), "must be 0 or more, got -1"),
        (lambda r: r["terms"].update(baseline_s=0), "baseline_s must be above 0"),
        (lambda r: r["objectives"].update(fairness=0.6), "fairness must be a mapping"),
        (lambda r: r["terms"].update(recovery_hold=3), "did you mean recovery_hold_s?"),
        (lambda r: r["terms"].update(recovery_hold_s=1), "recovery_hold_s must be at least"),
        (lambda r: r.update(schema="teastorm.slo/2"), "schema must be teastorm.slo/1"),
        (lambda r: r.update(objective={}), "did you mean objectives?"),
    ],
)
def test_a_mistake_is_one_sentence_naming_file_field_and_fix(spoil, said, raw, tmp_path):
    spoil(raw)
    path = tmp_path / "slo.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")

    with pytest.raises(RunFolderError) as caught:
        load_slo(path)

    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_and_no_yaml_are_refused(tmp_path):
    with pytest.raises(RunFolderError, match="cannot be read"):
        load_slo(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1,\nb: }", encoding="utf-8")
    with pytest.raises(RunFolderError, match="is not YAML"):
        load_slo(tmp_path / "bad.yaml")


def test_an_experiment_overrides_single_objectives():
    slo = load_slo(SLO)
    own = slo.with_overrides({"critical-success": {"n_min": 100}}, "x.yaml: slo")

    assert own.objective("critical-success").n_min == 100
    assert own.objective("critical-success").limit == 0.995
    assert slo.objective("critical-success").n_min == 598
    with pytest.raises(RunFolderError, match=r"x\.yaml: slo\.critical is not known"):
        slo.with_overrides({"critical": {"n_min": 100}}, "x.yaml: slo")


def test_what_is_written_into_a_run_reads_back_the_same():
    slo = load_slo(SLO)

    assert parse_slo(slo.as_json(), "run.json: slo") == slo


def test_shares_are_those_that_their_checks_call_so(protected, tmp_path):
    checks = protected.judge(tmp_path / "run").checks

    assert {c.id for c in checks if c.unit.startswith(("share", "index"))} == SHARES
