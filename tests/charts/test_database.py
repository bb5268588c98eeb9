"""PostgreSQL in the release, or one outside."""

from __future__ import annotations

import base64

import pytest

MOUNTED = ("orders", "dispatch")


def volume(rendered, service):
    spec = rendered.one("Deployment", f"tea-{service}")["spec"]["template"]["spec"]
    return {v["name"]: v for v in spec["volumes"]}.get("database")


def test_the_dsn_is_a_secret_of_the_services_that_keep_state(render):
    rendered = render()
    secret = rendered.one("Secret", "tea-postgresql")["stringData"]
    assert secret["dsn"] == (
        f"postgresql://teashop:{secret['password']}@tea-postgresql.shop.svc.cluster.local.:5432/teashop"
    )
    assert len(secret["password"]) == 32
    for service in MOUNTED:
        assert volume(rendered, service)["secret"]["secretName"] == "tea-postgresql"
    for service in ("gateway", "inference"):
        assert volume(rendered, service) is None


def test_its_data_is_a_claim(render):
    spec = render().one("StatefulSet", "tea-postgresql")["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    (container,) = spec["template"]["spec"]["containers"]
    mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
    env = {e["name"]: e["value"] for e in container["env"]}
    assert env["PGDATA"].startswith(f"{mounts[claim['metadata']['name']]}/")
    assert spec["persistentVolumeClaimRetentionPolicy"]["whenScaled"] == "Retain"


def test_what_is_kept_of_it_keeps_its_password(render):
    """Or the next release would make another, and the old data would know only the old one."""
    kept = render(postgresql={"persistence": {"whenDeleted": "Retain"}})
    annotations = kept.one("Secret", "tea-postgresql")["metadata"]["annotations"]
    assert annotations == {"helm.sh/resource-policy": "keep"}
    assert "annotations" not in render().one("Secret", "tea-postgresql")["metadata"]


def test_a_database_outside_is_named_by_its_secret(render):
    rendered = render(
        postgresql={"enabled": False}, externalDatabase={"existingSecret": "db", "key": "url"}
    )
    assert "tea-postgresql" not in rendered.of("StatefulSet")
    for service in MOUNTED:
        secret = volume(rendered, service)["secret"]
        assert (secret["secretName"], secret["items"]) == ("db", [{"key": "url", "path": "dsn"}])


def test_no_database_at_all_is_refused_in_a_sentence(attempt):
    done = attempt(postgresql={"enabled": False})
    assert done.returncode != 0
    assert "name a Secret that holds a DSN in externalDatabase.existingSecret" in done.stderr


def test_no_database_is_needed_where_nobody_keeps_state(render):
    nobody = {service: {"replicas": 0} for service in MOUNTED}
    rendered = render(postgresql={"enabled": False}, **nobody)
    assert volume(rendered, "orders") is None
    assert "tea-postgresql" not in rendered.of("Secret")


GENERATED = {
    "tea-gateway": {"gateway": {"ticketSecret": "0123456789abcdef"}},
    "tea-postgresql": {"postgresql": {"password": "hunter2"}},
    "tea-admin": {"faultInjection": {"token": "abc"}},
}


@pytest.mark.parametrize(("name", "given"), GENERATED.items())
def test_what_is_generated_can_be_given(render, name, given):
    """Or what renders without looking at the cluster, as Argo CD does, makes another each time."""

    def secret(seed, **values):
        values["faultInjection"] = {"enabled": True, **values.get("faultInjection", {})}
        found = render(seed=seed, **values).one("Secret", name)
        return found.get("data") or found["stringData"]

    assert secret(1) != secret(2)
    assert secret(1, **given) == secret(2, **given)


@pytest.mark.parametrize("secret", ["tea-gateway"])
def test_tickets_are_signed_with_a_secret_of_the_release(render, secret):
    ticket = render().one("Secret", secret)["data"]["ticket-secret"]
    assert len(base64.b64decode(ticket)) == 32
