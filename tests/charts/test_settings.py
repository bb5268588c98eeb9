"""What the chart writes for the services is what the services read."""

from __future__ import annotations

import dataclasses
import importlib
import json
import subprocess
import sys

import pytest
from tests.charts.conftest import CHART, SERVICES

from teashop.serving.command_line import SERVICES as SERVED
from teashop.serving.command_line import parse, read_settings
from teashop.serving.settings import Protections, load

EDGES = {"gateway": {"inference", "orders"}, "orders": {"dispatch"}}
WITH_DATABASE = {"orders", "dispatch"}


def settings_class(service: str) -> type:
    module = importlib.import_module(f"teashop.{service}.settings")
    return getattr(module, f"{service.capitalize()}Settings")


def test_the_chart_runs_the_services_that_there_are():
    assert set(SERVICES) == set(SERVED)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_accepts_its_file(shop, service):
    loaded = load(settings_class(service), shop.settings(service), service)
    assert set(loaded.common.endpoints_dns) == EDGES.get(service, set())
    assert (service in WITH_DATABASE) == hasattr(loaded, "database_wait_s")


@pytest.mark.parametrize("service", SERVICES)
def test_names_are_looked_up_in_full_and_have_a_headless_service(shop, service):
    for called, name in shop.settings(service)["common"]["endpoints_dns"].items():
        assert name == f"tea-{called}.shop.svc.cluster.local.:8080"
        headless = shop.one("Service", f"tea-{called}")["spec"]
        assert headless["clusterIP"] == "None"
        assert headless["ports"][0]["port"] == 8080


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_accepts_its_command_line(shop, service, tmp_path):
    container = shop.one("Deployment", f"tea-{service}")["spec"]["template"]["spec"]["containers"][
        0
    ]
    words = [word.replace("$(POD_NAME)", f"tea-{service}-abc") for word in container["args"]]
    mounts = {m["mountPath"] for m in container["volumeMounts"]}
    for index, word in enumerate(words):
        option, _, file = word.partition("=/etc/teashop")
        if file:
            assert f"/etc/teashop{file}".rpartition("/")[0] in mounts
            here = tmp_path / file.strip("/").replace("/", "-")
            content = "postgresql://tea@db/tea" if "dsn" in word else "secret"
            if "settings" in option:
                content = json.dumps(shop.settings(service))
            here.write_text(content)
            words[index] = f"{option}={here}"
    settings = read_settings(parse(words), settings_class(service))
    assert settings.common.replica == f"tea-{service}-abc"
    assert (settings.common.admin_token == "secret") == ("--admin-port=9000" in words)
    if service in WITH_DATABASE:
        assert settings.dsn.startswith("postgresql://")
    if service == "gateway":
        assert settings.ticket_secret == "secret"


def test_the_unprotected_profile_switches_every_protection_off(render):
    off = {"protections": dict.fromkeys(Protections.names(), False)}
    for service in SERVICES:
        common = render("values-unprotected.yaml").settings(service)["common"]
        assert {"protections": common["protections"]} == off


def test_the_arms_differ_in_protections_and_nothing_else(render):
    def without_protections(rendered):
        kept = []
        for manifest in rendered.manifests:
            if manifest["kind"] == "Secret":
                continue
            text = str(manifest)
            if manifest["kind"] == "Deployment":
                text = str(
                    {
                        **manifest["spec"]["template"]["spec"],
                        "replicas": manifest["spec"].get("replicas"),
                    }
                )
            elif manifest["kind"] == "ConfigMap" and "settings.json" in manifest["data"]:
                settings = rendered.settings(manifest["metadata"]["labels"][COMPONENT])
                settings["common"]["protections"] = None
                text = str(settings)
            kept.append(text)
        return kept

    protected, unprotected = render(), render("values-unprotected.yaml")
    assert without_protections(protected) == without_protections(unprotected)
    assert protected.settings("gateway") != unprotected.settings("gateway")


COMPONENT = "app.kubernetes.io/component"


def test_other_settings_make_other_pods(render):
    def stamp(rendered, service):
        template = rendered.one("Deployment", f"tea-{service}")["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/settings"]

    before, after = render(), render(inference={"settings": {"max_num_seqs": 8}})
    assert stamp(before, "inference") != stamp(after, "inference")
    assert stamp(before, "gateway") == stamp(after, "gateway")
    assert after.settings("inference")["max_num_seqs"] == 8


def test_settings_are_laid_over_and_common_is_merged(render):
    rendered = render(
        seed=7,
        protections={"codel": False},
        gateway={"settings": {"retries": 3, "common": {"grace_s": 1.5}}},
    )
    settings = load(settings_class("gateway"), rendered.settings("gateway"), "gateway")
    assert (settings.retries, settings.common.grace_s, settings.common.seed) == (3, 1.5, 7)
    assert settings.common.protections == dataclasses.replace(Protections(), codel=False)


@pytest.mark.parametrize(("factor", "seconds"), [(1, 30), (12, 2.5)])
def test_start_up_delays_are_compressed(render, factor, seconds):
    rendered = render(timeFactor=factor, inference={"startupS": 30})
    spec = rendered.one("Deployment", "tea-inference")["spec"]["template"]["spec"]
    *init, sleep, length = spec["initContainers"][0]["command"]
    assert (init, sleep) == (["/usr/bin/tini", "--"], "sleep")  # PID 1 would be deaf to SIGTERM
    assert float(length) == pytest.approx(seconds)
    assert (
        "initContainers"
        not in rendered.one("Deployment", "tea-gateway")["spec"]["template"]["spec"]
    )


def test_the_reference_and_the_derived_schema_are_current():
    done = subprocess.run(
        [sys.executable, str(CHART.parents[1] / "tools" / "chart_reference.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
