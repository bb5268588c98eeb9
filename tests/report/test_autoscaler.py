"""What an autoscaler saw and did, in the report: a cluster's own and the one that runs live here."""

from __future__ import annotations

import datetime as dt
import json
import shutil

from teastorm.report.autoscaler import autoscaler
from teastorm.report.scaling import looks_of, scaling
from teastorm.report.write import write_reports
from teastorm.verdict.folder import read_run


def test_what_a_clusters_autoscaler_did_is_told_where_one_ruled(run_dirs, results, tmp_path):
    shutil.copytree(run_dirs["protected"], tmp_path / "run")
    run, result = read_run(tmp_path / "run"), results["protected"]
    assert autoscaler(tmp_path / "run", result, run) is None
    fault_s = dt.datetime.fromisoformat(result.started).timestamp() + run.fault_window.start_s
    sample = {"service": "inference", "current": 2, "target": 60.0}
    samples = [
        sample | {"at_unix_s": fault_s - 5, "desired": 2, "value": 20.0},
        sample | {"at_unix_s": fault_s + 9, "desired": 3, "value": 95.0},
    ]
    moments = {"seen_unix_s": fault_s + 10, "scheduled_unix_s": fault_s + 11}
    moments |= {"started_unix_s": fault_s + 13, "ready_unix_s": fault_s + 17}
    content = {
        "schema": "teastorm.autoscaling/1",
        "samples": samples,
        "pods": [{"uid": "u", "service": "inference", **moments}],
    }
    (tmp_path / "run" / "autoscaling.json").write_text(json.dumps(content))
    table = autoscaler(tmp_path / "run", result, run)
    assert table.rows == (("inference", "3", "2", "1", "9", "0", "2", "2", "4", "17"),)
    write_reports(tmp_path / "run", result)
    assert "Autoscaler" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


AUTOSCALE = {
    "metrics": [
        {"name": "cpu", "function": "resource_utilization", "target": 60},
        {"name": "in_flight", "function": "pods_average_value", "target": 12_000},
    ]
}


def test_a_live_autoscaler_is_drawn(run_dirs, results, tmp_path):
    shutil.copytree(run_dirs["protected"], tmp_path / "run")
    assert scaling(read_run(tmp_path / "run")) == ()
    path = tmp_path / "run" / "events.json"
    start_s = read_run(tmp_path / "run").fault_window.start_s
    looks = [
        {
            "t_s": start_s + n,
            "kind": "autoscale",
            "service": "inference",
            "desired": 2 + (n > 4),
            "recommendation": 2 + 2 * (n > 4),
            "metrics": [
                {"name": "cpu", "utilization_percent": 30 + 10 * n},
                {"name": "in_flight", "usage_milli": 6000, "utilization_percent": None},
            ],
        }
        for n in range(10)
    ]
    path.write_text(json.dumps([*json.loads(path.read_text()), *looks]))
    about = tmp_path / "run" / "run.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"autoscaler": AUTOSCALE}))
    run = read_run(tmp_path / "run")
    wanted, metric = scaling(run)
    assert all(f">{name}<" in wanted.drawing for name in ("by the metrics", "wanted", "ready"))
    # The higher of the two metrics over its own target: 120 % of 60 % at the last look.
    assert max(s.load for s in looks_of(run)) == 2.0
    assert (looks_of(run)[5].wanted, looks_of(run)[5].asked) == (3, 4)
    assert ">target<" in metric.drawing
    write_reports(tmp_path / "run", results["protected"])
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "What the autoscaler saw" in page


def test_a_clusters_autoscaler_is_drawn_too(run_dirs, tmp_path):
    shutil.copytree(run_dirs["protected"], tmp_path / "run")
    run = read_run(tmp_path / "run")
    fault_s = dt.datetime.fromisoformat(run.meta.started).timestamp() + run.fault_window.start_s
    row = {"service": "inference", "current": 2, "target": 60.0, "desired": 2}
    samples = [
        row | {"at_unix_s": fault_s - 5, "value": 30.0},
        row | {"at_unix_s": fault_s + 9, "desired": 3, "value": 90.0},
    ]
    content = {"schema": "teastorm.autoscaling/1", "samples": samples, "pods": []}
    (tmp_path / "run" / "autoscaling.json").write_text(json.dumps(content))
    assert [(s.wanted, s.asked, s.load) for s in looks_of(run)] == [(2, None, 0.5), (3, None, 1.5)]
    assert len(scaling(run)) == 2
