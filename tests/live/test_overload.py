"""Three times the capacity, once per arm: the one live run per arm that `make test` affords."""

from __future__ import annotations

import json
import os
import subprocess
import xml.etree.ElementTree as ET

import jsonschema
import pytest
from tests.live.conftest import ROOT, TEASTORM, Ran

pytestmark = pytest.mark.live


def test_the_protected_arm_holds(protected: Ran):
    assert (protected.code, protected.not_passed()) == (0, {})


def test_it_holds_with_the_margins_that_we_promise(protected: Ran):
    assert protected.check("goodput-retention")["value"] >= 0.9
    assert protected.check("ai-utilisation")["value"] >= 0.85
    assert protected.check("critical-success")["value"] >= 0.995
    assert protected.check("refusals-fast")["value"] <= 20
    assert protected.check("recovery-time")["value"] <= 10


def test_the_unprotected_arm_of_the_same_file_and_seed_deviates(unprotected: Ran):
    assert unprotected.code == 1
    assert unprotected.failed() & {"goodput-retention", "recovery-time", "recovery-held"}


def test_the_arms_differ_in_protections_only(protected: Ran, unprotected: Ran):
    ours, theirs = protected.result, unprotected.result
    assert ours["capacity"]["rps"] == theirs["capacity"]["rps"]
    assert ours["seed"] == theirs["seed"]
    assert ours["replicas"] == theirs["replicas"]
    assert not ours["difference"]
    assert theirs["difference"]


def test_the_folder_holds_what_explains_the_run(unprotected: Ran):
    names = {p.name for p in unprotected.folder.iterdir()}
    assert {
        *("result.json", "junit.xml", "report.html", "requests.parquet", "metrics.parquet"),
        *("journal.json", "run.json", "faults.json", "ledger.json", "logs", "settings"),
    } <= names
    logs = {p.name for p in (unprotected.folder / "logs").iterdir()}
    assert any(name.startswith("gateway") for name in logs)
    assert any((unprotected.folder / "evidence").iterdir())


def test_the_result_is_the_published_schema(protected: Ran, unprotected: Ran):
    schema = json.loads((ROOT / "docs/reference/result.schema.json").read_text())
    for ran in (protected, unprotected):
        jsonschema.validate(ran.result, schema)


def test_junit_tells_the_same(unprotected: Ran):
    tree = ET.parse(unprotected.folder / "junit.xml")  # noqa: S314 - our own file
    broken = {case.get("name") for case in tree.iter("testcase") if len(case)}
    assert unprotected.failed() <= broken


def test_judging_again_gives_the_same_verdict(protected: Ran):
    again = subprocess.run(
        [*TEASTORM, "verify", str(protected.folder), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["verdict"] == protected.result["verdict"]


def test_nothing_is_left(protected: Ran, unprotected: Ran):
    status = subprocess.run(
        [*TEASTORM, "status", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ,
        check=False,
    )
    assert status.returncode == 0
    assert '"processes":[]' in status.stdout.replace(" ", "") or "nothing" in status.stdout
