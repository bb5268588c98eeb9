"""What the machine's hypervisor takes can be asked for."""

from __future__ import annotations

from tests.calm import stolen_share


def test_the_share_is_one() -> None:
    assert 0.0 <= stolen_share(0.05) <= 1.0
