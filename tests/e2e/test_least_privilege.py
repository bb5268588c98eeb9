"""A whole run with the rights of the chart's Roles alone, and what those do not reach."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.e2e.conftest import Tool, write_kubeconfig

from teastorm.platforms.kubernetes import namespace
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.namespace import path_of
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.survey import remove_all

pytestmark = pytest.mark.slow  # a capacity, a run, and a namespace of its own

LASTS_S = 3600
WHO_AM_I = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def roles(settings: ClusterSettings) -> list[dict]:
    """ServiceAccount, Roles and their bindings, rendered apart from the release as documented."""
    command = ["helm", "template", settings.release, str(settings.chart)]
    command += ["--namespace", settings.namespace, "--kube-version", "1.34.0"]
    command += ["--show-only", "templates/testbed.yaml"]
    command += ["--set", "testbed.rbac.enabled=true,testbed.rbac.install=true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def collection(manifest: dict, name: str) -> str:
    version = manifest["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return f"{root}/namespaces/{name}/{manifest['kind'].lower()}s"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("least-privilege")


@pytest.fixture(scope="module")
def robot(settings: ClusterSettings, api: Api, tool: Tool, folder: Path) -> Iterator[Tool]:
    """The tool as the ServiceAccount `teastorm`, in a namespace that somebody made for it."""
    space = path_of(settings.namespace)
    assert namespace.ensure(api, settings.namespace)
    try:
        for manifest in roles(settings):
            api.post(collection(manifest, settings.namespace), manifest)
        asked = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": LASTS_S},
        }
        token = api.post(f"{space}/serviceaccounts/teastorm/token", asked)["status"]["token"]
        file = folder / "kubeconfig"
        write_kubeconfig(file, api, context=settings.context, token=token)
        # As parts of the release they would be removed by the run that needs them.
        values = folder / "values.yaml"
        values.write_text(yaml.safe_dump({"testbed": {"rbac": {"enabled": False}}}))
        mine = replace(settings, values=(*settings.values, values), kubeconfig=file)
        yield replace(tool, settings=mine, env={**tool.env, "KUBECONFIG": str(file)})
    finally:
        assert not remove_all(api, settings)


def test_a_loss_is_caused_proved_and_judged_with_the_roles_alone(robot: Tool) -> None:
    ran = robot.run("replica-loss-orders")
    assert (ran.code, ran.not_passed()) == (0, {})
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    found = connect(robot.settings).post(WHO_AM_I, review)["status"]["userInfo"]["username"]
    assert found == f"system:serviceaccount:{robot.settings.namespace}:teastorm"


def test_a_drain_is_refused_before_it_begins(robot: Tool, api: Api) -> None:
    done = robot("run", "node-drain", "--json", "--runs-dir", str(robot.runs))
    assert done.returncode == 3, done.stdout
    assert "not allowed to list nodes, which drain_node" in json.loads(done.stdout)["error"]
    assert done.stderr.count("\n") == 1
    assert not api.get(f"{path_of(robot.settings.namespace)}/pods").get("items")


def test_the_namespace_stays_with_whoever_made_it(robot: Tool, api: Api) -> None:
    done = robot("down", "--json")
    assert done.returncode == 3, done.stdout
    space = path_of(robot.settings.namespace)
    assert f"not allowed to DELETE {space}" in json.loads(done.stdout)["error"]
    assert done.stderr.count("\n") == 1
    assert "deletionTimestamp" not in api.get(space)["metadata"]
