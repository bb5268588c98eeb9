"""Runs on the cluster of the current kubeconfig context, which KUBE names; never a guessed one.

`make e2e` passes the current context on after it was shown; without KUBE every test here fails
with a sentence, since a skipped cluster test looks like a passed one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.calm import wait_for_calm

from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.survey import remove_all

ROOT = Path(__file__).parents[2]
TEASTORM = [sys.executable, "-m", "teastorm.cli.main"]
RUN_LIMIT_S = 600
VOID = {3, 4}
SHORT_CONTRACT = {
    "test_deploy_brings_up_the_wanted_counts",
    "test_a_killed_replica_is_replaced_by_another",
    "test_faults_are_set_and_cleared",
    "test_audit_gives_both_ledgers",
    "test_tear_down_leaves_nothing_and_may_be_repeated",
}
"""Of the contract in the short set; each of its tests installs the shop anew, some 20 s."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.e2e)
        name = getattr(item, "originalname", item.name)
        if item.path.name == "test_contract.py" and name not in SHORT_CONTRACT:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def settings() -> ClusterSettings:
    context = os.environ.get("KUBE", "")
    if not context:
        pytest.fail("name the cluster: make e2e, or KUBE=<context>", pytrace=False)
    values = os.environ.get("KUBE_VALUES") or "charts/teashop/values-ci.yaml"
    found = ClusterSettings(
        context=context,
        chart=ROOT / "charts" / "teashop",
        values=tuple(ROOT / name for name in values.split(os.pathsep) if name),
    )
    # A shop that is there (make kind-up's) would be put back after each of these tests.
    assert not remove_all(connect(found), found)
    return found


@pytest.fixture(scope="session")
def api(settings: ClusterSettings) -> Api:
    return connect(settings)


def write_kubeconfig(path: Path, api: Api, *, context: str, token: str) -> None:
    """A kubeconfig whose only context reaches the same server, with a token for all credentials."""
    known = api.client.configuration
    cluster: dict[str, object] = {"server": api.server}
    if known.ssl_ca_cert:
        cluster["certificate-authority"] = known.ssl_ca_cert
    if known.tls_server_name:
        cluster["tls-server-name"] = known.tls_server_name
    if not known.verify_ssl:  # as the context itself has it
        cluster["insecure-skip-tls-verify"] = True
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(yaml.safe_dump(content))


@dataclass(frozen=True)
class Ran:
    """One finished run of the tool."""

    code: int
    result: dict
    stderr: str
    folder: Path

    def check(self, name: str) -> dict:
        return next(c for c in self.result["checks"] if c["id"] == name)

    def failed(self) -> set[str]:
        return {c["id"] for c in self.result["checks"] if c["status"] == "fail"}

    def not_passed(self) -> dict[str, str]:
        return {c["id"]: c["why"] for c in self.result["checks"] if c["status"] != "pass"}


@dataclass(frozen=True)
class Tool:
    """The command line against the cluster, with a state folder of the session's own."""

    settings: ClusterSettings
    runs: Path
    env: dict[str, str]

    def on(self) -> list[str]:
        words = ["--platform", "kubernetes", "--context", self.settings.context]
        return words + [word for path in self.settings.values for word in ("--values", str(path))]

    def __call__(self, *words: str, limit_s: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*TEASTORM, *words, *self.on()],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )

    def start(self, *words: str, log: Path) -> subprocess.Popen[bytes]:
        with log.open("wb") as said:
            return subprocess.Popen(
                [*TEASTORM, *words, *self.on(), "--runs-dir", str(self.runs)],
                cwd=ROOT,
                env=self.env,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )

    def run(self, *words: str, limit_s: float = RUN_LIMIT_S) -> Ran:
        """Run an experiment, again when it came out void (3 or 4), on a calm machine if one comes."""
        for _ in range(3):
            before = set(self.runs.iterdir())
            done = self("run", *words, "--json", "--runs-dir", str(self.runs), limit_s=limit_s)
            assert done.stdout, done.stderr
            content = json.loads(done.stdout)
            assert "checks" in content, content
            new = sorted(set(self.runs.iterdir()) - before)
            ran = Ran(done.returncode, content, done.stderr, new[-1])
            if ran.code not in VOID:
                break
            wait_for_calm()
        return ran


@pytest.fixture(scope="session")
def tool(settings: ClusterSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    kept = os.environ.get("TEASTORM_E2E_RUNS")
    runs = Path(kept).absolute() if kept else tmp_path_factory.mktemp("runs")
    runs.mkdir(parents=True, exist_ok=True)
    state = tmp_path_factory.mktemp("state")
    made = Tool(settings, runs, {**os.environ, "TEASTORM_STATE_DIR": str(state)})
    yield made
    left = made("status", "--json")
    assert json.loads(left.stdout)["state"] in {"nothing", "running"}, left.stdout


@pytest.fixture
def kubernetes(settings: ClusterSettings) -> Iterator[KubernetesPlatform]:
    platform = KubernetesPlatform(settings)
    yield platform
    assert not platform.tear_down()


type Until = Callable[[Callable[[], bool], str], None]


@pytest.fixture
def until() -> Until:
    """Poll with a bound that suits a cluster: pods drain for ten seconds and more."""

    def wait(done: Callable[[], bool], what: str, timeout_s: float = 90.0) -> None:
        end_s, pause = time.monotonic() + timeout_s, threading.Event()
        while not done():
            if time.monotonic() > end_s:
                pytest.fail(f"not within {timeout_s:g} s: {what}")
            pause.wait(0.1)

    return wait
