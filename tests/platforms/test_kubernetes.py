"""The kubernetes platform's own promises, against a fake API server: refusals, recovery, watches."""

import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.platforms.conftest import until_real
from tests.platforms.fake_cluster import FakeCluster, Refusal

from teastorm.platforms.base import PlatformError, ShopPlan
from teastorm.platforms.kubernetes import lease as leases
from teastorm.platforms.kubernetes.api import Api, connect
from teastorm.platforms.kubernetes.effects import Effect, Effects
from teastorm.platforms.kubernetes.errors import Denied, TooMany, Unauthorized
from teastorm.platforms.kubernetes.installation import merged
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.pods import parse_pod
from teastorm.platforms.kubernetes.retry import RetryPolicy
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.survey import remove_all, roll_back, survey
from teastorm.platforms.kubernetes.values import shown, values_of

ONE = ShopPlan(replicas={"gateway": 1})
PAIR = ShopPlan(replicas={"orders": 1, "gateway": 2})
NAMESPACE = "/api/v1/namespaces/teashop"
OURS = {"app.kubernetes.io/managed-by": "teastorm"}
BEFORE = f"{NAMESPACE}/configmaps/teastorm-before"


def refused(platform: KubernetesPlatform, plan: ShopPlan = ONE) -> PlatformError:
    with pytest.raises(PlatformError) as error:
        platform.deploy(plan)
    assert "\n" not in error.value.sentence
    return error.value


def with_context(settings: ClusterSettings, **changes: object) -> ClusterSettings:
    fields = {name: getattr(settings, name) for name in settings.__dataclass_fields__}
    return ClusterSettings(**(fields | changes))  # type: ignore[arg-type]


def send_elsewhere(api: Api, server: str) -> None:
    configuration = api.client.configuration
    configuration.refresh_api_key_hook = None  # it would read the kubeconfig again, address and all
    configuration.host = server


# Bad input -----------------------------------------------------------------------------------------


def test_an_unknown_context_is_named_with_those_there_are(cluster_settings: ClusterSettings):
    error = refused(KubernetesPlatform(with_context(cluster_settings, context="prod")))
    assert error.exit_code == 2
    assert "no context 'prod'; it has fake" in error.sentence


def test_a_kubeconfig_without_a_current_context_will_do(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    file = cluster_settings.kubeconfig
    assert file is not None
    file.write_text(file.read_text().replace("current-context: fake\n", ""))
    assert connect(cluster_settings).get("/version") == {"major": "1"}
    error = refused(KubernetesPlatform(with_context(cluster_settings, context="prod")))
    assert error.exit_code == 3
    assert "prod" in error.sentence


def test_no_kubeconfig_is_one_sentence(cluster_settings: ClusterSettings, tmp_path: Path):
    settings = with_context(cluster_settings, kubeconfig=tmp_path / "nowhere")
    error = refused(KubernetesPlatform(settings))
    assert error.exit_code == 3
    assert "kubeconfig" in error.sentence


def test_no_cluster_is_one_sentence(cluster: FakeCluster, cluster_settings: ClusterSettings):
    api = connect(cluster_settings)
    send_elsewhere(api, "http://127.0.0.1:1")
    api._sleep = lambda seconds: None
    platform = KubernetesPlatform(cluster_settings, connect_to=lambda settings: api)
    error = refused(platform)
    assert error.exit_code == 3
    assert "no API server answers at http://127.0.0.1:1" in error.sentence


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [(401, Unauthorized, "credentials are expired"), (403, Denied, "not allowed to GET /version")],
)
def test_refused_credentials_are_one_sentence(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, code: int, kind: type, words: str
):
    cluster.fail.append((lambda method, path: path == "/version", Refusal(code, "who are you")))
    error = refused(kubernetes)
    assert (error.exit_code, type(error)) == (3, kind)
    assert words in error.sentence


