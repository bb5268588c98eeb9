"""What an activity cannot do is refused in one sentence, before it begins."""

import pytest

from teastorm.chaos import actions, edges, probes
from teastorm.chaos.session import Chosen


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: actions.begin_load(factor=-3, fault_s=20), "factor must be above 0, got -3"),
        (lambda: actions.begin_load(factor=3, fault_s=0), "fault_s must be above 0, got 0"),
        (lambda: actions.lose_replica("gatway"), "did you mean 'gateway'"),
        (lambda: actions.lose_replica("orders", count=0), "count must be at least 1"),
        (lambda: actions.lose_all("orders", hold_s=-1), "hold_s must be above 0"),
        (lambda: actions.inject("orders", "slow", 5), "kind must be a kind of fault"),
        (lambda: edges.cut_edge("order", "dispatch", 5), "did you mean 'orders'"),
        (lambda: edges.cut_edge("orders", "inference", 5), "callee is not called by orders"),
        (lambda: edges.cut_edge("dispatch", "orders", 5), "dispatch calls nobody"),
        (lambda: edges.cut_edge("orders", "dispatch", 5, refuse="yes"), "refuse must be true or"),
        (lambda: edges.slow_edge("gateway", "inference", 5, 0), "latency_s must be above 0"),
        (lambda: edges.slow_edge("gateway", "inference", 900, 1), "hold_s must be at most 580"),
        (lambda: edges.fail_edge("gateway", "orders", 5, share=0), "share must be above 0"),
        (lambda: edges.lose_name("gateway", "orders", 5, "maybe"), "resolver's answer"),
        (lambda: actions.scale_late("inference", 0, 1, 1), "to must be at least 1"),
        (lambda: probes.during_the_fault(["chats"]), "did you mean 'chat'"),
        (lambda: probes.recovered(at_least=2), "at_least must be at most 1"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(call, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize("wrong", [{"arm": "both"}, {"seed": -1}])
def test_a_choice_refuses_what_there_is_not(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Chosen(**({"platform": "local", "arm": "protected", "seed": 1} | wrong))
