"""What every platform promises, held against each.

`shop` is one that stands for several tests, each of which leaves it as whole as it was; `platform`
is one of the test's own, which nobody has deployed.
"""

import signal

import orjson
import pytest
from tests.platforms.conftest import Until
from tests.platforms.places import SHOP

from teastorm.platforms.base import Platform, PlatformError, ShopPlan
from teastorm.platforms.faults import EdgeFaultSpec, FaultSpec, fault_body

PAIR = ShopPlan(replicas={"orders": 1, "gateway": 2})


def ids(platform: Platform, service: str) -> list[str]:
    return [replica.replica_id for replica in platform.replicas(service)]


def kinds(platform: Platform, replica_id: str) -> list[str]:
    return [event.kind for event in platform.events() if event.replica_id == replica_id]


def file_says(platform: Platform) -> dict[str, list[str]]:
    content: dict[str, list[str]] = orjson.loads(platform.endpoints_file.read_bytes())
    return content


def test_deploy_brings_up_the_wanted_counts(shop: Platform) -> None:
    assert {service: len(shop.replicas(service)) for service in SHOP.replicas} == SHOP.replicas
    assert len({replica.identity for replica in shop.replicas()}) == 4
    ports = [(r.host, port) for r in shop.replicas() for port in (r.port, r.admin_port)]
    assert len(set(ports)) == 8
    assert file_says(shop) == {service: shop.endpoints(service) for service in SHOP.replicas}
    assert len(shop.endpoints("gateway")) == 2


def test_targets_name_every_living_replica(shop: Platform) -> None:
    found = {(target.service, target.replica) for target in shop.targets()}
    assert found == {(r.service, r.replica_id) for r in shop.replicas()}
    assert all(target.url.endswith("/metrics") for target in shop.targets())


def test_a_killed_replica_is_replaced_by_another(shop: Platform, until: Until) -> None:
    before = shop.replicas("gateway")[0]
    gone = shop.kill(before.replica_id, signal.SIGKILL)
    assert gone.identity == before.identity
    until(lambda: before.replica_id not in ids(shop, "gateway"), "it is gone")
    until(lambda: len(shop.endpoints("gateway")) == 2, "it is replaced")
    assert before.identity not in {replica.identity for replica in shop.replicas()}
    assert before.endpoint not in file_says(shop)["gateway"]
    # A cluster may tell of a pod's deletion before it tells that the pod is gone.
    told = [kind for kind in kinds(shop, before.replica_id) if kind != "replica_unready"]
    assert told == ["replica_started", "replica_ready", "replica_gone"]


def test_a_drained_replica_leaves_and_is_replaced(shop: Platform, until: Until) -> None:
    before = shop.replicas("gateway")[0]
    shop.kill(before.replica_id, signal.SIGTERM)
    assert before.endpoint not in shop.endpoints("gateway")
    until(lambda: before.replica_id not in ids(shop, "gateway"), "it is gone")
    until(lambda: len(shop.endpoints("gateway")) == 2, "it is replaced")


def test_all_replicas_stay_dead_while_replacing_is_paused(shop: Platform, until: Until) -> None:
    shop.pause_replacing("gateway")
    for replica in shop.replicas("gateway"):
        shop.kill(replica.replica_id)
    until(lambda: not shop.replicas("gateway"), "all are gone")
    assert file_says(shop)["gateway"] == []
    with pytest.raises(PlatformError, match=r"gateway"):
        shop.wait_ready(0.4)
    assert not shop.replicas("gateway")
    shop.resume_replacing("gateway")
    shop.wait_ready(shop.ready_within_s)
    assert len(shop.endpoints("gateway")) == 2


def test_scale_up_and_down(shop: Platform, until: Until) -> None:
    told = len(shop.events())
    first = ids(shop, "gateway")
    shop.scale("gateway", 3)
    shop.wait_ready(shop.ready_within_s)
    assert len(shop.endpoints("gateway")) == 3
    three = ids(shop, "gateway")
    assert set(first) < set(three)
    shop.scale("gateway", 1)
    # Which one stays is the platform's choice: a ReplicaSet looks at nodes and ages in steps.
    until(lambda: len(ids(shop, "gateway")) == 1, "two of them left")
    assert set(ids(shop, "gateway")) < set(three)
    shop.scale("gateway", 0)
    until(lambda: not shop.replicas("gateway"), "none is left")
    shop.scale("gateway", 2)
    details = [event.detail for event in shop.events()[told:] if event.kind == "scale"]
    assert details == ["to 3", "to 1", "to 0", "to 2"]
    shop.wait_ready(shop.ready_within_s)


def test_added_replicas_wait_for_their_start_up(shop: Platform) -> None:
    shop.scale("gateway", 3, startup_s=60.0)
    with pytest.raises(PlatformError, match=r"not ready after 0\.3 s: gateway"):
        shop.wait_ready(0.3)
    assert len(shop.replicas("gateway")) == 2
    shop.scale("gateway", 2)
    shop.wait_ready(shop.ready_within_s)


def test_wait_ready_of_some_services(shop: Platform) -> None:
    shop.scale("gateway", 3, startup_s=60.0)
    shop.wait_ready(shop.ready_within_s, ["orders"])
    assert len(shop.endpoints("orders")) == 1
    shop.scale("gateway", 2)


