"""Kubeconfigs as people have them: plugins, token files, proxies, names in certificates, broken ones."""

from __future__ import annotations

import logging
import select
import socket
import stat
import sys
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from tests.tune.bad_prometheus import answer, serving, signed_by_nobody

from teastorm.platforms.base import PlatformError, Replica
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.credentials import LOOK_AGAIN_S, User, keep_fresh
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.proxy import PodProxy
from teastorm.platforms.kubernetes.settings import ClusterSettings

VERSION = answer('{"major": "1"}')
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
POD = Replica(
    service="gateway",
    replica_id="teashop-gateway-1",
    host="10.0.0.1",
    port=8080,
    admin_port=9000,
    pid=None,
    started_unix_s=0.0,
    ready=True,
)


NO_CERTIFICATE = """
current-context: prod
contexts: [{name: prod, context: {cluster: c, user: me}}]
clusters: [{name: c, cluster: {server: "https://x", certificate-authority-data: A}}]
"""


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def written(folder: Path, *, user: dict[str, Any] | None = None, **cluster: Any) -> ClusterSettings:
    """A kubeconfig with one context, and the settings that name it."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1", **cluster}}],
        "users": [{"name": "me", "user": {"token": "mine"} if user is None else user}],
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "me"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return ClusterSettings(context="prod", kubeconfig=path)


def unusable(settings: ClusterSettings) -> str:
    with pytest.raises(PlatformError) as error:
        connect(settings)
    assert error.value.exit_code == 3
    assert "\n" not in error.value.sentence
    return error.value.sentence


def plugin(folder: Path, script: str) -> dict[str, Any]:
    """A user whose token a program tells."""
    path = folder / "login"
    path.write_text(f"#!{sys.executable} -IS\n{script}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path)}
    return {"exec": {**command, "interactiveMode": "Never"}}


GIVES = """
import json
status = {"token": "from-a-plugin"}
kind = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
print(json.dumps(kind | {"status": status}))
"""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        "- a list",
        "just words",
        "contexts: 7\ncurrent-context: prod",
        NO_CERTIFICATE,
    ],
    ids=["empty", "broken", "a list", "words", "no contexts", "a certificate that is none"],
)
def test_a_file_that_is_no_kubeconfig_is_one_sentence(tmp_path: Path, text: str) -> None:
    settings = written(tmp_path)
    assert settings.kubeconfig is not None
    settings.kubeconfig.write_text(text)
    assert "no usable kubeconfig" in unusable(settings)


def test_a_login_plugin_is_asked(tmp_path: Path) -> None:
    api = connect(written(tmp_path, user=plugin(tmp_path, GIVES)))
    assert api.credentials() == {"authorization": "Bearer from-a-plugin"}


def test_a_login_plugin_that_fails_is_quoted_in_one_sentence_and_nowhere_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    handlers = list(logging.getLogger().handlers)
    script = "import sys\nsys.exit('the session has ended\\nrun: cloud login')\n"
    said = unusable(written(tmp_path, user=plugin(tmp_path, script)))
    assert "context prod: its login plugin failed" in said
    assert "the session has ended run: cloud login" in said
    assert logging.getLogger().handlers == handlers
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("acting", [{"as": "root"}, {"as-groups": ["system:masters"]}])
def test_somebody_who_acts_as_another_is_refused(tmp_path: Path, acting: dict[str, Any]) -> None:
    said = unusable(written(tmp_path, user={"token": "mine", **acting}))
    assert f"user me acts as another ({next(iter(acting))}: " in said


def test_a_token_file_lies_beside_its_kubeconfig_and_may_end_in_a_newline(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("mine\n")
    with serving(VERSION) as (url, heads):
        api = connect(written(tmp_path, user={"tokenFile": "token"}, server=url))
        assert api.get("/version") == {"major": "1"}
    assert "authorization: bearer mine\r\n" in heads[0].lower()


def test_a_token_may_end_in_a_newline(tmp_path: Path) -> None:
    api = connect(written(tmp_path, user={"token": "mine\n"}))
    assert api.credentials() == {"authorization": "Bearer mine"}


def test_a_token_file_is_read_again_and_its_loss_forgiven(tmp_path: Path) -> None:
    now = [0.0]
    path = tmp_path / "token"
    path.write_text("first")
    configuration = SimpleNamespace(api_key={}, refresh_api_key_hook=None)
    keep_fresh(configuration, User(name="me", token_file=path), clock=lambda: now[0])

    def token() -> str:
        configuration.refresh_api_key_hook(configuration)
        return configuration.api_key["BearerToken"]

    path.write_text("second")
    assert token() == "Bearer first"
    now[0] = LOOK_AGAIN_S
    assert token() == "Bearer second"
    path.unlink()
    now[0] = 2 * LOOK_AGAIN_S
    assert token() == "Bearer second"


def test_a_plugins_newer_token_is_taken_and_nothing_else_of_its_kubeconfig() -> None:
    now, tokens = [0.0], iter(["Bearer one", "Bearer two"])

    def theirs(found: Any) -> None:
        found.host = "https://from.the.file"
        found.refresh_api_key_hook = theirs
        found.api_key["BearerToken"] = next(tokens)

    configuration = SimpleNamespace(
        api_key={"BearerToken": "Bearer zero"}, host="here", refresh_api_key_hook=theirs
    )
    keep_fresh(configuration, User(name="me"), clock=lambda: now[0])
    ours = configuration.refresh_api_key_hook
    assert configuration.api_key["BearerToken"] == "Bearer one"
    now[0] = LOOK_AGAIN_S
    ours(configuration)
    assert configuration.api_key["BearerToken"] == "Bearer two"
    assert (configuration.host, configuration.refresh_api_key_hook) == ("here", ours)


def test_watches_keep_their_connection_alive(tmp_path: Path) -> None:
    pools = connect(written(tmp_path)).client.rest_client.pool_manager
    options = pools.connection_pool_kw["socket_options"]
    assert (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in options


@pytest.mark.parametrize("url", ["socks5://me:secret@127.0.0.1:1080", "https://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_refused(tmp_path: Path, url: str) -> None:
    said = unusable(written(tmp_path, **{"proxy-url": url}))
    assert "only one that begins with http:// can be used" in said
    assert "secret" not in said


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """An HTTP proxy's address, and for whom it made a tunnel, with what they showed."""
    seen: list[tuple[str, str | None]] = []

    class Tunnel(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            seen.append((self.path, self.headers.get("Proxy-Authorization")))
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port)), timeout=10) as there:
                self.send_response(200)
                self.end_headers()
                other = {self.connection: there, there: self.connection}
                while ready := select.select(list(other), [], [], 10)[0]:
                    for end in ready:
                        data = end.recv(65_536)
                        if not data:
                            self.close_connection = True
                            return
                        other[end].sendall(data)

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tunnel)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


