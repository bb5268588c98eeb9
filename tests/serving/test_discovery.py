"""Discovery by DNS: what a resolver says, what it cannot say, and for how long that is believed."""

from __future__ import annotations

import asyncio
import socket

import pytest

from teashop.serving.clock import VirtualClock
from teashop.serving.discovery import DnsDiscovery

NAME = "shop-orders.tea.svc.cluster.local."


class Resolver:
    """Stands for the loop's getaddrinfo: addresses, an error, or silence, by name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.says: dict[str, list[str] | Exception | None] = {}
        self.asked: list[str] = []
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", self.getaddrinfo)

    async def getaddrinfo(self, host, port, **_):
        self.asked.append(host)
        said = self.says[host]
        if said is None:
            await asyncio.Event().wait()
        if isinstance(said, Exception):
            raise said
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in said]


@pytest.fixture
async def resolver(monkeypatch):
    return Resolver(monkeypatch)


def discover(**names: str) -> tuple[DnsDiscovery, VirtualClock]:
    clock = VirtualClock()
    return DnsDiscovery(names or {"orders": f"{NAME}:8080"}, clock, timeout_s=0.05), clock


async def test_every_address_once_sorted_and_ipv6_in_brackets(resolver):
    found, _ = discover()
    resolver.says[NAME] = ["10.0.0.9", "10.0.0.2", "fd00::7", "10.0.0.9"]
    await found.refresh()
    assert list(found.endpoints("orders")) == ["10.0.0.2:8080", "10.0.0.9:8080", "[fd00::7]:8080"]
    assert found.endpoints("inference") == ()


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_NODATA])
async def test_the_answer_that_there_is_none_is_believed_at_once(resolver, code):
    found, _ = discover()
    resolver.says[NAME] = ["10.0.0.2"]
    await found.refresh()
    resolver.says[NAME] = socket.gaierror(code, "no address")
    await found.refresh()
    assert found.endpoints("orders") == ()


@pytest.mark.parametrize(
    "trouble", [socket.gaierror(socket.EAI_AGAIN, "try again"), OSError("no route"), None]
)
async def test_a_failed_look_up_keeps_the_last_good_answer_for_a_bounded_time(resolver, trouble):
    found, clock = discover()
    resolver.says[NAME] = ["10.0.0.2"]
    await found.refresh()
    resolver.says[NAME] = trouble
    await clock.advance(29.0)
    await found.refresh()
    assert list(found.endpoints("orders")) == ["10.0.0.2:8080"]
    await clock.advance(2.0)
    await found.refresh()
    assert found.endpoints("orders") == ()
    resolver.says[NAME] = ["10.0.0.3"]
    await found.refresh()
    assert list(found.endpoints("orders")) == ["10.0.0.3:8080"]


async def test_a_name_that_hangs_does_not_age_the_others(resolver):
    found, _ = discover(orders="slow.:8080", dispatch="quick.:8080")
    resolver.says |= {"slow.": None, "quick.": ["10.0.0.5"]}
    await found.refresh()
    assert list(found.endpoints("dispatch")) == ["10.0.0.5:8080"]
    assert found.endpoints("orders") == ()


async def test_names_are_looked_up_again_each_second(resolver):
    found, clock = discover()
    resolver.says[NAME] = ["10.0.0.2"]
    running = asyncio.create_task(found.run())
    await clock.advance(3.0)
    running.cancel()
    assert len(resolver.asked) == 4


async def test_a_real_resolver_answers_for_localhost():
    found, _ = discover(orders="localhost:8080")
    found._timeout_s = 5.0
    await found.refresh()
    assert {e.rpartition(":")[0] for e in found.endpoints("orders")} <= {"127.0.0.1", "[::1]"}
    assert found.endpoints("orders")
