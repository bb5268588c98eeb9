"""Two pairs of records of a real HPA (Kubernetes 1.34 on kind, tests/e2e/test_hpa_curve.py): the port decides
as the controller did, and what the shorter one tells predicts the other's curve."""

import dataclasses
import gzip
from pathlib import Path

import msgspec
import pytest

from teastorm.autoscale.pods import Pod
from teastorm.tune.hpa_model import check_hpa
from teastorm.tune.hpa_port import check_port
from teastorm.tune.hpa_record_file import read

RECORDS = Path(__file__).parent / "records"


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    found = []
    for number in (1, 2, 3, 4):
        path = folder / f"{number}.json"
        path.write_bytes(gzip.decompress((RECORDS / f"hpa-curve-{number}.json.gz").read_bytes()))
        found.append(read(path))
    return found


@pytest.mark.parametrize(("number", "syncs"), [(0, 28), (1, 55), (2, 27), (3, 56)])
def test_every_decision_of_the_controller_is_the_port_s(records, number, syncs):
    found = check_port(records[number])
    assert found.known >= syncs - 1
    assert found.equal == found.known, found.as_json()


def pod_at(pod: Pod, later_s: float) -> Pod:
    ready = pod.ready and msgspec.structs.replace(
        pod.ready, last_transition_s=pod.ready.last_transition_s + later_s
    )
    return msgspec.structs.replace(pod, start_s=pod.start_s + later_s, ready=ready)


@pytest.mark.parametrize("later_s", [0.1, 0.7, 3.3, 11.9, 1e4 / 3])
def test_when_a_clock_began_decides_nothing(records, later_s):
    """A window of whole periods has its edge at a sync: how a sum rounds must not put it inside."""
    looks = [
        dataclasses.replace(
            look,
            at_s=look.at_s + later_s,
            pods=tuple(pod_at(pod, later_s) for pod in look.pods),
            samples={
                name: value._replace(timestamp_s=value.timestamp_s + later_s)
                for name, value in look.samples.items()
            },
        )
        for look in records[3].looks
    ]
    found = check_port(dataclasses.replace(records[3], looks=tuple(looks)))
    assert found.known >= 55
    assert found.equal == found.known, found.as_json()


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 2])
def test_one_load_predicts_the_curve_of_the_other(records, first):
    told, record = records[first], records[first + 1]
    ready = [look.ready for look in record.looks]
    assert (ready[0], max(ready), ready[-1]) == (1, 8, 1)
    found = check_hpa(record, (1,), told)
    assert found.met
    assert found.ready.within_one > found.ready.constant_within_one + 0.4
