"""Plans and faults that cannot be meant are refused as they are made."""

import pytest

from teastorm.platforms.base import SERVICES, ShopPlan
from teastorm.platforms.faults import EdgeFaultSpec, FaultSpec


def test_the_default_plan_is_two_of_each() -> None:
    assert dict(ShopPlan().replicas) == dict.fromkeys(SERVICES, 2)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"replicas": {}}, "at least one service"),
        ({"replicas": {"gateway": -1}}, r"replicas\.gateway must be 0 or more"),
        ({"time_factor": 0.0}, "time_factor must be above 0"),
        ({"startup_s": {"gateway": -1.0}}, r"startup_s\.gateway must be 0 or more"),
        ({"settings": {"kitchen": {}}}, r"settings\.kitchen"),
    ],
)
def test_a_plan_refuses_what_cannot_be_meant(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ShopPlan(**fields)  # type: ignore[arg-type] # wrong values are the point


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "fire"}, "kind must be one of"),
        ({"kind": "latency"}, "latency_s above 0"),
        ({"kind": "errors", "share": 1.5}, "share must be between"),
        ({"kind": "errors", "status": 200}, "status must be between"),
        ({"kind": "hang", "duration_s": 0.0}, "duration_s must be above 0"),
    ],
)
def test_a_fault_refuses_what_cannot_be_meant(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        FaultSpec(**fields)  # type: ignore[arg-type] # wrong values are the point


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "hang"}, "kind must be one of latency, errors, partition"),
        ({"kind": "latency"}, "latency_s above 0"),
        ({"kind": "latency", "latency_s": 1.0, "jitter_s": -1.0}, "jitter_s must be 0 or more"),
        ({"kind": "errors", "share": 1.5}, "share must be between"),
        ({"kind": "errors", "status": 200}, "status must be between"),
        ({"kind": "dns", "answer": "maybe"}, "answer must be fails or none"),
        ({"kind": "dns", "to_replica": "orders-1"}, "dns takes no to_replica"),
        ({"kind": "refuse", "duration_s": 0.0}, "duration_s must be above 0"),
    ],
)
def test_an_edges_fault_refuses_what_cannot_be_meant(
    fields: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        EdgeFaultSpec(to="orders", **fields)  # type: ignore[arg-type] # wrong values are the point
