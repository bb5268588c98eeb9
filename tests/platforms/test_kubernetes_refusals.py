"""What the kubernetes platform refuses before it begins, or names as it waits: one sentence each."""

from pathlib import Path

import pytest
from tests.platforms.fake_cluster import FakeCluster, Refusal
from tests.platforms.kubernetes_parts import (
    NAMESPACE,
    ONE,
    PAIR,
    refused,
    send_elsewhere,
    with_context,
)

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.errors import Denied, Unauthorized
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.survey import remove_all, roll_back, survey


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


def test_a_request_without_credentials_is_told_as_such(
    cluster: FakeCluster, kubernetes: KubernetesPlatform
):
    """A login plugin that failed sends none, and the server answers 403 to `system:anonymous`."""
    said = 'namespaces is forbidden: User "system:anonymous" cannot get resource'
    cluster.fail.append((lambda method, path: path == "/version", Refusal(403, said)))
    error = refused(kubernetes)
    assert (error.exit_code, type(error)) == (3, Unauthorized)
    assert "credentials are expired or not known" in error.sentence


def test_pods_that_the_api_server_does_not_reach_are_named_before_any_load(
    cluster: FakeCluster, kubernetes: KubernetesPlatform
):
    """As where NetworkPolicies are enforced and the API server's proxy is not let in."""
    kubernetes.deploy(PAIR)
    cluster.unreached = "orders"
    with pytest.raises(PlatformError, match=r"networkPolicy\.apiServerFrom") as error:
        kubernetes.wait_ready(20)
    assert error.value.exit_code == 3
    assert "teashop-orders-" in error.value.sentence
    cluster.unreached = ""
    kubernetes.wait_ready(20)


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


QUOTA = 'pods "teashop-gateway-5d" is forbidden: exceeded quota: team, requested: cpu=100m'


def test_pods_that_the_api_server_does_not_take_are_told_in_its_words(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("teastorm.platforms.kubernetes.waiting.PODS_COME_WITHIN_S", 0.3)
    cluster.takes_no_pods = QUOTA
    kubernetes.deploy(ONE)
    with pytest.raises(PlatformError, match="exceeded quota: team") as error:
        kubernetes.wait_ready(20)
    assert error.value.exit_code == 3
    assert error.value.sentence.startswith("the shop cannot come up: gateway: pods ")


def test_pods_that_are_only_slow_are_waited_for(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("teastorm.platforms.kubernetes.waiting.PODS_COME_WITHIN_S", 0.01)
    cluster.ready_after_s = 0.5
    kubernetes.deploy(ONE)
    kubernetes.wait_ready(20)
    assert kubernetes.endpoints("gateway")


def test_a_pod_that_does_not_go_is_named_and_what_may_keep_it(
    cluster: FakeCluster, cluster_settings: ClusterSettings, monkeypatch: pytest.MonkeyPatch
):
    """As on a node that does not answer any more, or with somebody's finalizer."""
    first = KubernetesPlatform(cluster_settings)
    first.deploy(ONE)
    first.wait_ready(20)
    first.keep()
    monkeypatch.setattr("teastorm.platforms.kubernetes.installation.CLEARED_WITHIN_S", 0.3)
    cluster.holds_pods = True
    error = refused(KubernetesPlatform(cluster_settings))
    assert error.exit_code == 3
    assert "pods/teashop-gateway-" in error.sentence
    assert "a finalizer or a node that does not answer keeps them" in error.sentence
    cluster.holds_pods = False
    assert not remove_all(connect(cluster_settings), cluster_settings)


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
    monkeypatch.setattr("teastorm.platforms.kubernetes.deployed.DOOR_OPENS_WITHIN_S", 0.3)
    platform = KubernetesPlatform(with_context(cluster_settings, gateway_url="127.0.0.1:1"))
    platform.deploy(ONE)
    with pytest.raises(PlatformError, match=r"at 127\.0\.0\.1:1 nothing answers.*--gateway-url"):
        platform.wait_ready(20)
    assert not platform.tear_down()
