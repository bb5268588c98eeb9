"""The faults that the testbed asks for are those that a service takes: two sides of one protocol.

Each side checks for itself, since neither imports the other; here they are held to each other.
"""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from teashop.serving import edges, faults
from teashop.serving.settings import SettingsError, load
from teastorm.platforms import faults as asked
from teastorm.platforms.faults import EdgeFaultSpec, FaultSpec, fault_body

SECONDS = st.floats(0, 700, allow_nan=False)
COMMON = {
    "latency_s": SECONDS,
    "share": st.floats(-0.5, 1.5),
    "status": st.integers(300, 700),
    "duration_s": SECONDS,
}


def test_both_sides_know_the_same_kinds_answers_and_bounds():
    assert asked.FAULT_KINDS == faults.KINDS
    assert asked.EDGE_KINDS == edges.KINDS
    assert asked.LONGEST_S == edges.LONGEST_S


@given(kind=st.sampled_from(asked.FAULT_KINDS), rest=st.fixed_dictionaries({}, optional=COMMON))
def test_a_service_takes_whatever_fault_can_be_asked_for(kind, rest):
    try:
        spec = FaultSpec(kind=kind, **rest)
    except ValueError:
        assume(False)
    taken = load(faults.Fault, fault_body(spec, lambda _: []), "the body")
    assert {name: getattr(taken, name) for name in spec.as_json()} == spec.as_json()


@given(
    kind=st.sampled_from(asked.EDGE_KINDS),
    answer=st.sampled_from(edges.ANSWERS),
    rest=st.fixed_dictionaries({}, optional={**COMMON, "jitter_s": SECONDS}),
)
def test_a_caller_takes_whatever_fault_on_its_way_can_be_asked_for(kind, answer, rest):
    try:
        spec = EdgeFaultSpec(to="orders", kind=kind, answer=answer, **rest)
    except ValueError:
        assume(False)
    body = fault_body(spec, lambda _: [])
    taken = load(edges.EdgeFault, body, "the body")
    assert {name: getattr(taken, name) for name in body} == body


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_s": 600.1},
        {"duration_s": 0.0},
        {"share": 1.1},
        {"status": 200},
        {"latency_s": -1.0},
    ],
)
def test_what_no_service_takes_cannot_be_asked_for(wrong):
    fields = {"kind": "latency", "latency_s": 1.0} | wrong
    (name,) = wrong
    for service_side, body in ((faults.Fault, fields), (edges.EdgeFault, {"to": "x", **fields})):
        with pytest.raises(SettingsError, match=name):
            load(service_side, body, "the body")
    with pytest.raises(ValueError, match=name):
        FaultSpec(**fields)
    with pytest.raises(ValueError, match=name):
        EdgeFaultSpec(to="x", **fields)
