"""Demand files: `simulate` and `tune` read the same ones, and refuse the same in the same words."""

import os
import threading

import pytest
from click.testing import CliRunner

from teastorm.cli.main import cli
from teastorm.load.curve import DemandCurve
from teastorm.simulate import ScenarioInvalid
from teastorm.simulate.asked import Asked, scenario_of
from teastorm.simulate.demand_file import read_demand

HILL = "time_s,rps\n0,6\n60,90\n240,6\n300,0\n"


@pytest.fixture
def hill(tmp_path):
    path = tmp_path / "hill.csv"
    path.write_text(HILL)
    return path


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty; it needs a header and at least two rows"),
        (",\n\n", "is empty"),
        ("when,many\n1,2\n", "row 1 must be the header minute,relative_rate or time_s,rps"),
        ("time_s;rps\n0;1\n60;2\n", "part cells by commas, and write numbers like 12.5"),
        ("time_s,rps\n0,12,5\n", "row 2: 0,12,5 is not two numbers; write e.g. 60,12.5"),
        ("time_s,rps\n\n0,1\n\n60,x\n", "row 5: 60,x is not two numbers"),
        ("time_s,rps\n0,1\n", "it needs at least two points, got 1"),
        ("time_s,rps\n0,1\n60,2\n60,3\n", "point 3: times must rise, got 60 s after 60 s"),
        ("time_s,rps\n0,-1\n60,2\n", "point 1: the rate must be 0 or above, got -1"),
        ("time_s,rps\n0,inf\n60,1\n", "point 1: the rate must be 0 or above, got inf"),
        ("time_s,rps\n0,0\n60,0\n", "every rate is 0"),
        ("time_s,rps\n0,1\n9000000,0\n", "spans more than a week"),
        ("time_s,rps\n0,1e300\n60,0\n", "chats would come, 1e+10 is the most that is simulated"),
        ("minute,relative_rate\n0,1\n", "a curve needs at least two points"),
        ("minute,relative_rate\n0,1\n5,0.5\n4,0.2\n", "row 4: minute must be above 5, got 4"),
        ("minute,relative_rate\n0,1\n1e12,1\n", "spans more than a week"),
    ],
)
def test_both_commands_refuse_a_file_in_the_same_words(text, sentence, tmp_path):
    path = tmp_path / "demand.csv"
    path.write_text(text)
    said = []
    for words in (("simulate",), ("tune", "--out", str(tmp_path / "out"))):
        done = CliRunner().invoke(cli, [*words, "--demand", str(path)])
        assert done.exit_code == 2
        said.append(done.stderr)
    assert said[0] == said[1]
    assert said[0].count("\n") == 1
    assert sentence in said[0]
    assert "demand.csv" in said[0]


def test_rates_are_simulated_as_they_are(hill):
    scenario = scenario_of(Asked(demand=str(hill)))
    assert [tuple(step) for step in scenario.demand.steps] == [
        (0, 60, 6), (60, 240, 90), (240, 300, 6)
    ]  # fmt: skip
    # Capacity is a third of the peak, but two replicas are the fewest; 32 a second each.
    assert scenario.replicas == 2
    assert scenario_of(Asked(demand=str(hill), replicas=4)).replicas == 4


def test_times_may_be_an_epochs(tmp_path, hill):
    path = tmp_path / "epoch.csv"
    rows = [row.split(",") for row in HILL.split()[1:]]
    path.write_text("time_s,rps\n" + "".join(f"{1770379200 + int(t)},{r}\n" for t, r in rows))
    assert read_demand(path).steps == read_demand(hill).steps


@pytest.mark.parametrize(("name", "value"), [("orders", 100.0), ("hours", 1.0)])
def test_rates_have_a_size_of_their_own(name, value, hill):
    with pytest.raises(ScenarioInvalid, match=rf"--{name} does not go with rates \(.*hill\.csv\)"):
        scenario_of(Asked(demand=str(hill), **{name: value}))


def test_a_pipe_can_be_read_once(tmp_path):
    """As in `--demand <(…)`: nobody may open it a second time."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    text = "minute,relative_rate\n0,0.5\n10,1\n"
    found: list[object] = []
    ends = [
        threading.Thread(target=lambda: path.write_text(text), daemon=True),
        threading.Thread(target=lambda: found.append(read_demand(path)), daemon=True),
    ]
    for end in ends:
        end.start()
    for end in ends:
        end.join(30)
    (curve,) = found
    assert isinstance(curve, DemandCurve)
    assert curve.rates == (0.5, 1.0)


HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: inference}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: inference}
  maxReplicas: MOST
"""


@pytest.mark.parametrize(
    ("most", "gateways"),
    [(3, 3), (1000, 4)],
    ids=["as wide as the HPA may go", "no wider than the peak can use"],
)
def test_under_an_hpa_the_shop_around_the_ai_never_decides(most, gateways, hill, tmp_path):
    path = tmp_path / "hpa.yaml"
    path.write_text(HPA.replace("MOST", str(most)))
    bare = scenario_of(Asked(demand=str(hill)))
    scenario = scenario_of(Asked(demand=str(hill), hpa=path))
    assert (bare.gateways, bare.orders.replicas) == (2, 2)
    # 16 places a replica, 20 chats a gateway; the peak of 90/s could use 5 replicas of 32/s.
    assert (scenario.gateways, scenario.orders.replicas) == (gateways, 2)


def test_what_was_set_of_orders_stays(hill, tmp_path):
    path = tmp_path / "hpa.yaml"
    path.write_text(HPA.replace("MOST", "40"))
    fewest = Asked(demand=str(hill), hpa=path, replicas=40, assignments=("orders.replicas=1",))
    assert scenario_of(fewest).orders.replicas == 1


def test_a_maximum_that_nobody_can_simulate_is_refused(hill, tmp_path):
    path = tmp_path / "hpa.yaml"
    path.write_text(HPA.replace("MOST", str(2**31 - 1)))
    with pytest.raises(ScenarioInvalid, match=r"hpa\.yaml: .*maxReplicas must be at most 10000"):
        scenario_of(Asked(demand=str(hill), hpa=path))