def test_a_namespace_that_is_not_ours_is_left_alone(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, cluster_settings: ClusterSettings
):
    cluster.put(NAMESPACE, {"kind": "Namespace"})
    before = dict(cluster.objects)
    error = refused(kubernetes)
    assert error.exit_code == 3
    assert "namespace teashop is not ours" in error.sentence
    for look in (survey, remove_all, roll_back):
        with pytest.raises(PlatformError, match="not ours"):
            look(connect(cluster_settings), cluster_settings)
    assert cluster.objects == before


def test_a_missing_helm_is_named_before_anything_is_done(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "/nowhere")
    error = refused(kubernetes)
    assert (error.exit_code, cluster.requests) == (3, [])
    assert "helm is not on PATH" in error.sentence


def test_what_helm_refuses_is_passed_on_and_nothing_stays(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FAKE_HELM_FAILS", "values don't meet the specifications of the schema")
    error = refused(kubernetes)
    assert error.exit_code == 3
    assert "schema" in error.sentence


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"context": ""}, "--context NAME"),
        ({"namespace": "Shop!"}, "--namespace must be"),
        ({"namespace": "kube-system"}, "the cluster's own"),
        ({"gateway_url": "https://x"}, "--gateway-url must be"),
    ],
)
def test_settings_refuse_what_cannot_be_meant(
    cluster_settings: ClusterSettings, changes: dict, words: str
):
    with pytest.raises(PlatformError, match=words) as error:
        with_context(cluster_settings, **changes)
    assert error.value.exit_code == 2


def test_an_image_that_is_not_there_is_named_long_before_the_time_is_up(
    cluster: FakeCluster, kubernetes: KubernetesPlatform
):
    cluster.waiting_reason = "ImagePullBackOff"
    kubernetes.deploy(ONE)
    with pytest.raises(PlatformError, match=r"ImagePullBackOff of image shop:1.*load it") as error:
        kubernetes.wait_ready(600)
    assert error.value.exit_code == 3


def test_an_autoscaler_without_its_metric_is_named(
    cluster: FakeCluster, kubernetes: KubernetesPlatform
):
    metric = {"type": "ContainerResource", "containerResource": {"name": "cpu"}}
    spec = {"scaleTargetRef": {"name": "teashop-inference"}, "metrics": [metric]}
    path = "/apis/autoscaling/v2/namespaces/teashop/horizontalpodautoscalers/teashop-inference"
    cluster.put(path, {"metadata": {"labels": {}}, "spec": spec})
    error = refused(kubernetes)
    assert error.exit_code == 3
    assert "autoscaler teashop-inference follows a metric that nothing serves" in error.sentence
    assert "install metrics-server" in error.sentence


