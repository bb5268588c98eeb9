"""A record of an HPA, made by the simulator itself: what it was made with is found again."""

import dataclasses
import json

import numpy as np
import pytest
from tests.tune.hpa_world import MODEL, recorded

from teastorm.cli.check_hpa import show
from teastorm.cli.main import cli
from teastorm.tune.curve import closeness, stepped
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.hpa_calibrate import calibrate, fill_of
from teastorm.tune.hpa_model import check_hpa, scenario_of
from teastorm.tune.hpa_port import check_port
from teastorm.tune.hpa_record_file import read, write


@pytest.fixture
def teastorm(capfd):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(each) for each in arguments])
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    return run


@pytest.fixture(scope="module")
def records():
    return recorded(1), recorded(2)


def test_what_it_was_made_with_is_found(records):
    found = calibrate(records[0])
    assert found.cpu_busy_milli == pytest.approx(MODEL.cpu_busy_milli, rel=0.1)
    assert found.cpu_idle_milli == pytest.approx(MODEL.cpu_idle_milli, abs=4)
    assert found.cpu_request_milli == 80
    assert found.startup_s == pytest.approx(3.0, abs=1.0)
    assert found.scrape_s == 10.0
    assert found.lag_s == pytest.approx(4.0, abs=1.0)
    assert found.samples > 100


def test_the_port_decides_as_the_port_did(records):
    found = check_port(records[0])
    assert len(found.syncs) > 20
    assert found.known == len(found.syncs)
    assert found.equal == found.known


def test_a_controller_that_decides_otherwise_is_found_out(records):
    looks = list(records[0].looks)
    ups = [n for n in range(1, len(looks)) if looks[n].desired > looks[n - 1].desired]
    place = ups[2]
    for n in range(place, place + 10):
        looks[n] = dataclasses.replace(looks[n], desired=looks[n].desired + 1)
    found = check_port(dataclasses.replace(records[0], looks=tuple(looks)))
    assert found.equal < found.known


def test_syncs_without_a_trace_are_syncs_too(records):
    found = check_port(records[0])
    steps = np.diff([sync.at_s for sync in found.syncs])
    assert steps == pytest.approx(15.0, abs=0.002)


def test_a_sample_that_nobody_recorded_makes_a_sync_unknown(records):
    looks = [dataclasses.replace(look, samples={}) for look in records[0].looks[:200]]
    found = check_port(dataclasses.replace(records[0], looks=tuple(looks)))
    assert found.known == 0


@pytest.mark.slow  # seconds of simulation each
def test_one_record_predicts_the_other(records, capsys):
    found = check_hpa(records[1], (1, 2), records[0])
    show(found)
    table = capsys.readouterr().out
    assert "ready: within one replica" in table
    assert max(found.measured) == 8
    assert found.measured[-1] == 1
    assert found.ready.met, found.ready
    assert found.ready.within_one > found.ready.constant_within_one + 0.3
    assert not found.own
    assert found.met


def test_floors_that_were_raised_are_simulated_too(records):
    looks = [
        dataclasses.replace(look, floor=3 if 100 <= look.at_s < 200 else 1)
        for look in records[0].looks
    ]
    record = dataclasses.replace(records[0], looks=tuple(looks))
    planned = scenario_of(record, calibrate(record)).scaling.planned
    assert [(round(p.at_s), p.min_replicas) for p in planned] == [(100, 3), (200, 1)]


@pytest.mark.slow  # seconds of simulation each
def test_wrong_numbers_miss_the_goal(records):
    # Replicas that seem to need twice the CPU are twice as many.
    half = dataclasses.replace(
        records[0],
        looks=tuple(
            dataclasses.replace(
                look,
                samples={
                    n: v._replace(value_milli=2 * v.value_milli) for n, v in look.samples.items()
                },
            )
            for look in records[0].looks
        ),
    )
    found = check_hpa(records[1], (1,), half)
    assert not found.ready.met


