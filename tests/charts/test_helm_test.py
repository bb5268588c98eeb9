"""`helm test`: its script against the real services, and the addresses that the chart gives it."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.charts.conftest import CHART, SERVICES
from tests.charts.test_dashboard import start_shop
from tests.ports import free_port

from teashop.orders.model import State

SCRIPT = (CHART / "files" / "customer.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    with ExitStack() as stack:
        yield start_shop(stack, tmp_path_factory.mktemp("shop"))


def customer(*addresses: str) -> subprocess.CompletedProcess[str]:
    """As the pod runs it: the script is a word of the command line."""
    command = [sys.executable, "-I", "-c", SCRIPT, *addresses]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_buys_a_drink_and_asks_every_copy(ports):
    services = [f"127.0.0.1:{ports[service]}" for service in SERVICES]
    done = customer(f"127.0.0.1:{ports['gateway']}", *services)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:4] == ["the menu: 200", "a checkout: 201", "its payment: 200", "its status: 200"]
    assert len(lines) == 4 + len(SERVICES)


def test_an_order_that_a_shop_has_already_is_paid_too():
    """Whether it is handed over before it is looked at is up to who is quicker."""
    named = re.search(r"^PAID = (\(.*?\))", SCRIPT, re.MULTILINE)
    assert named is not None
    assert set(ast.literal_eval(named[1])) == set(State) - {State.PLACED}


def test_a_door_that_is_none_fails_in_a_sentence(ports):
    # Inference answers, but sells nothing.
    done = customer(f"127.0.0.1:{ports['inference']}")
    assert done.returncode == 1
    assert done.stderr.startswith("the menu: wanted 200, got 404")


def test_a_copy_that_does_not_answer_fails(ports):
    nobody = f"127.0.0.1:{free_port()}"
    done = customer(f"127.0.0.1:{ports['gateway']}", nobody)
    assert done.returncode == 1
    assert done.stderr.startswith(f"GET /readyz of {nobody}: ")
    assert len(done.stderr.splitlines()) == 1


def test_the_chart_sends_it_to_the_services_that_there_are(render):
    rendered = render(gateway={"service": {"port": 8000}})
    (container,) = rendered.one("Pod", "tea-test")["spec"]["containers"]
    script, *addresses = container["args"]
    assert script == SCRIPT
    ports = {
        name: service["spec"]["ports"][0]["port"]
        for name, service in rendered.of("Service").items()
    }
    found = [address.rpartition(":") for address in addresses]
    names = [host.removesuffix(".shop.svc.cluster.local.") for host, _, _ in found]
    assert names[0] == "tea-front"
    assert sorted(names[1:]) == sorted(f"tea-{service}" for service in SERVICES)
    assert [int(port) for _, _, port in found] == [ports[name] for name in names]
    assert json.dumps(container["command"]) == '["/usr/bin/tini", "--", "python", "-c"]'