def test_a_stopped_replica_is_not_ready_until_continued(shop: Platform, until: Until) -> None:
    both = ids(shop, "gateway")
    stopped = shop.replicas("gateway")[0]
    shop.kill(stopped.replica_id, signal.SIGSTOP)
    until(lambda: stopped.endpoint not in shop.endpoints("gateway"), "the probe noticed")
    assert len(shop.endpoints("gateway")) == 1
    assert ids(shop, "gateway") == both
    shop.kill(stopped.replica_id, signal.SIGCONT)
    until(lambda: stopped.endpoint in shop.endpoints("gateway"), "it is back")


def test_faults_are_set_and_cleared(shop: Platform) -> None:
    told = len(shop.events())
    shop.set_fault("gateway", FaultSpec(kind="latency", latency_s=0.2))
    shop.set_fault("gateway", FaultSpec(kind="errors"), ids(shop, "gateway")[0])
    details = [event.detail for event in shop.events()[told:] if event.kind == "fault_set"]
    assert details == ["latency in 2", "errors in 1"]
    shop.clear_faults("gateway")
    with pytest.raises(PlatformError, match="no replica to inject"):
        shop.set_fault("gateway", FaultSpec(kind="hang"), "gateway-99")


def test_faults_between_services_are_set_in_the_caller_and_cleared(shop: Platform) -> None:
    told = len(shop.events())
    (callee,) = ids(shop, "orders")
    shop.set_fault("gateway", EdgeFaultSpec(to="orders", kind="latency", latency_s=0.2))
    one = EdgeFaultSpec(to="orders", kind="partition", to_replica=callee)
    shop.set_fault("gateway", one, ids(shop, "gateway")[0])
    details = [event.detail for event in shop.events()[told:] if event.kind == "fault_set"]
    assert details == ["latency to orders in 2", f"partition to {callee} in 1"]
    shop.clear_faults("gateway")
    for spec, sentence in (
        (EdgeFaultSpec(to="kitchen", kind="refuse"), "service must be one of"),
        (EdgeFaultSpec(to="orders", kind="refuse", to_replica="orders-99"), "is called orders-99"),
    ):
        with pytest.raises(PlatformError, match=sentence) as error:
            shop.set_fault("gateway", spec)
        assert error.value.exit_code == 2
    assert [event.kind for event in shop.events()[told:]].count("fault_set") == 2


def test_a_callees_replica_is_told_to_its_callers_as_they_dial_it(shop: Platform) -> None:
    (callee,) = shop.replicas("orders")
    spec = EdgeFaultSpec(to="orders", kind="errors", to_replica=callee.replica_id)
    body = fault_body(spec, shop.replicas)
    assert (body["to"], body["endpoint"]) == ("orders", callee.endpoint)
    assert "to_replica" not in body


def test_audit_gives_both_ledgers(shop: Platform) -> None:
    books = shop.audit()
    assert set(books) == {"orders", "dispatch"}
    assert books["orders"]["orders"] == []


def test_events_are_in_order_of_time(shop: Platform) -> None:
    times = [event.at_s for event in shop.events()]
    assert times == sorted(times)
    row = shop.events()[0].as_json(t0_s=times[0])
    assert row["t_s"] == 0
    assert row["kind"] == "replica_started"


def test_a_successor_deploys_where_the_first_ended(platform: Platform) -> None:
    platform.deploy(PAIR)
    platform.wait_ready(platform.ready_within_s)
    heir = platform.successor()
    assert platform.replicas() == []
    try:
        assert (heir.name, heir.place) == (platform.name, platform.place)
        heir.deploy(PAIR)
        heir.wait_ready(heir.ready_within_s)
        assert [len(heir.endpoints(service)) for service in ("orders", "gateway")] == [1, 2]
    finally:
        assert not heir.tear_down()


def test_tear_down_leaves_nothing_and_may_be_repeated(platform: Platform) -> None:
    platform.deploy(PAIR)
    platform.wait_ready(platform.ready_within_s)
    file, door = platform.endpoints_file, platform.door_file
    assert not platform.tear_down()
    assert not platform.tear_down()
    assert not platform.replicas()
    assert not file.exists()
    assert not door.exists()


def test_the_door_is_open_once_the_gateway_is_ready(shop: Platform) -> None:
    (door,) = {shop.door_file} - {shop.endpoints_file} or {shop.endpoints_file}
    assert orjson.loads(door.read_bytes())["gateway"]


def test_what_is_not_there_is_a_usage_error(platform: Platform) -> None:
    with pytest.raises(PlatformError, match="not been deployed") as before:
        platform.replicas()
    platform.deploy(ShopPlan(replicas={"gateway": 1}))
    with pytest.raises(PlatformError, match="already been deployed"):
        platform.deploy(PAIR)
    for act in (
        lambda: platform.scale("kitchen", 1),
        lambda: platform.replicas("kitchen"),
        lambda: platform.pause_replacing("kitchen"),
        lambda: platform.scale("gateway", -1),
        lambda: platform.kill("gateway-99"),
    ):
        with pytest.raises(PlatformError) as error:
            act()
        assert error.value.exit_code == 2
    assert before.value.exit_code == 2
