"""The chart's Roles beside what the testbed asks of an API server: all of it, and nothing else.

The requests are those of a whole life against the fake API server, which records them; Roles are
rendered by the real Helm.
"""

import contextlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.charts.conftest import CHART, found
from tests.platforms.fake_cluster import FakeCluster
from tests.platforms.kubernetes_parts import LEASE, NAMESPACE, OURS, PAIR
from tests.platforms.places import fake_cluster, settings_of
from tests.platforms.rbac import ROLES, Action, Rule, action_of, denied, rendered, rights, rules_of
from tests.platforms.test_load_inside import inside
from tests.waiting import until as until_real

from teastorm.load.errors import LoadDidNotStart
from teastorm.platforms.faults import FaultSpec
from teastorm.platforms.kubernetes.api import MERGE, Api
from teastorm.platforms.kubernetes.errors import NotThere
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.lease import RunLease
from teastorm.platforms.kubernetes.load_inside import InsideLoad
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.survey import roll_back, survey
from teastorm.tune.hpa_recorder import HpaRecorder

VERBS_OF_HELM = {"get", "create", "patch", "delete"}
SPARE = {Rule("create", "", "pods/exec", None)}
"""From Kubernetes 1.35 on the server wants it for a WebSocket; the request is a GET all the same."""


SEEN: set[Action] = set()


@pytest.fixture
def run_rights() -> frozenset[Rule]:
    return rights("teastorm") | rights("teashop-teashop-teastorm")


@pytest.fixture
def asked(
    run_rights: frozenset[Rule],
    cluster: FakeCluster,
    cluster_settings: ClusterSettings,
    tmp_path: Path,
) -> set[Action]:
    """Every action of a run in a namespace that somebody made: faults, load, a rollback, an end."""
    if SEEN:  # one such run takes seconds, and each tells the same
        return set(SEEN)
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    api = connect(cluster_settings)
    platform = KubernetesPlatform(cluster_settings)
    platform.deploy(replace(PAIR, run_dir=tmp_path))
    platform.wait_ready(20)
    suffer(platform)
    offer_from_inside(api, tmp_path)
    watch_an_autoscaler(api)
    assert not platform.tear_down()
    hold(cluster, api)
    survey(api, cluster_settings)
    roll_back(api, cluster_settings)
    actions = [action_of(method, path, watching=w) for method, path, w in cluster.asked]
    SEEN.update(action for action in actions if action is not None)
    return set(SEEN)


def suffer(platform: KubernetesPlatform) -> None:
    """Each fault and each look that a run may take."""
    operations = platform.operations
    name = platform.replicas("gateway")[0].replica_id
    operations.hang_limit_s(name)
    operations.freeze(name)
    operations.thaw(name)
    operations.kill_container(name)
    operations.restart("gateway")
    until_real(lambda: operations.rollout("gateway").done, "it is rolled out")
    node = operations.schedulable()[0]
    operations.cordon(node)
    operations.uncordon(node)
    operations.evict(operations.pods("gateway")[0])
    until_real(lambda: len(platform.endpoints("gateway")) == 2, "the evicted one is replaced")
    platform.set_fault("orders", FaultSpec(kind="latency", latency_s=0.1))
    platform.clear_faults("orders")
    platform.audit()
    platform.pause_replacing("orders")
    platform.resume_replacing("orders")
    platform.kill(platform.replicas("gateway")[0].replica_id)


def offer_from_inside(api: Api, folder: Path) -> None:
    """A load whose pods never come."""
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(LoadDidNotStart):
        patch.setattr("teastorm.platforms.kubernetes.load_inside.STARTS_WITHIN_S", 0.1)
        patch.setattr("teastorm.platforms.kubernetes.load_inside.PODS_COME_WITHIN_S", 0.0)
        InsideLoad(api, inside(), folder).start()


def watch_an_autoscaler(api: Api) -> None:
    """What `tune --verify` reads and sets; there is none here, which is no matter."""
    recorder = HpaRecorder(api, namespace="teashop", release="teashop", service="inference")
    for path in (recorder._metrics, recorder._pods, recorder._scale, recorder.hpa_path):
        with contextlib.suppress(NotThere):
            api.get(path)
    with contextlib.suppress(NotThere):
        api.patch(recorder.hpa_path, {"spec": {"minReplicas": 2}}, kind=MERGE)


