"""A robbed run is not judged; any other void run still fails its test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.calm import not_judged, robbed, stolen_share


@pytest.mark.parametrize(
    ("told", "share"),
    [({"stolen_share": 0.45}, 0.45), ({"stolen_share": 0.1}, 0.0), ({"lag_p99_s": 9.0}, 0.0)],
)
def test_only_what_the_kernel_counted_excuses(tmp_path: Path, told: dict, share: float) -> None:
    (tmp_path / "load.json").write_text(json.dumps(told))
    assert robbed(tmp_path) == share
    if share:
        with pytest.raises(pytest.xfail.Exception, match="NOT JUDGED: the hypervisor took 45%"):
            not_judged(tmp_path, void=False)
    else:
        not_judged(tmp_path, void=False)


def test_a_run_without_a_load_report_has_no_excuse(tmp_path: Path) -> None:
    not_judged(tmp_path, void=True)
    (tmp_path / "load.json").write_text("{")
    assert robbed(tmp_path) == 0.0


def test_the_share_is_one() -> None:
    assert 0.0 <= stolen_share(0.05) <= 1.0


def test_what_judged_nothing_by_itself_is_excused_by_less(tmp_path: Path) -> None:
    (tmp_path / "load.json").write_text(json.dumps({"stolen_share": 0.15}))
    not_judged(tmp_path, void=False)
    with pytest.raises(pytest.xfail.Exception, match="15%"):
        not_judged(tmp_path, void=True)