def metrics_of(api: Api) -> int:
    """The status of a replica's page, asked for as the flight recorder does."""
    target = PodProxy(api, "teashop").target(POD)
    connection = target.connection(5.0)
    connection.request("GET", target.path, headers=target.headers())
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("named_by", ["kubeconfig", "environment"])
def test_requests_and_scrapes_go_through_the_proxy(
    tmp_path: Path, proxy, monkeypatch: pytest.MonkeyPatch, named_by: str
) -> None:
    at, seen = proxy
    certificate, tls = signed_by_nobody(tmp_path)
    cluster: dict[str, Any] = {"certificate-authority": str(certificate)}
    if named_by == "kubeconfig":
        cluster["proxy-url"] = f"http://me:secret@{at}"
    else:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@{at}")
    with serving(VERSION, tls=tls) as (url, heads):
        api = connect(written(tmp_path, server=url, **cluster))
        assert api.get("/version") == {"major": "1"}
        assert metrics_of(api) == 200
    there = url.removeprefix("https://")
    assert seen == [(there, "Basic bWU6c2VjcmV0")] * 2
    assert "/pods/teashop-gateway-1:8080/proxy/metrics HTTP/1.1" in heads[1]
    assert "authorization: bearer mine" in heads[1].lower()


def test_who_needs_no_proxy_is_asked_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
    certificate, tls = signed_by_nobody(tmp_path)
    with serving(VERSION, tls=tls) as (url, _):
        settings = written(tmp_path, server=url, **{"certificate-authority": str(certificate)})
        api = connect(settings)
        assert (api.get("/version"), metrics_of(api)) == ({"major": "1"}, 200)


def test_a_certificate_may_bear_another_name_than_the_server(tmp_path: Path) -> None:
    certificate, tls = signed_by_nobody(tmp_path)
    named = {"certificate-authority": str(certificate), "tls-server-name": "127.0.0.1"}
    with serving(VERSION, tls=tls) as (url, _):
        elsewhere = url.replace("127.0.0.1", "localhost")
        api = connect(written(tmp_path, server=elsewhere, **named))
        assert (api.get("/version"), metrics_of(api)) == ({"major": "1"}, 200)


def test_a_certificate_that_is_not_to_be_checked_is_not_spoken_of(tmp_path: Path) -> None:
    _, tls = signed_by_nobody(tmp_path)
    with serving(VERSION, tls=tls) as (url, _), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        api = connect(written(tmp_path, server=url, **{"insecure-skip-tls-verify": True}))
        assert (api.get("/version"), metrics_of(api)) == ({"major": "1"}, 200)
    assert [str(one.message) for one in told] == []
