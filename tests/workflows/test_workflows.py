"""The workflows, as far as a machine without a runner can hold them.

Their text: actions pinned by commit, least permissions, bounded jobs. Their shell: every `run` step
is parsed and, with stand-ins for the programs it calls, executed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
PROGRAMS = ("make", "helm", "kubectl", "kind", "bash")


def load(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    # YAML 1.1 reads the key `on` as true.
    content["on"] = content.pop(True, content.get("on"))
    return content


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{path.stem}/{name}", job)
        for path in WORKFLOWS
        for name, job in load(path)["jobs"].items()
    ]


JOBS = jobs()
RUNS = [
    pytest.param(step["run"], id=f"{name}: {step['run'].splitlines()[0][:50]}")
    for name, job in JOBS
    for step in job["steps"]
    if "run" in step
]


def test_there_are_workflows_with_steps():
    assert {path.stem for path in WORKFLOWS} >= {"tests", "nightly"}
    assert len(RUNS) >= 6


@pytest.mark.parametrize(("name", "job"), JOBS, ids=[name for name, _ in JOBS])
def test_actions_are_pinned_by_commit(name, job):
    for step in job["steps"]:
        if "uses" in step:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", step["uses"]), (
                name,
                step["uses"],
            )


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_a_pin_says_which_version_it_is(path):
    lines = [x for x in path.read_text(encoding="utf-8").splitlines() if "uses:" in x]
    assert lines
    assert all(re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in lines)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_permissions_are_to_read(path):
    content = load(path)
    assert content["permissions"] == {"contents": "read"}
    for name, job in content["jobs"].items():
        assert "permissions" not in job, name
        checkouts = [s for s in job["steps"] if s.get("uses", "").startswith("actions/checkout")]
        assert all(s["with"]["persist-credentials"] is False for s in checkouts), name


@pytest.mark.parametrize(("name", "job"), JOBS, ids=[name for name, _ in JOBS])
def test_jobs_are_bounded_and_keep_their_runs(name, job):
    assert 0 < job["timeout-minutes"] <= 180, name
    last = job["steps"][-1]
    assert last["uses"].startswith("actions/upload-artifact"), name
    assert last["if"] == "always()", name
    assert last["with"]["path"] == "runs/", name


@pytest.mark.parametrize(("name", "job"), JOBS, ids=[name for name, _ in JOBS])
def test_what_a_job_found_is_kept_and_summed_up(name, job):
    """JUnit and run folders land in what is kept, and the job's page tells of both."""
    scripts = [step.get("run", "") for step in job["steps"]]
    if "tools/ci-experiments" in " ".join(scripts):
        return  # it writes its own summary (tests/workflows/test_ci_experiments.py)
    (summed,) = (s for s in job["steps"] if "tools/ci_summary.py runs" in s.get("run", ""))
    assert summed["if"] == "always()", name
    kept = {k: v for k, v in job["env"].items() if k.startswith("TEASTORM_") or k == "JUNIT"}
    assert {"TEASTORM_LIVE_RUNS", "TEASTORM_E2E_RUNS"} & kept.keys(), name
    assert all(folder.startswith("runs/") for folder in kept.values()), name
    assert "JUNIT" in kept or any(".ci/run" in script for script in scripts), name


def test_a_pull_request_gets_its_experiments_within_ten_minutes():
    content = load(ROOT / ".github" / "workflows" / "tests.yaml")
    assert "pull_request" in content["on"]
    assert content["jobs"]["experiments"]["timeout-minutes"] <= 10


@pytest.mark.parametrize("script", RUNS)
def test_the_shell_of_a_step_is_clean(script, tmp_path):
    path = tmp_path / "step.sh"
    # What the runner replaces before a shell sees it.
    path.write_text("#!/usr/bin/env bash\n" + re.sub(r"\$\{\{.*?\}\}", "x", script))
    assert subprocess.run(["bash", "-n", str(path)], timeout=30).returncode == 0
    shellcheck = shutil.which("shellcheck")
    if shellcheck:
        done = subprocess.run([shellcheck, str(path)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout


def stand_ins(folder: Path) -> dict[str, str]:
    """PATH and a log: every program that steps call writes down how it was called."""
    programs = folder / "bin"
    programs.mkdir()
    log = folder / "calls"
    for program in PROGRAMS:
        path = programs / program
        path.write_text(f'#!/bin/sh\necho {program} "$@" >>{log}\n')
        path.chmod(0o755)
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(folder),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", ROOT / "services"))),
    }


@pytest.mark.parametrize("script", RUNS)
def test_a_step_runs(script, tmp_path):
    """As the runner does: bash -e in the checkout; the checkout is a copy of what steps call."""
    environment = stand_ins(tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    venv = tmp_path / ".venv" / "bin"
    venv.mkdir(parents=True)
    teastorm = venv / "teastorm"
    teastorm.write_text(
        f'#!/bin/sh\necho teastorm "$@" >>{tmp_path}/calls\n'
        'case "$*" in *unprotected*) exit 1 ;; esac\n'
    )
    teastorm.chmod(0o755)
    python = venv / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    left = [
        path.read_text() for path in (tmp_path / "calls", tmp_path / "summary.md") if path.exists()
    ]
    assert "".join(left).strip()  # it called something, or said something


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_targets_and_files_that_steps_name_are_there(path):
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for job in load(path)["jobs"].values():
        for step in job["steps"]:
            for target in re.findall(r"\bmake ([a-z0-9-]+)", step.get("run", "")):
                assert target in targets
            for file in re.findall(r"(?<!\S)((?:tools|\.ci)/[\w.-]+)", step.get("run", "")):
                assert (ROOT / file).is_file()
