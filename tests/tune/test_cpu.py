"""CPU of a replica found again in a run's metrics."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from teastorm.tune.calibrate import with_cpu
from teastorm.tune.cpu import fit, of_run
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.verify_experiment import _local_request_milli

PLACES = 8
IDLE_MILLI, BUSY_MILLI = 20.0, 120.0


def write_metrics(folder, fill_at, *, seconds=120, replicas=2):
    """`fill_at(t)` is the share of busy places; CPU is counted in hundredths of a second."""
    t_s = np.arange(float(seconds))
    rows = []
    for n in range(replicas):
        used_s = 0.6  # the start of the process
        for t in t_s:
            running = round(PLACES * fill_at(t + 7 * n))
            used_s += (IDLE_MILLI + BUSY_MILLI * running / PLACES) / 1000
            for name, value in (
                ("process_cpu_seconds_total", round(used_s, 2)),
                ("vllm:num_requests_running", float(running)),
            ):
                rows.append((t, "inference", f"inference-{n}", name, "", value))
        rows.append((0.0, "gateway", "gateway-0", "process_cpu_seconds_total", "", 99.0))
    names = ("t_s", "service", "replica", "name", "labels", "value")
    table = pa.table(
        {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    )
    parquet.write_table(table, folder / "metrics.parquet")


def wave(t):
    return 0.5 + 0.45 * np.sin(t / 12)


def test_idle_and_busy_are_found(tmp_path):
    write_metrics(tmp_path, wave)
    found = of_run(tmp_path, PLACES)
    assert found.idle_milli == pytest.approx(IDLE_MILLI, abs=3)
    assert found.busy_milli == pytest.approx(BUSY_MILLI, abs=6)
    assert found.error_milli < 4
    assert found.samples == 2 * 22


@pytest.mark.parametrize(("fill", "seconds"), [(lambda _t: 0.5, 120), (wave, 8)])
def test_what_does_not_tell_is_none(fill, seconds, tmp_path):
    write_metrics(tmp_path, fill, seconds=seconds)
    assert of_run(tmp_path, PLACES) is None


def test_no_metrics_and_broken_ones_are_none(tmp_path):
    assert of_run(tmp_path, PLACES) is None
    (tmp_path / "metrics.parquet").write_text("no parquet")
    assert of_run(tmp_path, PLACES) is None


def test_a_fit_needs_enough_that_differs():
    with pytest.raises(TuneInvalid, match="at least 12"):
        fit([(0.1, 10.0)] * 5)
    with pytest.raises(TuneInvalid, match="went from 10% to 10% only"):
        fit([(0.1, 10.0)] * 20)
    # A line through less than nothing is put through nothing.
    found = fit([(n / 20, 100.0 * n / 20 - 20) for n in range(1, 20)])
    assert (found.idle_milli, found.busy_milli > 0) == (0, True)


def test_a_run_s_cpu_is_the_service_s(service, tmp_path):
    write_metrics(tmp_path, wave)
    assumed = []
    found = with_cpu(service, tmp_path, {}, assumed)
    model = found.model
    assert model.cpu_request_milli == model.cpu_idle_milli + model.cpu_busy_milli
    assert "from 44 samples of the run (a request of just that is assumed)" in assumed[0]
    asked = with_cpu(service, tmp_path, {"autoscaler": {"request_milli": 300}}, [])
    assert asked.model.cpu_request_milli == 300
    # Then a verification measures against what was measured, not against a guess of the mock.
    assert _local_request_milli(asked) == 300
    assert _local_request_milli(service) == 82


def test_without_metrics_it_says_so(service, tmp_path):
    assumed = []
    assert with_cpu(service, tmp_path, {}, assumed) == service
    assert assumed[0].endswith("(not measured)")
