"""NetworkPolicies, read as the API documents them: who may reach whom, and nobody else.

No test here enforces them: that is a network plugin's work, and kind's laboratory has none.
"""

from __future__ import annotations

import itertools

import pytest
from tests.charts.conftest import Rendered

from teastorm.load.plan import LoadPlan, Phase
from teastorm.platforms.kubernetes.load_manifests import InsidePlan, jobs

COMPONENT = "app.kubernetes.io/component"
SHOP_EDGES = {
    ("gateway", "inference", "http"),
    ("gateway", "orders", "http"),
    ("orders", "dispatch", "http"),
    ("orders", "postgresql", "postgresql"),
    ("dispatch", "postgresql", "postgresql"),
}
SERVICES = ("gateway", "inference", "orders", "dispatch")


def selects(selector, labels):
    return selector.get("matchLabels", {}).items() <= labels.items()


def allowed(policies, pods, way, subject, other, port):
    """Whether `subject` may have traffic `way` (Ingress, Egress) with `other` on a named port."""
    mine = [
        p["spec"]
        for p in policies
        if selects(p["spec"]["podSelector"], pods[subject]) and way in p["spec"]["policyTypes"]
    ]
    if not mine:
        return True
    peer_key = "from" if way == "Ingress" else "to"
    for rule in itertools.chain.from_iterable(spec.get(way.lower(), []) for spec in mine):
        if "ports" in rule and port not in {p.get("port") for p in rule["ports"]}:
            continue
        if peer_key not in rule:
            return True
        for peer in rule[peer_key]:
            if "podSelector" not in peer:
                continue  # an address: those that values name lie outside the pod network
            if "namespaceSelector" not in peer and selects(peer["podSelector"], pods[other]):
                return True
    return False


def edges(rendered):
    """Every (from, to, port) that both ends allow, by component."""
    policies = list(rendered.of("NetworkPolicy").values())
    pods = {meta["labels"][COMPONENT]: meta["labels"] for _, meta, _ in rendered.pods()}
    ports = {
        meta["labels"][COMPONENT]: {
            p["name"] for c in spec["containers"] for p in c.get("ports", [])
        }
        for _, meta, spec in rendered.pods()
    }
    return {
        (one, other, port)
        for one, other in itertools.permutations(pods, 2)
        for port in ports[other]
        if allowed(policies, pods, "Egress", one, other, port)
        and allowed(policies, pods, "Ingress", other, one, port)
    }


def test_the_shop_has_the_edges_that_it_uses_and_no_more(render):
    found = {e for e in edges(render()) if "testbed" not in e}
    assert found == SHOP_EDGES


def test_prometheus_reads_every_service_and_nobody_calls_back(render):
    found = edges(render(prometheus={"enabled": True}))
    assert {e for e in found if e[0] == "prometheus"} == {
        ("prometheus", s, "http") for s in SERVICES
    }
    # The page of Prometheus is open, as the door is; the shop's pods may still not go there.
    assert {e for e in found if e[1] == "prometheus"} <= {("testbed", "prometheus", "web")}


def test_the_testbed_reaches_services_and_the_admin_port_only_when_it_is_on(render):
    off = {e for e in edges(render()) if e[0] == "testbed"}
    assert off == {("testbed", s, "http") for s in SERVICES}
    on = {e for e in edges(render(faultInjection={"enabled": True})) if e[2] == "admin"}
    assert on == {("testbed", s, "admin") for s in SERVICES}


def test_every_pod_is_denied_all_by_default(shop):
    deny = shop.one("NetworkPolicy", "tea-default-deny")["spec"]
    assert sorted(deny["policyTypes"]) == ["Egress", "Ingress"]
    assert not {"ingress", "egress"} & deny.keys()
    for name, meta, _ in shop.pods():
        assert selects(deny["podSelector"], meta["labels"]), name


def test_names_can_be_resolved_and_only_by_the_clusters_dns(shop):
    dns = shop.one("NetworkPolicy", "tea-dns")["spec"]
    (rule,) = dns["egress"]
    assert {(p["port"], p["protocol"]) for p in rule["ports"]} == {(53, "UDP"), (53, "TCP")}
    assert rule["to"][0]["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}


def test_another_clusters_dns_can_be_named(render):
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "openshift-dns"}}}
    dns = render(networkPolicy={"dnsTo": [peer], "dnsPort": 5353}).one("NetworkPolicy", "tea-dns")
    (rule,) = dns["spec"]["egress"]
    assert rule["to"] == [peer]
    assert {p["port"] for p in rule["ports"]} == {5353}


