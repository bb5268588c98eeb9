"""tools/kind-up with stand-ins for the programs it calls: what it says, does, and leaves alone."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("docker", "kind", "kubectl", "helm")
BASICS = (
    *("bash", "cat", "cut", "dirname", "env", "find", "grep", "mktemp", "paste", "rm", "sed"),
    *("sha256sum", "sort", "tail", "wc", "xargs"),
)
# What each program answers in a story; the state of the cluster is kept in files.
STAND_INS = {
    "docker": """
case $1 in
  build) exit "$(cat build-status 2>/dev/null || echo 0)" ;;
  save) printf %03000000d 0 >"$3" ;;
esac""",
    "kind": """
case "$1 $2" in
  "get clusters") [ ! -e no-engine ] || exit 1; cat clusters 2>/dev/null ;;
  "create cluster") echo teastorm >clusters ;;
esac
exit 0""",
    "kubectl": """
case "$*" in
  *"get nodes -o jsonpath"*image-mb*) cat annotation-mb 2>/dev/null ;;
  *"get nodes -o jsonpath"*) cat annotation 2>/dev/null ;;
  *annotate*)
    for word in "$@"; do
      case $word in
        teastorm/image=*) echo "${word#*=}" >annotation ;;
        teastorm/image-mb=*) echo "${word#*=}" >annotation-mb ;;
      esac
    done ;;
  *"get pods"*jsonpath*) cat pods 2>/dev/null ;;
  *"rollout status $(cat stuck 2>/dev/null || echo nothing)"*) exit 1 ;;
  *"get pods"*) echo "a pod that does not start" ;;
