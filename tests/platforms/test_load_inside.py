"""The objects of a load from inside: what restricted Pod Security wants, and the generator's own spec."""

import json
from dataclasses import replace

import pytest
import yaml
from tests.platforms.fake_cluster import FakeCluster

from teastorm.load.errors import LoadDidNotStart
from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.spec import Spec
from teastorm.platforms.kubernetes import load_manifests as manifests
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.load_inside import InsideLoad
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.values import front_port_of, pull_secrets_of

PLAN = LoadPlan(
    capacity_rps=10.0,
    phases=(Phase(name="busy", seconds=5.0, factor=1.0, fault=True),),
    base_factor=1.0,
)


def inside(workers: int = 2) -> manifests.InsidePlan:
    return manifests.InsidePlan(
        plan=PLAN,
        seed=3,
        t0_unix_s=1e9,
        workers=workers,
        image="teastorm:1",
        gateway="teashop-front.teashop.svc:80",
        namespace="teashop",
        release="teashop",
        load_id="abcd",
    )


def test_the_specification_is_the_generators_own(tmp_path):
    data = manifests.config_map(inside())["data"]
    (tmp_path / "load-spec.json").write_text(data["load-spec.json"])
    spec = Spec.read(tmp_path / "load-spec.json")
    assert (spec.seed, spec.workers, spec.plan.to_json()) == (3, 2, PLAN.to_json())
    assert json.loads(data["endpoints.json"]) == {"gateway": ["teashop-front.teashop.svc:80"]}


def test_the_image_is_pulled_as_the_shops_is():
    values = {"image": {"repository": "reg.example/tea", "pullSecrets": ["reg", "mirror"]}}
    private = replace(inside(), pull_secrets=pull_secrets_of(values))
    for job in manifests.jobs(private):
        pod = job["spec"]["template"]["spec"]
        assert pod["imagePullSecrets"] == [{"name": "reg"}, {"name": "mirror"}]
    assert pull_secrets_of({"image": {"tag": "1"}}) == pull_secrets_of({}) == ()
    assert "imagePullSecrets" not in manifests.jobs(inside())[0]["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    ("values", "port"),
    [({}, 80), ({"gateway": {"service": {"type": "NodePort"}}}, 80), ({"gateway": None}, 80),
     ({"gateway": {"service": {"port": 8000}}}, 8000)],
)  # fmt: skip
def test_the_gateway_is_asked_at_its_services_port(values, port):
    assert front_port_of(values) == port


def test_its_objects_have_the_recommended_labels_and_a_bound_on_memory():
    objects = [
        manifests.config_map(inside()),
        manifests.service(inside()),
        *manifests.jobs(inside()),
    ]
    names = {f"app.kubernetes.io/{n}" for n in ("name", "instance", "component", "managed-by")}
    assert all(made["metadata"]["labels"].keys() >= names for made in objects)
    for job in manifests.jobs(inside()):
        template = job["spec"]["template"]
        assert template["metadata"]["labels"].keys() >= names
        # The shop's policies and Services select by this name; a load is none of its pods.
        assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "teastorm"
        assert "memory" in template["spec"]["containers"][0]["resources"]["limits"]


def test_master_and_workers_are_restricted_pods():
    master, worker = manifests.jobs(inside(workers=3))
    assert worker["spec"]["parallelism"] == 3
    for job in (master, worker):
        pod = job["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not pod["automountServiceAccountToken"]
        assert job["spec"]["backoffLimit"] == 0
        assert yaml.safe_dump(job)
    assert "--expect-workers" in master["spec"]["template"]["spec"]["containers"][0]["args"]
    selector = manifests.service(inside())["spec"]["selector"]
    assert selector.items() <= master["spec"]["template"]["metadata"]["labels"].items()
    assert not selector.items() <= worker["spec"]["template"]["metadata"]["labels"].items()


def test_its_pods_rather_go_where_the_shop_is_not():
    for job in manifests.jobs(inside()):
        spec = job["spec"]["template"]["spec"]
        (term,) = spec["affinity"]["podAntiAffinity"][
            "preferredDuringSchedulingIgnoredDuringExecution"
        ]
        away = term["podAffinityTerm"]["labelSelector"]["matchLabels"]
        assert away == {
            "app.kubernetes.io/instance": inside().release,
            "app.kubernetes.io/name": "teashop",
        }
        assert [one["key"] for one in spec["tolerations"]] == [manifests.CONTROL_PLANE]


def test_a_load_without_workers_is_refused():
    with pytest.raises(ValueError, match="workers must be between 1 and 64"):
        inside(workers=0)


def test_an_image_that_is_not_there_is_named_and_nothing_stays(
    cluster: FakeCluster, cluster_settings: ClusterSettings, tmp_path
):
    space = "/api/v1/namespaces/teashop"
    pod = {
        "kind": "Other",
        "metadata": {"name": "teastorm-load-worker-1", "labels": inside().labels("x")},
        "spec": {"containers": [{"name": "load", "image": "teastorm:1"}]},
        "status": {
            "phase": "Pending",
            "containerStatuses": [
                {"name": "load", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
            ],
        },
    }
    cluster.put(f"{space}/pods/teastorm-load-worker-1", pod)
    load = InsideLoad(connect(cluster_settings), inside(), tmp_path)
    with pytest.raises(LoadDidNotStart, match="ImagePullBackOff of image teastorm:1"):
        load.start()
    assert not [path for path in cluster.objects if "/jobs/" in path or "/services/" in path]
    assert f"{space}/configmaps/teastorm-load" not in cluster.objects


def test_a_master_that_ends_as_it_starts_is_quoted(
    cluster: FakeCluster,
    cluster_settings: ClusterSettings,
    tmp_path,
    monkeypatch: pytest.MonkeyPatch,
):
    pod = {
        "kind": "Other",
        "metadata": {"name": "teastorm-load-master-1", "labels": inside().labels("x")},
        "spec": {"containers": [{"name": "load", "image": "teastorm:1"}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [{"name": "load", "state": {"running": {}}}],
        },
    }
    cluster.put("/api/v1/namespaces/teashop/pods/teastorm-load-master-1", pod)
    said = [b"Traceback:", b"ModuleNotFoundError: No module named 'tea'", b"", b'{"ended": 1}']
    monkeypatch.setattr(Api, "lines", lambda *_: iter(said))
    load = InsideLoad(connect(cluster_settings), inside(), tmp_path)
    with pytest.raises(LoadDidNotStart, match=r"as it started: ModuleNotFoundError.*'tea'"):
        load.start()
    assert not [path for path in cluster.objects if "/jobs/" in path or "/services/" in path]


def test_its_report_may_be_asked_for_again_when_the_pods_are_gone(
    cluster: FakeCluster,
    cluster_settings: ClusterSettings,
    tmp_path,
    monkeypatch: pytest.MonkeyPatch,
):
    """As a run does: once in the experiment's method, and once as it closes."""
    report = object()
    found = iter([report])
    monkeypatch.setattr(InsideLoad, "_fetch", lambda _: next(found, None))
    load = InsideLoad(connect(cluster_settings), inside(), tmp_path)
    assert load.stop() is report
    assert load.wait(1.0) is report
    assert load.stop() is report