API_SERVER = {"ipBlock": {"cidr": "172.18.0.0/16"}}


def from_the_api_server(rendered, service):
    """The ports on which a service takes what comes from the API server's addresses."""
    rules = rendered.one("NetworkPolicy", f"tea-{service}")["spec"]["ingress"]
    return {p["port"] for r in rules if API_SERVER in r.get("from", []) for p in r["ports"]}


@pytest.mark.parametrize("service", SERVICES)
def test_the_api_servers_proxy_is_let_in_where_its_addresses_are_named(render, service):
    """It runs on another node than most pods, and only a pod's own node is never held."""
    named = {"networkPolicy": {"apiServerFrom": [API_SERVER]}}
    assert from_the_api_server(render(), service) == set()
    assert from_the_api_server(render(**named), service) == {"http"}
    faulty = render(**named, faultInjection={"enabled": True})
    assert from_the_api_server(faulty, service) == {"http", "admin"}
    assert {e for e in edges(faulty) if "testbed" not in e} == SHOP_EDGES


def test_on_kind_the_proxy_is_let_in_and_the_pods_are_not(render):
    """kind's own network plugin enforces policies (it embeds kube-network-policies)."""
    rendered = render("values-ci.yaml")
    for service in SERVICES:
        rules = rendered.one("NetworkPolicy", f"tea-{service}")["spec"]["ingress"]
        (block,) = (p["ipBlock"] for r in rules for p in r.get("from", []) if "ipBlock" in p)
        assert block["except"] == ["10.244.0.0/16"]  # kind's pod network
    assert {e for e in edges(rendered) if not {"testbed", "prometheus"} & {*e}} == SHOP_EDGES


def test_a_load_from_inside_enters_a_narrowed_door(render):
    peer = {"ipBlock": {"cidr": "10.0.0.0/8"}}
    policy = render(networkPolicy={"gatewayFrom": [peer]}).one("NetworkPolicy", "tea-gateway")
    inside = InsidePlan(
        plan=LoadPlan(capacity_rps=1.0, phases=(Phase(name="p", seconds=1.0, factor=1.0),)),
        seed=1,
        t0_unix_s=0.0,
        workers=1,
        image="teastorm:1",
        gateway="tea-front:80",
        namespace="shop",
        release="tea",
        load_id="a",
    )
    pods = [job["spec"]["template"]["metadata"]["labels"] for job in jobs(inside)]
    peers = [p for r in policy["spec"]["ingress"] for p in r.get("from", []) if "podSelector" in p]
    assert all(any(selects(p["podSelector"], labels) for p in peers) for labels in pods)


def test_prometheus_can_be_narrowed(render):
    peer = {"ipBlock": {"cidr": "10.0.0.0/8"}}
    values = {"prometheus": {"enabled": True}, "networkPolicy": {"prometheusFrom": [peer]}}
    policy = render(**values).one("NetworkPolicy", "tea-prometheus")
    assert [rule["from"] for rule in policy["spec"]["ingress"]] == [[peer]]


def test_the_door_can_be_narrowed(render):
    peer = {"ipBlock": {"cidr": "10.0.0.0/8"}}
    policy = render(networkPolicy={"gatewayFrom": [peer]}).one("NetworkPolicy", "tea-gateway")
    assert policy["spec"]["ingress"][0]["from"] == [peer]


def test_a_database_outside_is_reached_by_its_port(render):
    rendered = render(
        postgresql={"enabled": False}, externalDatabase={"existingSecret": "db", "port": 6432}
    )
    for service in ("orders", "dispatch"):
        egress = rendered.one("NetworkPolicy", f"tea-{service}")["spec"]["egress"]
        assert {"ports": [{"port": 6432}]} in egress
    assert "tea-postgresql" not in rendered.of("NetworkPolicy")


def test_they_can_be_left_out(render):
    assert render(networkPolicy={"enabled": False}).of("NetworkPolicy") == {}


@pytest.mark.parametrize("dropped", ["tea-postgresql", "tea-orders"])
def test_the_check_can_fail(render, dropped):
    kept = [
        m
        for m in render().manifests
        if m["metadata"]["name"] != dropped or m["kind"] != "NetworkPolicy"
    ]
    assert {e for e in edges(Rendered(kept)) if "testbed" not in e} != SHOP_EDGES
