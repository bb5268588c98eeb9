"""What every pod is held to: restricted, observed, drained, spread, and without powers."""

from __future__ import annotations

import base64

import pytest
from tests.charts.conftest import SERVICES

COMPONENT = "app.kubernetes.io/component"
RECOMMENDED = {
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    COMPONENT,
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
}


def containers(spec):
    return [*spec.get("initContainers", []), *spec["containers"]]


def service_pod(rendered, service):
    return rendered.one("Deployment", f"tea-{service}")["spec"]["template"]["spec"]


def test_everything_has_the_recommended_labels(shop):
    for manifest in shop.manifests:
        labels = manifest["metadata"]["labels"]
        assert labels.keys() >= RECOMMENDED, manifest["metadata"]["name"]
        assert (labels["app.kubernetes.io/name"], labels["app.kubernetes.io/instance"]) == (
            "teashop",
            "tea",
        )
    for name, metadata, _ in shop.pods():
        assert metadata["labels"].keys() >= RECOMMENDED, name


def test_every_pod_meets_restricted_pod_security(shop):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    allowed = {"configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected"}
    for name, _, spec in shop.pods():
        pod = spec["securityContext"]
        assert pod["runAsNonRoot"] is True, name
        assert pod["runAsUser"] > 0, name
        assert pod["seccompProfile"]["type"] == "RuntimeDefault", name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        for volume in spec.get("volumes", []):
            assert volume.keys() - {"name"} <= allowed, (name, volume)
        for container in containers(spec):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            assert "privileged" not in own, name
            assert not any("hostPort" in port for port in container.get("ports", [])), name


def test_no_root_file_system_is_written_to(shop):
    for name, _, spec in shop.pods():
        for container in containers(spec):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name