def test_a_door_that_stays_shut_is_named(
    cluster: FakeCluster, cluster_settings: ClusterSettings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("teastorm.platforms.kubernetes.platform.DOOR_OPENS_WITHIN_S", 0.3)
    platform = KubernetesPlatform(with_context(cluster_settings, gateway_url="127.0.0.1:1"))
    platform.deploy(ONE)
    with pytest.raises(PlatformError, match=r"at 127\.0\.0\.1:1 nothing answers.*--gateway-url"):
        platform.wait_ready(20)
    assert not platform.tear_down()


# One run at a time -----------------------------------------------------------------------------------


def test_a_second_run_is_refused_and_disturbs_nothing(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, cluster_settings: ClusterSettings
):
    kubernetes.deploy(PAIR)
    kubernetes.wait_ready(20)
    second = KubernetesPlatform(cluster_settings)
    error = refused(second)
    assert error.exit_code == 3
    assert "another run holds namespace teashop" in error.sentence
    assert str(os.getpid()) in error.sentence
    assert not second.tear_down()
    assert len(kubernetes.endpoints("gateway")) == 2
    assert survey(connect(cluster_settings), cluster_settings).state == "running"


def lease_of(holder: str, renewed: datetime) -> dict:
    spec = {
        "holderIdentity": holder,
        "leaseDurationSeconds": 30,
        "renewTime": renewed.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    return {"metadata": {"name": leases.NAME}, "spec": spec}


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("age_s", [0, 29, 31])
def test_a_lease_from_elsewhere_holds_for_its_whole_duration(age_s: int):
    now = datetime.now(UTC)
    found = leases.living_holder(lease_of("other/1/x", now - timedelta(seconds=age_s)), now)
    assert found == ("other/1/x" if age_s <= 30 else None)


def test_a_lease_of_a_dead_process_of_this_machine_holds_nobody():
    now = datetime.now(UTC)
    host = leases.socket.gethostname()
    assert leases.living_holder(lease_of(f"{host}/{dead_pid()}/x", now), now) is None
    alive = f"{host}/{os.getpid()}/x"
    assert leases.living_holder(lease_of(alive, now), now) == alive


def test_a_run_whose_lease_was_taken_removes_nothing(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    api = connect(cluster_settings)
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    mine = leases.RunLease(api, "teashop", renew_s=0.05)
    mine.acquire()
    path = "/apis/coordination.k8s.io/v1/namespaces/teashop/leases/teastorm-run"
    cluster.put(path, lease_of("other/1/x", datetime.now(UTC)))
    until_real(lambda: mine.lost, "it noticed")
    mine.release()
    assert cluster.objects[path]["spec"]["holderIdentity"] == "other/1/x"


# What a dead run left ----------------------------------------------------------------------------------

RUNNER = """
import sys, threading
from pathlib import Path
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings
platform = KubernetesPlatform(ClusterSettings(
    context="fake", gateway_url=sys.argv[1], chart=Path(sys.argv[2])))
platform.deploy(ShopPlan(replicas={"gateway": 2, "inference": 2}))
platform.wait_ready(20)
platform.pause_replacing("inference")
print("faulty", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def died(cluster: FakeCluster, cluster_settings: ClusterSettings) -> FakeCluster:
    """A runner that was killed with -9 in mid-fault."""
    command = [sys.executable, "-c", RUNNER, cluster.address, str(cluster_settings.chart)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "faulty\n"
    process.kill()
    process.wait()
    return cluster


def test_a_killed_runs_fault_is_found_told_and_ended(
    died: FakeCluster, kubernetes: KubernetesPlatform, cluster_settings: ClusterSettings
):
    api = connect(cluster_settings)
    look = survey(api, cluster_settings)
    assert look.state == "leftovers"
    assert [str(effect) for effect in look.effects] == [
        "inference is scaled to nothing (wanted: 2)"
    ]
    error = refused(kubernetes)
    assert error.exit_code == 3
    assert "inference is scaled to nothing" in error.sentence
    assert "teastorm rollback" in error.sentence
    ended, trouble = roll_back(api, cluster_settings)
    assert ([effect.subject for effect in ended], trouble) == (["inference"], [])
    path = "/apis/apps/v1/namespaces/teashop/deployments/teashop-inference"
    assert died.objects[path]["spec"]["replicas"] == 2
    assert not survey(api, cluster_settings).effects


def test_after_a_killed_run_down_leaves_nothing(
    died: FakeCluster, cluster_settings: ClusterSettings
):
    api = connect(cluster_settings)
    assert not remove_all(api, cluster_settings)
    assert not [path for path in died.objects if "teashop" in path]
    assert survey(api, cluster_settings).state == "nothing"
    assert not remove_all(api, cluster_settings)


def test_the_next_run_after_a_rollback_puts_nothing_of_the_dead_one_back(
    died: FakeCluster, kubernetes: KubernetesPlatform, cluster_settings: ClusterSettings
):
    roll_back(connect(cluster_settings), cluster_settings)
    kubernetes.deploy(ONE)
    kubernetes.wait_ready(20)
    assert not kubernetes.tear_down()
    assert not [path for path in died.objects if "teashop" in path]


def test_a_rollback_during_a_living_run_is_refused(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, cluster_settings: ClusterSettings
):
    kubernetes.deploy(ONE)
    with pytest.raises(PlatformError, match="interrupt it") as error:
        roll_back(connect(cluster_settings), cluster_settings)
    assert error.value.exit_code == 3


def test_an_effect_that_cannot_be_undone_stays_on_record(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    api = connect(cluster_settings)
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    effects = Effects(api, "teashop")
    effects.note(Effect(kind="cordoned", subject="one", at_unix_s=2.0))
    effects.note(Effect(kind="cordoned", subject="two", at_unix_s=1.0))
    cluster.fail.append((lambda method, path: path.endswith("/two"), Refusal(403, "no")))
    ended, trouble = roll_back(api, cluster_settings)
    assert [effect.subject for effect in ended] == ["one"]
    assert "node two is cordoned" in trouble[0]
    assert [effect.subject for effect in effects.read()] == ["two"]


def test_a_record_that_is_not_ours_is_refused_in_words(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    path = f"{NAMESPACE}/configmaps/teastorm-effects"
    cluster.put(path, {"data": {"x": '{"kind": "fire", "subject": "x", "at_unix_s": 1}'}})
    with pytest.raises(PlatformError, match="x is not a record of ours"):
        Effects(connect(cluster_settings), "teashop").read()


# What was there before ------------------------------------------------------------------------------------


def test_a_shop_that_was_there_is_put_back(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, cluster_settings: ClusterSettings
):
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    theirs = {
        "image": {"tag": "mine"},
        "gateway": {"replicas": 3},
        "faultInjection": {"enabled": True},
    }
    cluster.helm(["upgrade", "--namespace", "teashop"], theirs)
    kubernetes.deploy(PAIR)
    kubernetes.wait_ready(20)
    during = cluster.releases["teashop/teashop"]
    assert (during["image"], during["gateway"]["replicas"]) == ({"tag": "mine"}, 2)
    assert during["faultInjection"]["token"]
    assert not kubernetes.tear_down()
    assert cluster.releases["teashop/teashop"] == theirs
    assert BEFORE not in cluster.objects


def test_up_keeps_what_it_installed(cluster: FakeCluster, cluster_settings: ClusterSettings):
    platform = KubernetesPlatform(cluster_settings)
    platform.deploy(ONE)
    platform.wait_ready(20)
    platform.keep()
    assert not platform.tear_down()
    look = survey(connect(cluster_settings), cluster_settings)
    assert (look.state, look.holder, look.unfinished) == ("running", None, False)
    assert [pod.component for pod in look.pods] == ["gateway"]


# Requests and watches -----------------------------------------------------------------------------------------


def test_busy_servers_are_asked_again(cluster: FakeCluster, cluster_settings: ClusterSettings):
    api = connect(cluster_settings)
    waits: list[float] = []
    api._sleep = waits.append
    for code in (429, 503, 500):
        cluster.fail.append(
            (lambda method, path: path == "/version", Refusal(code, "busy", {"Retry-After": "1"}))
        )
    assert api.get("/version") == {"major": "1"}
    assert len(waits) == 3
    assert all(wait >= 1.0 for wait in waits)


def test_a_server_that_stays_busy_is_given_up(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    api = connect(cluster_settings)
    api._sleep = lambda seconds: None
    for _ in range(50):
        cluster.fail.append((lambda method, path: path == "/version", Refusal(429, "busy")))
    with pytest.raises(TooMany, match="busy"):
        api.get("/version")
    assert len(cluster.requests) == RetryPolicy().tries


@given(
    attempt=st.integers(1, 20),
    spent_s=st.floats(0, 100),
    after_s=st.integers(0, 100),
    seed=st.integers(),
)
def test_waits_are_bounded_and_obey_retry_after(
    attempt: int, spent_s: float, after_s: int, seed: int
):
    policy = RetryPolicy()
    headers = {"retry-after": str(after_s)}
    wait_s = policy.wait_s(attempt, spent_s, headers, random.Random(seed))
    if wait_s is None:
        assert attempt >= policy.tries or spent_s + max(after_s, policy.cap_s) > policy.within_s
    else:
        assert after_s <= wait_s <= max(after_s, policy.cap_s)
        assert spent_s + wait_s <= policy.within_s


def test_a_watch_survives_expiry_and_broken_connections(
    cluster: FakeCluster, kubernetes: KubernetesPlatform
):
    kubernetes.deploy(PAIR)
    kubernetes.wait_ready(20)
    watcher = kubernetes._shop.watcher
    lists = watcher.lists
    cluster.forget_history()
    until_real(lambda: watcher.lists > lists, "410 was answered by a new list")
    cluster.drop_watches = True
    victim = kubernetes.replicas("gateway")[0]
    kubernetes.kill(victim.replica_id)
    until_real(
        lambda: victim.identity not in {r.identity for r in kubernetes.replicas("gateway")},
        "the loss was seen through broken watches",
    )
    cluster.drop_watches = False
    kubernetes.wait_ready(20)
    told = [e.kind for e in kubernetes.events() if e.replica_id == victim.replica_id]
    assert told == ["replica_started", "replica_ready", "replica_gone"]


def test_a_lost_cluster_is_told(
    cluster: FakeCluster, cluster_settings: ClusterSettings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("teastorm.platforms.kubernetes.watch.LOST_AFTER_S", 0.2)
    platform = KubernetesPlatform(cluster_settings)
    platform.deploy(ONE)
    platform.wait_ready(20)
    watcher = platform._shop.watcher
    watcher._api._retry = RetryPolicy(tries=1)
    send_elsewhere(watcher._api, "http://127.0.0.1:1")
    cluster.drop_watches = True
    until_real(lambda: watcher.lost() is not None, "it is lost")
    with pytest.raises(PlatformError, match="no API server answers") as error:
        platform.replicas()
    assert error.value.exit_code == 3
    send_elsewhere(watcher._api, f"http://{cluster.address}")
    cluster.drop_watches = False
    until_real(lambda: watcher.lost() is None, "it came back")
    assert not platform.tear_down()


# Small parts -----------------------------------------------------------------------------------------------------


def test_values_hold_the_plan_and_hide_the_token_where_they_are_shown():
    plan = ShopPlan(
        replicas={"gateway": 2, "orders": 1},
        protections={"codel": False},
        seed=7,
        settings={"orders": {"stock": 5}},
        startup_s={"orders": 2.0},
    )
    values = values_of(plan, "secret")
    assert values["orders"] == {"replicas": 1, "settings": {"stock": 5}, "startupS": 2.0}
    assert values["inference"] == {"replicas": 0}
    assert values["postgresql"] == {"enabled": True}
    assert "secret" in json.dumps(values)
    assert "secret" not in json.dumps(shown(values))


def test_layers_merge_as_helm_merges_files():
    assert merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 5}}, {"d": [1]}) == {
        "a": {"b": 5, "c": 2},
        "d": [1],
    }


def test_a_pod_is_read_from_what_little_a_new_one_has():
    pod = parse_pod({"metadata": {"name": "a", "uid": "u"}})
    assert (pod.ready, pod.deleting, pod.restarts, pod.identity) == (False, False, 0, "u/0")


def test_a_crash_loop_is_told_after_its_second_restart():
    state = {
        "name": "gateway",
        "restartCount": 2,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "Error", "exitCode": 2}},
    }
    body = {
        "metadata": {"name": "gateway-1", "uid": "u"},
        "spec": {"containers": [{"name": "gateway", "image": "shop:1"}]},
        "status": {"phase": "Running", "containerStatuses": [state]},
    }
    assert "ends as it starts, 2 times (Error, exit 2)" in parse_pod(body).trouble()
    state["restartCount"] = 1
    assert not parse_pod(body).trouble()


def test_the_lease_is_renewed_while_it_is_held(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    lease = leases.RunLease(connect(cluster_settings), "teashop", renew_s=0.02)
    lease.acquire()
    path = "/apis/coordination.k8s.io/v1/namespaces/teashop/leases/teastorm-run"
    first = cluster.objects[path]["spec"]["renewTime"]
    until_real(lambda: cluster.objects[path]["spec"]["renewTime"] > first, "it was renewed")
    lease.release()
    assert path not in cluster.objects
