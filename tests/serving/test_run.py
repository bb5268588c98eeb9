"""A service as a real process: it starts, takes faults on its admin port, and drains."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.ports import free_port

from teashop.orders.settings import OrdersSettings
from teashop.serving import command_line


def ask(port: int, method: str, path: str, body: object = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def poll(check, bound_s: float = 60.0):
    end, pause = time.monotonic() + bound_s, threading.Event()
    while time.monotonic() < end:
        try:
            if got := check():
                return got
        except OSError:
            pass
        pause.wait(0.02)  # the process that is waited for may want this core
    raise AssertionError("it did not happen in time")


@pytest.fixture
def gateway(tmp_path: Path, request: pytest.FixtureRequest):
    grace_s = getattr(request, "param", 0.2)
    settings = tmp_path / "gateway.json"
    endpoints = tmp_path / "endpoints.json"
    endpoints.write_text("{}")
    settings.write_text(
        json.dumps({"common": {"endpoints_file": str(endpoints), "grace_s": grace_s}})
    )
    port, admin = free_port(), free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "teashop.serving.run", "gateway", "--settings", str(settings)),
            *("--port", str(port), "--admin-port", str(admin), "--replica", "gateway-x"),
        ],
        stderr=subprocess.PIPE,
    )
    try:
        poll(lambda: ask(port, "GET", "/readyz")[0] == 200)
        yield process, port, admin
    finally:
        process.kill()
        process.wait()


def test_it_serves_takes_faults_and_drains_on_sigterm(gateway):
    process, port, admin = gateway
    assert ask(port, "GET", "/menu")[0] == 200
    assert ask(port, "GET", "/faults")[0] == 404
    assert ask(admin, "POST", "/faults", {"kind": "errors", "status": 500})[0] == 200
    assert ask(port, "GET", "/menu")[0] == 500
    ask(admin, "DELETE", "/faults")
    process.send_signal(signal.SIGTERM)
    poll(lambda: process.poll() is not None)
    _, err = process.communicate()
    assert process.returncode == 0
    lines = [json.loads(line) for line in err.decode().splitlines() if line.startswith("{")]
    assert {line["replica"] for line in lines} == {"gateway-x"}


def test_what_is_in_flight_at_sigterm_is_finished(gateway):
    process, port, admin = gateway
    ask(admin, "POST", "/faults", {"kind": "latency", "latency_s": 1.0})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/menu")
    # The request is in the process once its socket has been read; the latency holds it there,
    # and beyond the grace, after which the port is closed.
    poll(lambda: b"teashop_ready" in ask(port, "GET", "/metrics")[1])
    process.send_signal(signal.SIGTERM)
    assert connection.getresponse().status == 200
    connection.close()
    poll(lambda: process.poll() is not None)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ('{"qouta_rps": 1}', "did you mean 'quota_rps'?"),
    ],
)
def test_bad_settings_exit_2_with_one_sentence(tmp_path: Path, content, sentence):
    path = tmp_path / "s.json"
    if content is not None:
        path.write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "teashop.serving.run", "gateway", "--settings", str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert sentence in done.stderr
    assert str(path) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def refused(tmp_path: Path, *arguments: str, service: str = "gateway") -> str:
    """The one sentence with which a start is refused."""
    done = subprocess.run(
        [sys.executable, "-m", "teashop.serving.run", service, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "--secret ticket_secret: {file} cannot be read: No such file"),
        (b"\n", "--secret ticket_secret: {file} is empty"),
        (b"\xff\xfe", "--secret ticket_secret: {file} is not UTF-8 text"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_and_never_shown(tmp_path: Path, content, sentence):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    said = refused(tmp_path, f"--secret=ticket_secret={file}")
    assert sentence.format(file=file) in said


@pytest.mark.parametrize("argument", ["dsn", "=file", "dsn="])
def test_a_secret_is_a_field_and_a_file(tmp_path: Path, argument):
    assert "--secret must be FIELD=FILE" in refused(tmp_path, f"--secret={argument}")


def test_a_secret_for_a_field_that_is_none_does_not_show_its_value(tmp_path: Path):
    (tmp_path / "secret").write_text("hunter2")
    said = refused(tmp_path, f"--secret=tikket_secret={tmp_path / 'secret'}")
    assert "did you mean 'ticket_secret'?" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1.2.3", "::"])
def test_beyond_loopback_the_admin_port_wants_a_token(tmp_path: Path, host):
    said = refused(tmp_path, f"--admin-host={host}", "--admin-port=9000")
    assert f"--admin-host {host} is not loopback" in said
    assert "common.admin_token" in said


def test_secrets_reach_the_settings_at_both_levels(tmp_path: Path):
    (tmp_path / "dsn").write_text("postgresql://tea@db/tea\n")
    (tmp_path / "token").write_text("t0ken")
    args = command_line.parse(
        [
            "orders",
            f"--secret=dsn={tmp_path / 'dsn'}",
            f"--secret=common.admin_token={tmp_path / 'token'}",
            "--admin-host=0.0.0.0",
            "--admin-port=9000",
            "--replica=orders-7",
        ]
    )
    settings = command_line.read_settings(args, OrdersSettings)
    assert settings.dsn == "postgresql://tea@db/tea"
    assert settings.common.admin_token == "t0ken"
    assert settings.common.replica == "orders-7"


@pytest.mark.parametrize("gateway", [4.0], indirect=True)  # time for two requests
def test_a_draining_replica_tells_each_client_to_reconnect(gateway):
    process, port, _ = gateway
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/menu")
    answer = connection.getresponse()
    answer.read()
    assert not answer.will_close
    process.send_signal(signal.SIGTERM)
    poll(lambda: ask(port, "GET", "/readyz")[0] == 503)
    connection.request("GET", "/menu")
    last = connection.getresponse()
    assert last.status == 200
    assert last.will_close
    connection.close()
    poll(lambda: process.poll() is not None)
    assert process.returncode == 0
