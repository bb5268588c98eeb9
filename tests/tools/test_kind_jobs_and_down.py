"""tools/kind-jobs and tools/kind-down with stand-ins for the programs they call."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tools.test_kind_up import BASICS, ROOT

KIND = """
case "$1 $2" in
  "get clusters") cat clusters 2>/dev/null ;;
esac
exit 0"""
TOOL = """
case $1 in
  build) echo "step 3 of 9 went wrong"; exit "$(cat build-status 2>/dev/null || echo 0)" ;;
  save) printf %02000000d 0 >"$3" ;;
esac"""

type Call = Callable[..., tuple[subprocess.CompletedProcess[str], list[str]]]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in BASICS:
        found = shutil.which(name)
        assert found is not None, name
        (programs / name).symlink_to(found)
    for name, script in {"docker": TOOL, "kind": KIND}.items():
        path = programs / name
        path.write_text(f'#!/bin/bash\ncd {tmp_path}\necho {name} "$@" >>calls\n{script}\n')
        path.chmod(0o755)
    (tmp_path / "clusters").write_text("teastorm\n")

    def run(
        script: str, *, without: str = "", **environment: str
    ) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        if without:
            (programs / without).unlink()
        calls = tmp_path / "calls"
        calls.write_text("")
        done = subprocess.run(
            ["bash", str(ROOT / "tools" / script)],
            env={"PATH": str(programs), "TMPDIR": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done, calls.read_text().splitlines()

    return run


def test_the_jobs_image_is_built_and_loaded_and_nothing_is_left(call: Call, tmp_path: Path) -> None:
    done, calls = call("kind-jobs")
    assert done.returncode == 0, done.stderr
    assert [one.split()[:2] for one in calls] == [
        *(["kind", "get"], ["docker", "build"], ["docker", "save"], ["kind", "load"]),
    ]
    assert calls[1] == "docker build --target teastorm -t docker.io/library/teastorm:0.1.0 ."
    assert "the nodes have teastorm:0.1.0, 2 MB" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "calls", "clusters"}


@pytest.mark.parametrize(
    ("without", "sentence"),
    [("docker", "docker is missing"), ("kind", "kind is missing")],
)
def test_what_is_missing_is_said(call: Call, without: str, sentence: str) -> None:
    done, _ = call("kind-jobs", without=without)
    assert done.returncode == 3
    assert f"kind-jobs: {sentence}" in done.stderr


def test_without_the_cluster_nothing_is_built(call: Call) -> None:
    done, calls = call("kind-jobs", KIND_CLUSTER="other")
    assert done.returncode == 3
    assert "there is no cluster other; make kind-up makes it" in done.stderr
    assert [one.split()[0] for one in calls] == ["kind"]


def test_a_build_that_fails_is_quoted(call: Call, tmp_path: Path) -> None:
    (tmp_path / "build-status").write_text("1")
    done, calls = call("kind-jobs")
    assert done.returncode == 3
    assert "step 3 of 9 went wrong" in done.stderr
    assert not any("load" in one for one in calls)


def test_down_removes_the_one_cluster_that_is_named(call: Call) -> None:
    assert call("kind-down")[1] == ["kind delete cluster --name teastorm"]
    assert call("kind-down", KIND_CLUSTER="other")[1] == ["kind delete cluster --name other"]
    done, calls = call("kind-down", without="kind")
    assert (done.returncode, calls) == (3, [])
    assert "kind-down: kind is missing" in done.stderr
