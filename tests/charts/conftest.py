"""Renders the chart with the real helm. Where there is none, the tests say so, or fail in CI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "teashop"
SERVICES = ("gateway", "inference", "orders", "dispatch")
PROFILES = {
    "defaults": (),
    "unprotected": ("values-unprotected.yaml",),
    "late-scaling": ("values-late-scaling.yaml",),
    "ci": ("values-ci.yaml",),
    "ci-late-scaling-unprotected": (
        "values-ci.yaml",
        "values-late-scaling.yaml",
        "values-unprotected.yaml",
    ),
}
EVERYTHING: dict[str, Any] = {
    "serviceMonitor": {"enabled": True},
    "faultInjection": {"enabled": True},
    "prometheus": {"enabled": True},
    "testbed": {"rbac": {"enabled": True, "cluster": True}},
    "image": {"pullSecrets": ["registry"]},
    **{s: {"autoscaling": {"enabled": True}, "startupS": 3} for s in SERVICES},
}
NOT_TESTED = "NOT TESTED: {} is not on PATH, and the chart cannot be rendered without it"


def found(program: str) -> str:
    """The program's path; skips loudly, or fails where nothing may be skipped."""
    path = shutil.which(program)
    if path is None:
        message = NOT_TESTED.format(program)
        may_skip = os.environ.get("TEASTORM_MAY_SKIP", "").split(",")
        if os.environ.get("TEASTORM_NO_SKIP") == "1" and program not in may_skip:
            pytest.fail(message)
        pytest.skip(message)
    return path


@dataclass(frozen=True)
class Rendered:
    """The manifests of one rendering."""

    manifests: list[dict[str, Any]]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Those of one kind, by name."""
        return {m["metadata"]["name"]: m for m in self.manifests if m["kind"] == kind}

    def one(self, kind: str, name: str) -> dict[str, Any]:
        return self.of(kind)[name]

    def pods(self) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Name, metadata and spec of every pod that would run."""
        for manifest in self.manifests:
            name = f"{manifest['kind']}/{manifest['metadata']['name']}"
            if manifest["kind"] == "Pod":
                yield name, manifest["metadata"], manifest["spec"]
            elif manifest["kind"] in {"Deployment", "StatefulSet", "Job"}:
                template = manifest["spec"]["template"]
                yield name, template["metadata"], template["spec"]

    def settings(self, service: str) -> dict[str, Any]:
        """A service's settings file."""
        content = self.one("ConfigMap", f"tea-{service}")["data"]["settings.json"]
        settings = json.loads(content)
        assert isinstance(settings, dict)
        return settings


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [found("helm"), *arguments], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="session")
def attempt(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`helm template` with profiles and values; whatever became of it."""
    folder = tmp_path_factory.mktemp("values")

    def run(*profiles: str, **values: Any) -> subprocess.CompletedProcess[str]:
        files = [str(CHART / name) for name in profiles]
        if values:
            path = folder / f"{len(list(folder.iterdir()))}.json"
            path.write_text(json.dumps(values))
            files.append(str(path))
        given = [word for file in files for word in ("--values", file)]
        # A helm that was built from its module believes in Kubernetes 1.20.
        where = ("--namespace", "shop", "--kube-version", "1.34.0")
        return helm("template", "tea", str(CHART), *where, *given)

    return run


@pytest.fixture(scope="session")
def render(attempt) -> Callable[..., Rendered]:
    """The manifests, or a failure with helm's words."""
    known: dict[str, Rendered] = {}

    def run(*profiles: str, **values: Any) -> Rendered:
        key = json.dumps([profiles, values], sort_keys=True)
        if key not in known:
            done = attempt(*profiles, **values)
            assert done.returncode == 0, done.stderr
            loaded = yaml.load_all(done.stdout, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            known[key] = Rendered([m for m in loaded if m])
        return known[key]

    return run


@pytest.fixture(params=PROFILES, scope="session")
def profile(request) -> tuple[str, ...]:
    return PROFILES[request.param]


@pytest.fixture(params=[*PROFILES, "everything"], scope="session")
def shop(request, render) -> Rendered:
    """Each profile, and one rendering with every switch on."""
    if request.param == "everything":
        return render(**EVERYTHING)
    return render(*PROFILES[request.param])
