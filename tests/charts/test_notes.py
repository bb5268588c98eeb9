"""What Helm says after an installation: commands that fit what was installed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from tests.charts.conftest import CHART, helm

AS_A_MANIFEST = """{{- define "notes" -}}
%s
{{- end -}}
apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data: {notes: {{ include "notes" . | quote }}}
"""
"""`helm template` leaves NOTES.txt out, so that it is rendered as a manifest of a copied chart."""


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    folder = tmp_path_factory.mktemp("notes")
    chart = folder / "teashop"
    shutil.copytree(CHART, chart)
    text = (CHART / "templates" / "NOTES.txt").read_text(encoding="utf-8")
    (chart / "templates" / "notes.yaml").write_text(AS_A_MANIFEST % text)

    def said(**values: Any) -> str:
        given = folder / "values.json"
        given.write_text(json.dumps(values))
        where = ("--namespace", "shop", "--kube-version", "1.34.0")
        only = ("--show-only", "templates/notes.yaml", "--values", str(given))
        done = helm("template", "tea", str(chart), *where, *only)
        assert done.returncode == 0, done.stderr
        return str(yaml.safe_load(done.stdout)["data"]["notes"])

    return said


def test_they_say_how_to_wait_ask_and_test(notes):
    said = notes()
    assert "kubectl -n shop wait --for=condition=Available deployment" in said
    assert "kubectl -n shop port-forward service/tea-front 8080:80" in said
    assert "helm -n shop test tea" in said
    assert "The admin port" not in said
    assert "9090" not in said


@pytest.mark.parametrize(
    ("kind", "words"),
    [("NodePort", "jsonpath='{.spec.ports[0].nodePort}'"), ("LoadBalancer", "EXTERNAL-IP:80/menu")],
)
def test_the_way_to_the_door_is_that_of_its_service(notes, kind, words):
    said = notes(gateway={"service": {"type": kind}})
    assert words in said
    assert "port-forward service/tea-front" not in said


def test_what_is_on_is_told(notes):
    said = notes(
        faultInjection={"enabled": True},
        prometheus={"enabled": True},
        postgresql={"enabled": False},
        externalDatabase={"existingSecret": "db"},
    )
    assert "the Secret tea-admin can make the shop fail" in said
    assert "service/tea-prometheus 9090" in said
    assert "the Secret db names" in said
    assert "networkPolicy.apiServerFrom" in said
    off = notes(networkPolicy={"enabled": False})
    assert "NetworkPolicies" not in off


@pytest.mark.parametrize(
    ("scaling", "needs"),
    [
        ({}, "metrics-server"),
        ({"metric": "inFlight"}, "an adapter that serves teashop_in_flight"),
        ({"metric": "offered"}, "an adapter that serves teashop_offered_rps"),
    ],
)
def test_what_an_autoscaler_needs_is_told(notes, scaling, needs):
    said = notes(inference={"autoscaling": {"enabled": True, "maxReplicas": 4, **scaling}})
    assert f"keeps 2 to 4 copies of inference; it needs {needs}:" in said
    assert "kubectl -n shop get hpa tea-inference" in said
    assert "autoscaler" not in notes()


def test_where_nobody_keeps_books_no_database_is_spoken_of(notes):
    nobody = {service: {"replicas": 0} for service in ("orders", "dispatch")}
    assert "keep their books" not in notes(postgresql={"enabled": False}, **nobody)


def test_no_template_is_left_open(notes):
    assert not re.search(r"\{\{|<no value>|%!", notes())