def hold(cluster: FakeCluster, api: Api) -> None:
    """A lease that is renewed and let go."""
    lease = RunLease(api, "teashop", renew_s=0.02)
    lease.acquire()
    first = cluster.objects[LEASE]["spec"]["renewTime"]
    until_real(lambda: cluster.objects[LEASE]["spec"]["renewTime"] > first, "it was renewed")
    lease.release()


def test_whatever_a_run_asks_for_is_granted(run_rights, asked):
    assert len(asked) > 40
    assert denied(run_rights | rights("teastorm-install"), asked) == set()


def test_whatever_any_test_lets_the_testbed_ask_for_is_compared(
    run_rights: frozenset[Rule], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with (
        pytest.raises(AssertionError, match=r"do not grant \{'get nodes one'\}"),
        fake_cluster(tmp_path, monkeypatch) as fake,
    ):
        connect(settings_of(fake, tmp_path)).get("/api/v1/nodes/one")


def test_nothing_is_granted_that_no_run_asks_for(run_rights, asked):
    unused = {rule for rule in run_rights if not any(rule.grants(action) for action in asked)}
    assert unused == SPARE


def test_without_the_right_to_install_only_clearing_is_denied(run_rights, asked):
    assert denied(run_rights, asked) == {
        "deletecollection pods",
        "deletecollection persistentvolumeclaims",
        "list persistentvolumeclaims",
        "deletecollection jobs.batch",
    }


def test_the_comparison_can_fail(run_rights, asked):
    usual = denied(run_rights, asked)
    for rule in run_rights - SPARE:
        assert denied(run_rights - {rule}, asked) > usual, rule


def kinds() -> set[tuple[str, str]]:
    """(group, resource) of what the chart puts into its namespace."""
    outside = {"ClusterRole", "ClusterRoleBinding", "Pod"}  # the pod is `helm test`'s
    irregular = {"NetworkPolicy": "networkpolicies"}
    return {
        (
            m["apiVersion"].rpartition("/")[0],
            irregular.get(m["kind"], f"{m['kind'].lower()}s"),
        )
        for m in rendered()
        if m["kind"] not in outside
    }


def test_the_second_role_is_what_helm_needs_for_the_charts_kinds(asked):
    install = rights("teastorm-install")
    helms = {Rule(v, group, kind, None) for group, kind in kinds() for v in VERBS_OF_HELM}
    records = {Rule(verb, "", "secrets", None) for verb in ("list", "update")}
    assert helms | records <= install
    clearing = {rule for rule in install if any(rule.grants(action) for action in asked)}
    assert install - helms - records - clearing == set()


def test_the_charts_other_roles_grant_nothing_that_the_installing_one_lacks():
    """The API server lets nobody grant more than they have."""
    mine = rights("teastorm") | rights("teastorm-install")
    others = [m for m in rendered() if m["kind"] == "Role" and m["metadata"]["name"] not in ROLES]
    assert others
    for role in others:
        assert rules_of(role) <= mine, role["metadata"]["name"]


def test_no_role_lets_anybody_make_pods_or_read_all_secrets_to_run_faults(run_rights):
    assert not any((r.verb, r.resource) == ("create", "pods") for r in run_rights)
    assert {r.name for r in run_rights if r.resource == "secrets"} == {"teashop-admin"}


def test_the_roles_can_be_rendered_apart_from_the_release():
    command = [found("helm"), "template", "teashop", str(CHART), "-n", "teashop"]
    command += ["-s", "templates/testbed.yaml", "--kube-version", "1.34.0"]
    command += ["--set", "testbed.rbac.enabled=true,testbed.rbac.install=true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    made = [(m["kind"], m["metadata"]["name"]) for m in yaml.safe_load_all(done.stdout) if m]
    assert sorted(made) == [
        ("Role", "teastorm"),
        ("Role", "teastorm-install"),
        ("RoleBinding", "teastorm"),
        ("RoleBinding", "teastorm-install"),
        ("ServiceAccount", "teastorm"),
    ]