def test_a_record_is_written_and_read(records, tmp_path):
    path = tmp_path / "hpa-record.json"
    write(records[0], path)
    again = read(path)
    assert again.plan == records[0].plan
    assert again.looks[100].wanted == records[0].looks[100].wanted
    assert again.looks[300].pods == records[0].looks[300].pods
    assert check_port(again).equal == check_port(records[0]).equal


@pytest.mark.slow  # seconds of simulation each
def test_the_command_tells_both(records, tmp_path, teastorm):
    paths = []
    for n, record in enumerate(records):
        paths.append(tmp_path / f"{n}.json")
        write(record, paths[-1])
    code, out, err = teastorm(
        "simulate", "--check-hpa", paths[1], "--calibrate-hpa", paths[0], "--json", "--seeds", 2
    )
    assert code == 0, err
    content = json.loads(out)
    assert content["schema"] == "teastorm.check-hpa/1"
    assert content["ready"]["met"]
    assert content["port"]["decided_alike"] == content["port"]["input_known"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda _: "no json", "is not JSON"),
        (lambda c: {**c, "schema": "other/1"}, "schema must be teastorm.hpa-record/1"),
        (lambda c: {**c, "looks": []}, "at least two looks"),
        (
            lambda c: {**c, "hpa": c["hpa"].replace("minReplicas", "minReplica")},
            "minReplica is not",
        ),
        (lambda c: {**c, "plan": {}}, "load plan"),
        (lambda c: {**c, "looks": [c["looks"][1], c["looks"][0]]}, "times must rise"),
        (
            lambda c: {**c, "looks": [{**c["looks"][0], "samples": {"p": [1]}}]},
            "looks[0].samples.p must be three numbers",
        ),
    ],
)
def test_a_bad_record_is_one_sentence(records, tmp_path, teastorm, change, told):
    path = tmp_path / "record.json"
    write(records[0], path)
    content = json.loads(path.read_text())
    content["looks"] = content["looks"][:2]
    changed = change(content)
    path.write_text(changed if isinstance(changed, str) else json.dumps(changed))
    code, _, err = teastorm("simulate", "--check-hpa", path)
    assert code == 2
    assert told in err
    assert str(path) in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--check-hpa", "none.json"), "none.json: cannot be read (No such file or directory)"),
        (("--calibrate-hpa", "x.json"), "--calibrate-hpa goes with --check-hpa"),
    ],
)
def test_a_missing_record_and_a_lonely_calibration_are_usage(teastorm, words, told):
    code, _, err = teastorm("simulate", *words)
    assert code == 2
    assert told in err


def test_a_load_that_does_not_vary_tells_nothing(records):
    looks = [look for look in records[0].looks if look.at_s < 60]
    with pytest.raises(TuneInvalid, match=r"at least 12 CPU samples|load that varies"):
        calibrate(dataclasses.replace(records[0], looks=tuple(looks)))


def test_closeness_is_what_it_says():
    measured = np.array([1.0, 1.0, 4.0, 8.0])
    found = closeness([measured + 1, measured + 2], measured)
    assert (found.within_one, found.mean_error) == (0.5, 1.5)
    assert found.constant_within_one == 0.5
    assert found.constant_mean_error == pytest.approx(2.5)
    assert not found.met
    same = closeness([measured], measured)
    assert same.met
    flat = np.array([2.0, 2.0])
    assert not closeness([flat], flat).met  # a constant does as well


def test_curves_of_other_lengths_are_refused():
    with pytest.raises(TuneInvalid):
        closeness([np.array([1.0])], np.array([1.0, 2.0]))
    with pytest.raises(TuneInvalid):
        stepped([], np.array([1.0]))
    assert list(stepped([(0, 1), (2, 3)], np.array([0.0, 1.9, 2.0, 9.0]))) == [1, 1, 3, 3]


def test_little_s_law_with_a_slowing_batch():
    alone_s = 0.4
    fill = fill_of(3.0, alone_s, MODEL)
    assert fill == pytest.approx(3.0 * alone_s * (1 + 0.25 * fill) / 2)
    assert fill_of(1000.0, alone_s, MODEL) > 1