def test_only_prometheus_has_a_token_of_the_api_server(shop):
    for name, _, spec in shop.pods():
        wanted = name == "Deployment/tea-prometheus"
        assert spec["automountServiceAccountToken"] is wanted, name
        assert ("serviceAccountName" in spec) is wanted, name
    for account in shop.of("ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False


def test_every_container_asks_for_what_it_needs_and_none_is_throttled(shop):
    for name, _, spec in shop.pods():
        for container in containers(spec):
            resources = container["resources"]
            assert resources["requests"].keys() == {"cpu", "memory"}, name
            assert resources["limits"].keys() == {"memory"}, name


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_probed_by_its_process_and_its_readiness(shop, service):
    (container,) = service_pod(shop, service)["containers"]
    assert container["name"] == service
    assert container["startupProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    # A service waits up to 90 s for its database before it gives up.
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] > 90


@pytest.mark.parametrize("service", SERVICES)
def test_a_rollout_takes_nobody_away_before_another_is_there(shop, service):
    deployment = shop.one("Deployment", f"tea-{service}")["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    pause_s = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    grace_s = shop.settings(service)["common"]["grace_s"]
    # Callers look names up once a second and give a resolver two to answer.
    assert pause_s >= 4
    assert pod["terminationGracePeriodSeconds"] >= pause_s + grace_s + 10


@pytest.mark.parametrize("service", SERVICES)
def test_copies_are_spread_over_nodes(shop, service):
    (rule,) = service_pod(shop, service)["topologySpreadConstraints"]
    assert (rule["topologyKey"], rule["maxSkew"]) == ("kubernetes.io/hostname", 1)
    assert rule["labelSelector"]["matchLabels"][COMPONENT] == service


def test_selectors_select_their_own_pods_and_no_others(shop):
    pods = [(name, meta["labels"]) for name, meta, _ in shop.pods()]
    for manifest in shop.manifests:
        if manifest["kind"] not in {"Deployment", "StatefulSet"}:
            continue
        selector = manifest["spec"]["selector"]["matchLabels"]
        chosen = [name for name, labels in pods if selector.items() <= labels.items()]
        assert chosen == [f"{manifest['kind']}/{manifest['metadata']['name']}"]


def test_services_reach_a_named_port(shop):
    pods = list(shop.pods())
    for service in shop.of("Service").values():
        selector = service["spec"]["selector"]
        chosen = [spec for _, meta, spec in pods if selector.items() <= meta["labels"].items()]
        assert len(chosen) == 1, service["metadata"]["name"]
        names = {port["name"] for c in chosen[0]["containers"] for port in c["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


def test_the_admin_port_is_off_by_default_and_behind_a_token_when_on(render):
    off = render()
    assert "tea-admin" not in off.of("Secret")
    for service in SERVICES:
        (container,) = service_pod(off, service)["containers"]
        assert not any("admin" in word for word in container["args"])
        assert [port["name"] for port in container["ports"]] == ["http"]
    on = render(faultInjection={"enabled": True, "token": "abc"})
    assert on.one("Secret", "tea-admin")["data"]["token"] == "YWJj"
    for service in SERVICES:
        (container,) = service_pod(on, service)["containers"]
        assert "--secret=common.admin_token=/etc/teashop/admin/token" in container["args"]
        assert "--admin-host=0.0.0.0" in container["args"]


def test_a_token_that_nobody_gave_is_long_and_random(render):
    tokens = {
        base64.b64decode(
            render(faultInjection={"enabled": True}, seed=s).one("Secret", "tea-admin")["data"][
                "token"
            ]
        )
        for s in (1, 2)
    }
    assert len(tokens) == 2
    assert all(len(token) == 32 for token in tokens)


def test_no_secret_stands_in_a_config_map_or_a_command_line(render):
    rendered = render(
        faultInjection={"enabled": True, "token": "hunter2"}, prometheus={"enabled": True}
    )
    password = rendered.one("Secret", "tea-postgresql")["stringData"]["password"]
    for manifest in rendered.manifests:
        if manifest["kind"] != "Secret":
            assert "hunter2" not in str(manifest)
            assert password not in str(manifest)


BORROWED = {
    "StatefulSet/tea-postgresql": "postgres",
    "Deployment/tea-prometheus": "prom/prometheus",
}


def test_pull_secrets_reach_every_pod_and_the_image_every_pod_of_the_shop(render):
    rendered = render(
        image={"repository": "reg.example/tea", "tag": "9", "pullSecrets": ["reg"]},
        inference={"startupS": 1},
        prometheus={"enabled": True},
    )
    for name, _, spec in rendered.pods():
        assert spec["imagePullSecrets"] == [{"name": "reg"}], name
        if name not in BORROWED:
            assert {c["image"] for c in containers(spec)} == {"reg.example/tea:9"}, name


def test_a_digest_is_taken_instead_of_a_tag(render):
    digest = f"sha256:{'0a' * 32}"
    rendered = render(
        image={"repository": "reg.example/tea", "tag": "9", "digest": digest},
        postgresql={"image": {"digest": digest}},
        prometheus={"enabled": True, "image": {"digest": digest}},
    )
    for name, _, spec in rendered.pods():
        repository = BORROWED.get(name, "reg.example/tea")
        assert {c["image"] for c in containers(spec)} == {f"{repository}@{digest}"}, name


@pytest.mark.parametrize(
    ("tag", "label"),
    [("9", "9"), ("_", ""), (f"main-{'0a' * 40}", f"main-{'0a' * 29}"), ("1.0-_.", "1.0")],
)
def test_a_tag_that_is_no_label_is_cut_to_one(render, tag, label):
    for manifest in render(image={"tag": tag}).manifests:
        assert manifest["metadata"]["labels"]["app.kubernetes.io/version"] == label


def test_the_databases_settings_are_its_arguments(render):
    def server(rendered):
        found = rendered.one("StatefulSet", "tea-postgresql")
        return found["spec"]["template"]["spec"]["containers"][0]

    told = render(postgresql={"parameters": {"fsync": "off", "a.b": "1"}})
    assert server(told)["args"] == ["-c", "a.b=1", "-c", "fsync=off"]
    assert "args" not in server(render())
