"""Real targets, a real recorder and a real Prometheus for the metric source contract."""

import os
import shutil
import signal
import subprocess
import threading
from collections import Counter as Counted
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest
import urllib3
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from tests.ports import free_port
from tests.waiting import until

from teastorm.observe.target import ScrapeTarget

RECORDER = "recorder"
"""It names no agent."""


@dataclass
class Target:
    """One in-process replica with metrics under the test's control."""

    replica: str

    def __post_init__(self) -> None:
        self.served: Counted[str] = Counted()
        self.gate = threading.Event()
        """Closed, a page that was made is not sent."""
        self.gate.set()
        self.registry = CollectorRegistry()
        self.answers = Counter("teashop_answers", "Answers.", ["rung"], registry=self.registry)
        self.waiting = Gauge("vllm:num_requests_waiting", "Queue.", registry=self.registry)
        self.seconds = Histogram(
            "teashop_seconds", "Time.", buckets=(0.1, 0.5, 1.0), registry=self.registry
        )
        registry, served, gate = self.registry, self.served, self.gate

        class Page(BaseHTTPRequestHandler):
            """Always the text format, as the shop: OpenMetrics would rename `vllm:…`."""

            def do_GET(self) -> None:
                payload = generate_latest(registry)
                self.send_response(200)
                self.send_header("Content-Type", CONTENT_TYPE_LATEST)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                agent = self.headers.get("User-Agent", RECORDER)
                served[agent.partition("/")[0]] += 1
                gate.wait()
                self.wfile.write(payload)

            def log_message(self, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def scrape(self) -> ScrapeTarget:
        url = f"http://127.0.0.1:{self.server.server_port}/metrics"
        return ScrapeTarget(service="gateway", replica=self.replica, url=url)

    def looks(self) -> tuple[int, int]:
        """How often the recorder and Prometheus had a page of it."""
        return self.served[RECORDER], self.served["Prometheus"]

    def page(self) -> bytes:
        return generate_latest(self.registry)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def targets() -> Iterator[list[Target]]:
    made = [Target("gateway-1"), Target("gateway-2")]
    yield made
    for target in made:
        target.close()


@pytest.fixture(scope="module")
def prometheus_url(
    targets: list[Target], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    binary = shutil.which("prometheus")
    if binary is None:
        message = "NOT TESTED: prometheus is not on PATH, the metric source contract needs it"
        if os.environ.get("TEASTORM_NO_SKIP") == "1":
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("prometheus")
    config = folder / "prometheus.yml"
    config.write_bytes(orjson.dumps(_config(targets)))  # JSON is YAML
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                binary,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(f"{url}/-/ready"), f"Prometheus is ready (log in {folder})")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=5)


def _config(targets: list[Target]) -> dict[str, object]:
    statics = [
        {
            "targets": [f"127.0.0.1:{target.server.server_port}"],
            "labels": {"service": "gateway", "replica": target.replica},
        }
        for target in targets
    ]
    job = {"job_name": "shop", "static_configs": statics}
    return {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, timeout=1, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


@pytest.fixture
def metrics_file(tmp_path: Path) -> Path:
    return tmp_path / "metrics.parquet"
