"""`make bench`: what was chosen is measured beside what was not."""

from __future__ import annotations

import re

from teastorm.bench import choices, startup


def test_clients_and_servers_stand_beside_those_that_the_shop_uses() -> None:
    rows = choices.rows(rounds=1)
    ours = [what for what, _, beside in rows if beside == "what the shop uses"]
    assert ours == [
        "CPU of a client's request, aiohttp on uvloop",
        "CPU of uvicorn's answer, httptools and uvloop",
    ]
    assert len(rows) == 5
    assert all(float(cpu.removesuffix(" µs")) > 0 for _, cpu, _ in rows)


def test_every_service_is_started_beside_a_bare_application() -> None:
    ((_, times, _),) = startup.rows(rounds=1)
    found = re.findall(r"(\w+) (\d+\.\d)x", times)
    assert [name for name, _ in found] == list(startup.SERVICES)
    assert all(float(factor) > 0 for _, factor in found)


def test_a_start_is_told_as_a_multiple_of_the_bare_one() -> None:
    medians = {"bare": 0.5, "gateway": 1.0, "inference": 0.5, "orders": 2.0, "dispatch": 0.75}
    _, times, _ = startup.row(medians, rounds=5)
    assert times == "gateway 2.0x, inference 1.0x, orders 4.0x, dispatch 1.5x"
