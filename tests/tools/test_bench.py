"""`make bench`: what was chosen is measured beside what was not."""

from __future__ import annotations

from teastorm.bench import choices


def test_clients_and_servers_stand_beside_those_that_the_shop_uses() -> None:
    rows = choices.rows(rounds=1)
    ours = [what for what, _, beside in rows if beside == "what the shop uses"]
    assert ours == [
        "CPU of a client's request, aiohttp on uvloop",
        "CPU of uvicorn's answer, httptools and uvloop",
    ]
    assert len(rows) == 5
    assert all(float(cpu.removesuffix(" µs")) > 0 for _, cpu, _ in rows)
