"""The first replica that gives its ledger is believed; when none does, the last one's trouble is told."""

import pytest

from teastorm.platforms.base import PlatformError, Replica
from teastorm.platforms.ledgers import first_ledger

ANSWERS = {
    "away": TimeoutError("no answer in time"),
    "busy": (503, b"later"),
    "garbled": (200, b"{"),
    "list": (200, b"[]"),
    "good": (200, b'{"orders": []}'),
    "other": (200, b'{"orders": [1]}'),
}


def replica(name: str, *, ready: bool = True) -> Replica:
    return Replica(
        service="orders",
        replica_id=name,
        host="10.0.0.1",
        port=8080,
        admin_port=9000,
        pid=None,
        started_unix_s=0.0,
        ready=ready,
    )


def ask(one: Replica) -> tuple[int, bytes]:
    answer = ANSWERS[one.replica_id]
    if isinstance(answer, Exception):
        raise answer
    return answer


def test_those_that_do_not_answer_are_passed_over():
    rows = [replica("other", ready=False), *map(replica, ANSWERS)]
    assert first_ledger("orders", rows, ask, TimeoutError) == {"orders": []}


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ([], "none is ready"),
        (["away"], "away: no answer in time"),
        (["away", "busy"], "busy answered 503"),
        (["list"], "list answered 200"),
        (["garbled"], "garbled: "),
    ],
)
def test_when_none_does_it_is_one_sentence(names: list[str], why: str):
    with pytest.raises(PlatformError) as error:
        first_ledger("orders", map(replica, names), ask, TimeoutError)
    assert error.value.exit_code == 3
    assert error.value.sentence.startswith(f"orders: no replica gave its ledger ({why}")


def test_what_else_goes_wrong_is_no_answer():
    with pytest.raises(TimeoutError):
        first_ledger("orders", [replica("away")], ask, ConnectionError)