esac
exit 0""",
    "helm": "exit 0",
}


@pytest.fixture
def kind_up(tmp_path: Path):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in BASICS:
        found = shutil.which(name)
        assert found is not None, name
        (programs / name).symlink_to(found)
    for name, script in STAND_INS.items():
        path = programs / name
        path.write_text(f'#!/bin/bash\ncd {tmp_path}\necho {name} "$@" >>calls\n{script}\n')
        path.chmod(0o755)

    def run(*, without: tuple[str, ...] = (), **environment: str):
        for name in without:
            (programs / name).unlink()
        (tmp_path / "calls").write_text("")
        done = subprocess.run(
            ["bash", str(ROOT / "tools" / "kind-up")],
            # What listens on this machine is no part of these stories.
            env={"PATH": str(programs), "TMPDIR": str(tmp_path), "KIND_PORTS": "", **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done, (tmp_path / "calls").read_text().splitlines()

    run.folder = tmp_path
    return run


def changes(calls: list[str]) -> list[str]:
    """Calls that build, create or load."""
    return [c for c in calls if re.match(r"docker |kind (create|load)", c)]


@pytest.mark.parametrize("missing", [*((name,) for name in NEEDED), NEEDED])
def test_each_missing_tool_gets_a_sentence_and_nothing_is_done(kind_up, missing):
    done, calls = kind_up(without=missing)
    assert done.returncode == 3
    lines = done.stderr.strip().splitlines()
    assert len(lines) == len(missing)
    for name, line in zip(missing, lines, strict=True):
        assert line.startswith(f"kind-up: {name} is missing: ")
    assert changes(calls) == []


def test_another_container_tool_is_looked_for_instead(kind_up):
    done, _ = kind_up(without=("docker",), CONTAINER_TOOL="podman")
    assert done.returncode == 3
    assert "kind-up: podman is missing" in done.stderr


def test_no_engine_is_said(kind_up):
    (kind_up.folder / "no-engine").touch()
    done, calls = kind_up()
    assert done.returncode == 3
    assert done.stderr == "kind-up: kind finds no container engine; start Docker and try again.\n"
    assert changes(calls) == []


def test_a_port_that_is_taken_is_said_before_anything_is_built(kind_up):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done, calls = kind_up(KIND_PORTS=str(port))
    assert done.returncode == 3
    assert f"kind-up: port {port} of 127.0.0.1 is in use" in done.stderr
    assert changes(calls) == []


def test_from_nothing_it_builds_creates_loads_and_installs(kind_up):
    done, calls = kind_up(KIND_NODE_IMAGE="node:1")
    assert done.returncode == 0, done.stderr
    text = "\n".join(calls)
    # As a node calls it, whatever the tool would make of a name without a registry.
    assert "docker build --target teashop -t docker.io/library/teashop:0.1.0 ." in text
    assert re.search(r"^docker save -o \S+ docker.io/library/teashop:0.1.0$", text, re.MULTILINE)
    assert (
        "kind create cluster --name teastorm --config deploy/kind/cluster.yaml --image node:1"
        in text
    )
    assert "kind load image-archive" in text
    assert "helm upgrade --install teashop charts/teashop --kube-context kind-teastorm" in text
    waited = [c.split(" rollout status ")[1] for c in calls if " rollout status " in c]
    assert [w.split()[0].split("/")[1] for w in waited] == [
        *("kube-proxy", "coredns", "local-path-provisioner", "teashop-postgresql"),
        *("teashop-dispatch", "teashop-orders", "teashop-inference", "teashop-gateway"),
        *("teashop-prometheus", "metrics-server"),
    ]
    assert "http://127.0.0.1:8080" in done.stdout
    assert "http://127.0.0.1:9090" in done.stdout


def test_every_call_to_the_cluster_names_its_context(kind_up):
    _, calls = kind_up(KIND_CLUSTER="other")
    cluster = [c for c in calls if c.startswith(("kubectl", "helm"))]
    assert len(cluster) > 10
    assert all("--context kind-other" in c or "--kube-context kind-other" in c for c in cluster)


def test_a_second_time_nothing_is_built_created_or_loaded(kind_up):
    kind_up()
    done, calls = kind_up()
    assert done.returncode == 0, done.stderr
    assert changes(calls) == []
    assert "The shop is ready" in done.stdout


def test_other_sources_are_built_and_loaded_into_the_cluster_that_is_there(kind_up):
    kind_up()
    (kind_up.folder / "annotation").write_text("another\n")
    _, calls = kind_up()
    assert [c.split()[1] for c in changes(calls)] == ["build", "save", "load"]


def test_a_build_that_fails_is_said(kind_up):
    (kind_up.folder / "build-status").write_text("1")
    done, calls = kind_up()
    assert done.returncode == 3
    assert "docker could not build the image" in done.stderr
    assert not any("helm" in c for c in calls)


def test_what_does_not_become_ready_is_named_with_its_pods(kind_up):
    (kind_up.folder / "stuck").write_text("deployment/teashop-orders")
    done, _ = kind_up()
    assert done.returncode == 3
    assert "deployment/teashop-orders in teashop did not become ready" in done.stderr
    assert "a pod that does not start" in done.stderr


def test_it_leaves_no_files(kind_up):
    kind_up()
    left = {p.name for p in kind_up.folder.iterdir()}
    assert left == {"bin", "calls", "clusters", "annotation", "annotation-mb"}


def test_it_tells_the_images_size_whether_or_not_it_was_built_now(kind_up):
    first, _ = kind_up()
    again, _ = kind_up()
    assert "the image is built: 3 MB" in first.stdout
    for done in (first, again):
        assert "  image       teashop:0.1.0, 3 MB\n" in done.stdout


def test_a_cluster_from_before_the_size_was_kept_has_none(kind_up):
    kind_up()
    (kind_up.folder / "annotation-mb").unlink()
    done, _ = kind_up()
    assert "  image       teashop:0.1.0, ? MB\n" in done.stdout


def test_it_tells_how_long_the_slowest_pod_of_each_service_took(kind_up):
    (kind_up.folder / "pods").write_text(
        "orders 2026-11-26T09:08:07Z 2026-11-26T09:08:15Z\n"
        "inference 2026-11-26T09:59:58Z 2026-11-26T10:00:08Z\n"
        "inference 2026-11-26T10:00:00Z 2026-11-26T10:00:02Z\n"
        "gateway 2026-11-26T23:59:58Z 2026-11-27T00:00:03Z\n"
        "dispatch 2026-11-26T10:00:00Z \n"
    )
    done, _ = kind_up()
    assert "  start-up    gateway 5 s, inference 10 s, orders 8 s (the slowest pod" in done.stdout
