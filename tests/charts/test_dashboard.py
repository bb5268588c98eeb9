"""Every query of the Grafana dashboard, asked of a real Prometheus that scrapes the real services.

The four services run as processes with SQLite files; a query that brings no series is a typing
error in a panel that nobody would see before the day it is needed.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import urllib3
from tests.charts.conftest import CHART, SERVICES, found
from tests.ports import free_port

from teashop.catalog.menu import MENU

DASHBOARD = json.loads((CHART / "files" / "dashboard.json").read_text(encoding="utf-8"))
QUERIES = [
    pytest.param(target["expr"], id=f"{panel['title']}: {target['legendFormat']}")
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
]
POOL = urllib3.PoolManager(retries=False, timeout=2.0)


def until(done: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    """Poll with a bound; a server that a busy machine keeps from answering is asked again."""
    end_s = time.monotonic() + timeout_s
    pause = threading.Event()
    while not answered(done):
        if time.monotonic() > end_s:
            pytest.fail(f"not within {timeout_s:g} s: {what}")
        pause.wait(0.1)


def answered(done: Callable[[], bool]) -> bool:
    try:
        return done()
    except urllib3.exceptions.HTTPError:
        return False


def status(method: str, url: str, **more: Any) -> int:
    try:
        return int(POOL.request(method, url, **more).status)
    except urllib3.exceptions.HTTPError:
        return 0


def started(stack: ExitStack, command: list[str], log: Path) -> None:
    """A process that ends with the stack."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)

    def end() -> None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=5)

    stack.callback(end)


def start_shop(stack: ExitStack, folder: Path) -> dict[str, int]:
    """The services' ports, once all are ready."""
    ports = {service: free_port() for service in SERVICES}
    endpoints = folder / "endpoints.json"
    endpoints.write_text(json.dumps({s: [f"127.0.0.1:{p}"] for s, p in ports.items()}))
    for service, port in ports.items():
        settings: dict[str, Any] = {"common": {"endpoints_file": str(endpoints)}}
        if service in {"orders", "dispatch"}:
            settings["dsn"] = f"sqlite:///{folder / service}.db"
        path = folder / f"{service}.json"
        path.write_text(json.dumps(settings))
        command = [sys.executable, "-m", "teashop.serving.run", service, f"--settings={path}"]
        started(stack, [*command, f"--port={port}"], folder / f"{service}.log")
    for service, port in ports.items():
        url = f"http://127.0.0.1:{port}/readyz"
        until(lambda url=url: status("GET", url) == 200, f"{service} is ready")
    return ports


def start_prometheus(stack: ExitStack, folder: Path, ports: dict[str, int]) -> str:
    """A Prometheus with the labels that the chart's own gives."""
    labels = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {"service": service, "replica": f"{service}-0", "namespace": "shop"},
        }
        for service, port in ports.items()
    ]
    jobs = [{"job_name": "teashop", "static_configs": labels}]
    config = folder / "prometheus.yml"
    config.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
    port = free_port()
    command = [found("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder}/data"]
    started(stack, [*command, f"--web.listen-address=127.0.0.1:{port}"], folder / "prometheus.log")
    url = f"http://127.0.0.1:{port}"
    until(lambda: status("GET", f"{url}/-/ready") == 200, "Prometheus is ready")
    return url


def customers(gateway: str, stop: threading.Event) -> None:
    """One after another: a chat, a cart, and a chat whose time is over."""
    drink = {"drink": min(MENU.drinks)}
    how = {"size": "medium", "sugar": "full", "ice": "regular", "quantity": 1}
    while not stop.wait(0.05):
        status("GET", f"{gateway}/menu")
        headers = {"X-User": "ann", "Content-Type": "application/json"}
        line = {"utterance": "one large oolong, less sugar, to the office"}
        status("POST", f"{gateway}/chat", body=json.dumps(line), headers=headers)
        headers["Idempotency-Key"] = uuid.uuid4().hex
        cart = {"user": "ann", "shop": "shop-1", "items": [drink | how]}
        status("POST", f"{gateway}/checkout", body=json.dumps(cart), headers=headers)
        hurry = {**headers, "X-Request-Timeout-Ms": "1"}
        status("POST", f"{gateway}/chat", body=json.dumps(line), headers=hurry)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    found("prometheus")
    folder = tmp_path_factory.mktemp("dashboard")
    with ExitStack() as stack:
        ports = start_shop(stack, folder)
        url = start_prometheus(stack, folder, ports)
        stop = threading.Event()
        gateway = f"http://127.0.0.1:{ports['gateway']}"
        crowd = threading.Thread(target=customers, args=(gateway, stop), daemon=True)
        crowd.start()
        stack.callback(crowd.join, 10)
        stack.callback(stop.set)
        yield url


def asked(url: str, query: str) -> list[dict[str, Any]]:
    answer = POOL.request("GET", f"{url}/api/v1/query", fields={"query": query})
    content = json.loads(answer.data)
    assert content["status"] == "success", content
    result = content["data"]["result"]
    assert isinstance(result, list)
    return result


def resolved(query: str) -> str:
    """The query as Grafana would send it."""
    query = query.replace("$namespace", "shop").replace("$__rate_interval", "10s")
    assert "$" not in query
    return query


@pytest.mark.parametrize("query", QUERIES)
def test_a_panel_has_something_to_show(prometheus, query):
    until(
        lambda: any(s["value"][1] != "NaN" for s in asked(prometheus, resolved(query))),
        f"series for {query}",
    )


def test_the_check_can_fail(prometheus):
    misspelt = 'sum by (route) (rate(teashop_offerd_total{namespace="shop"}[10s]))'
    until(lambda: bool(asked(prometheus, "teashop_offered_total")), "the right name")
    assert asked(prometheus, misspelt) == []


def test_legends_name_labels_that_the_query_keeps():
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            kept = set(re.findall(r"by \(([^)]*)\)", target["expr"]))
            names = {name.strip() for group in kept for name in group.split(",")}
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert label in names, (panel["title"], label)


def test_the_config_map_holds_the_dashboard_unchanged(render):
    config_map = render().one("ConfigMap", "tea-dashboard")
    assert json.loads(config_map["data"]["teashop.json"]) == DASHBOARD
    assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
