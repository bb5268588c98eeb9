"""The local platform's own promises: how a service starts, fails, ends, and what it is given."""

import os
import socket
import sys
from pathlib import Path

import orjson
import pytest
from tests.platforms.local_parts import ONE
from tests.platforms.places import STANDIN

from teastorm.platforms.base import PlatformError, ShopPlan
from teastorm.platforms.faults import FaultSpec
from teastorm.platforms.local.http import call
from teastorm.platforms.local.platform import LocalPlatform
from teastorm.platforms.local.ports import PortPicker, is_free
from teastorm.platforms.local.process import is_same


def test_a_service_that_dies_as_it_starts_is_named_with_its_last_words(
    local: LocalPlatform, tmp_path: Path
) -> None:
    local.deploy(
        ShopPlan(
            replicas={"gateway": 1}, settings={"gateway": {"behaviour": "dies"}}, run_dir=tmp_path
        )
    )
    with pytest.raises(PlatformError, match="this service cannot start") as error:
        local.wait_ready(20)
    assert error.value.exit_code == 3
    assert str(tmp_path / "logs") in error.value.sentence


def test_a_service_that_is_never_ready_is_named(local: LocalPlatform) -> None:
    local.deploy(ShopPlan(replicas={"gateway": 1}, settings={"gateway": {"behaviour": "silent"}}))
    with pytest.raises(PlatformError, match=r"gateway \(0 of 1\)"):
        local.wait_ready(0.5)


def test_a_replica_deaf_to_sigterm_is_killed(state_directory: Path) -> None:
    platform = LocalPlatform(drain_s=0.3)
    platform.deploy(ShopPlan(replicas={"gateway": 1}, settings={"gateway": {"deaf": True}}))
    platform.wait_ready(20)
    (replica,) = platform.replicas()
    assert replica.pid is not None
    assert not platform.tear_down()
    assert not is_same(replica.pid, replica.started_unix_s)


def test_settings_files_hold_the_plan_and_hide_the_token(
    local: LocalPlatform, tmp_path: Path
) -> None:
    local.deploy(
        ShopPlan(
            replicas={"orders": 1},
            protections={"codel": False},
            seed=7,
            settings={"orders": {"stock": 5, "common": {"grace_s": 0.1}}},
            run_dir=tmp_path,
        )
    )
    shown = orjson.loads((tmp_path / "settings" / "orders.json").read_bytes())
    assert shown["common"]["admin_token"] is None
    assert shown["common"]["protections"] == {"codel": False}
    assert shown["common"]["seed"] == 7
    assert shown["common"]["grace_s"] == 0.1
    assert shown["stock"] == 5
    assert shown["dsn"].startswith("sqlite:///")
    private = local.endpoints_file.parent / "replicas" / "orders-1.json"
    content = orjson.loads(private.read_bytes())
    assert content["common"]["replica"] == "orders-1"
    assert len(content["common"]["admin_token"]) > 20
    assert private.stat().st_mode & 0o077 == 0


def test_faults_reach_the_admin_port_with_the_token(local: LocalPlatform) -> None:
    local.deploy(ONE)
    local.wait_ready(20)
    (replica,) = local.replicas()
    spec = FaultSpec(kind="latency", latency_s=0.25, share=0.5, duration_s=9.0)
    local.set_fault("gateway", spec)
    _, seen = call(replica.host, replica.admin_port, "GET", "/faults")
    assert orjson.loads(seen) == [spec.as_json()]
    status, _ = call(replica.host, replica.admin_port, "POST", "/faults", payload={})
    assert status == 401
    local.clear_faults("gateway")
    assert orjson.loads(call(replica.host, replica.admin_port, "GET", "/faults")[1]) == []


def test_replicas_yield_the_cpu(local: LocalPlatform) -> None:
    local.deploy(ShopPlan(replicas={"gateway": 1, "inference": 1}))
    local.wait_ready(20)
    nice = {
        replica.service: os.getpriority(os.PRIO_PROCESS, replica.pid or 0)
        for replica in local.replicas()
    }
    assert nice == {"gateway": 12, "inference": 17}


def test_the_default_command_is_the_shops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEASTORM_SHOP_ENTRY", raising=False)
    assert LocalPlatform()._entry == (sys.executable, "-m", "teashop.serving.run")
    assert LocalPlatform(entry=STANDIN)._entry == STANDIN


def test_ports_are_free_and_different() -> None:
    picker = PortPicker()
    ports = [picker.pick() for _ in range(20)]
    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)


def test_a_port_that_is_taken_is_passed_over() -> None:
    first = PortPicker().pick()
    with socket.create_server(("127.0.0.1", first)):
        assert not is_free(first)
        assert PortPicker().pick() != first


def test_a_replica_whose_port_was_taken_meanwhile_comes_up_on_another(
    local: LocalPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    pick = PortPicker.pick
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = stranger.getsockname()[1]
        given = iter([taken])
        monkeypatch.setattr(PortPicker, "pick", lambda self: next(given, None) or pick(self))
        local.deploy(ONE)
        local.wait_ready(20)
        (endpoint,) = local.endpoints("gateway")
    assert not endpoint.endswith(f":{taken}")
    assert [event.kind for event in local.events()].count("replica_started") == 2
