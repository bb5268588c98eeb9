"""Two records of a real HPA (Kubernetes 1.34 on kind, tests/e2e/test_hpa_curve.py): the port decides
as the controller did, and what the shorter one tells predicts the other's curve."""

import gzip
from pathlib import Path

import pytest

from teastorm.tune.hpa_model import check_hpa
from teastorm.tune.hpa_port import check_port
from teastorm.tune.hpa_record_file import read

RECORDS = Path(__file__).parent / "records"


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    found = []
    for number in (1, 2):
        path = folder / f"{number}.json"
        path.write_bytes(gzip.decompress((RECORDS / f"hpa-curve-{number}.json.gz").read_bytes()))
        found.append(read(path))
    return found


@pytest.mark.parametrize(("number", "syncs"), [(0, 28), (1, 55)])
def test_every_decision_of_the_controller_is_the_port_s(records, number, syncs):
    found = check_port(records[number])
    assert found.known >= syncs - 1
    assert found.equal == found.known, found.as_json()


@pytest.mark.slow
def test_one_load_predicts_the_curve_of_the_other(records):
    ready = [look.ready for look in records[1].looks]
    assert (ready[0], max(ready), ready[-1]) == (1, 8, 1)
    found = check_hpa(records[1], (1,), records[0])
    assert found.met
    assert found.ready.within_one > found.ready.constant_within_one + 0.4
