"""A command in a pod whose connection is lost on the way."""

from types import SimpleNamespace
from typing import Never

import pytest
from kubernetes import client as k8s
from websocket import WebSocketConnectionClosedException

from teastorm.platforms.kubernetes import exec as execs
from teastorm.platforms.kubernetes.errors import Unreachable


def test_a_pod_that_goes_away_meanwhile_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost(*_: object, **__: object) -> Never:
        raise WebSocketConnectionClosedException("Connection to remote host was lost.")

    monkeypatch.setattr(execs, "stream", lost)
    api = SimpleNamespace(
        client=SimpleNamespace(configuration=k8s.Configuration()), context="kind-here"
    )
    with pytest.raises(
        Unreachable, match="kind-here: exec kill in gateway-1: Connection to remote"
    ):
        execs.run(api, "teashop", "gateway-1", "gateway", ["kill"])
