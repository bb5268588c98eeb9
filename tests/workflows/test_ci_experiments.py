"""tools/ci-experiments: each run held to its expected status, and a summary for people."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "ci-experiments"

STAND_IN = """#!/bin/sh
echo "$@" >>calls
if [ "$1" = report ]; then echo "summary of $2"; exit 0; fi
mkdir -p "runs/$(wc -l <calls)-$2-$4-1"
case "$2" in
  held) exit 0 ;;
  deviated) exit 1 ;;
  once-unclear) [ "$(grep -c once-unclear calls)" -gt 1 ] && exit 0; exit 4 ;;
  unclear) exit 4 ;;
esac
"""


@pytest.fixture
def experiments(tmp_path: Path):
    teastorm = tmp_path / "teastorm"
    teastorm.write_text(STAND_IN)
    teastorm.chmod(0o755)
    summary = tmp_path / "summary.md"

    def run(*wanted: str, **more: str):
        done = subprocess.run(
            [str(TOOL), *wanted],
            cwd=tmp_path,
            env={
                "PATH": "/usr/bin:/bin",
                "TEASTORM": str(teastorm),
                "GITHUB_STEP_SUMMARY": str(summary),
                **more,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        calls = (
            (tmp_path / "calls").read_text().splitlines() if (tmp_path / "calls").exists() else []
        )
        return done, summary.read_text() if summary.exists() else "", calls

    return run


def test_as_expected_is_0_and_the_summary_tells(experiments):
    done, summary, calls = experiments("held:protected:0", "deviated:unprotected:1")
    assert done.returncode == 0, done.stderr
    assert "| held | protected | 0 | 0 |" in summary
    assert "| deviated | unprotected | 1 | 1 |" in summary
    assert summary.count("summary of runs/") == 2
    assert calls[0] == "run held --arm protected --runs-dir runs"


@pytest.mark.parametrize("wanted", ["deviated:protected:0", "held:unprotected:1"])
def test_another_verdict_fails_whichever_way_it_went(experiments, wanted):
    done, summary, calls = experiments(wanted, "held:protected:0")
    assert done.returncode == 1
    assert "✗" in summary
    assert len([c for c in calls if c.startswith("run")]) == 2  # the rest still runs, once


def test_an_inconclusive_run_is_repeated_once(experiments):
    done, _, calls = experiments("once-unclear:protected:0")
    assert done.returncode == 0
    assert len([c for c in calls if c.startswith("run")]) == 2
    done, summary, _ = experiments("unclear:protected:0")
    assert done.returncode == 1
    assert "| unclear | protected | 4 ✗ | 0 |" in summary


def test_options_are_passed_on(experiments):
    _, _, calls = experiments("held:protected:0", RUN_OPTIONS="--platform kubernetes --seed 7")
    assert calls[0].endswith("--platform kubernetes --seed 7")


@pytest.mark.parametrize("wanted", [(), ("held",), ("held:protected",), ("held:protected:x",)])
def test_what_cannot_be_meant_is_refused(experiments, wanted):
    done, _, calls = experiments(*wanted)
    assert done.returncode == 2
    assert calls == []
