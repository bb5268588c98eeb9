"""A command inside a pod's container, through the API server's exec.

The image has no tools beyond a shell, and its process 1 is an init whose only child is the
service: signals go to that child. A process cannot be stopped or killed from inside its own pod's
namespace if it is process 1 (pid_namespaces(7)), which is why the init is there.
"""

import json
from collections.abc import Sequence
from typing import Any

import urllib3
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream
from kubernetes.stream.ws_client import ERROR_CHANNEL
from websocket import WebSocketException

from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.errors import ClusterError, Unreachable, error_of

TIMEOUT_S = 10.0
CHILD = "$(cat /proc/1/task/1/children)"


def prepare() -> None:
    """Load what an exec needs: a second or two of CPU that a fault should not begin with."""
    # The client imports its generated API when it is first named.
    k8s.CoreV1Api  # noqa: B018 - named to be imported


def signal_service(api: Api, namespace: str, pod: str, container: str, signal: str) -> None:
    """Send `signal` (`STOP`, `CONT`, `KILL`) to the service under the container's init.

    A KILL takes the container, and with it the shell that sent it: how that ended tells nothing.
    """
    command = ["sh", "-c", f"kill -{signal} {CHILD}"]
    run(api, namespace, pod, container, command, whatever_comes=signal == "KILL")


def run(
    api: Api,
    namespace: str,
    pod: str,
    container: str,
    command: Sequence[str],
    *,
    whatever_comes: bool = False,
) -> str:
    """Run a command, bounded; its output.

    `ClusterError` when it cannot be started, or fails and that is not `whatever_comes`.
    """
    # `stream` swaps a method of its client while it works: each call gets a client of its own.
    core = k8s.CoreV1Api(k8s.ApiClient(configuration=api.client.configuration))
    what = f"exec {command[0]} in {pod}"
    try:
        session = stream(
            core.connect_get_namespaced_pod_exec,
            pod,
            namespace,
            container=container,
            command=list(command),
            stdin=False,
            stdout=True,
            stderr=True,
            tty=False,
            _preload_content=False,
            _request_timeout=TIMEOUT_S,
        )
        session.run_forever(timeout=TIMEOUT_S)
        still_open = session.is_open()
        # The output first would throw the status away with it.
        failure = _failure(session.read_channel(ERROR_CHANNEL) if not still_open else "")
        complaint = session.read_stderr() if session.peek_stderr() else ""
        said = session.read_all()
        session.close()
    except ApiException as error:
        raise error_of(int(error.status or 0), what, api.context, str(error.reason)) from error
    except (OSError, urllib3.exceptions.HTTPError, WebSocketException) as error:
        raise Unreachable(f"context {api.context}: {what}: {error}") from error
    if whatever_comes:
        return str(said)
    if still_open:
        raise ClusterError(f"{what}: no end within {TIMEOUT_S:.0f} s")
    if failure:
        raise ClusterError(f"{what}: {failure} {(complaint or said).strip()[:200]}".strip())
    return str(said)


def _failure(status: Any) -> str:
    """What the status channel says went wrong; empty when all went well."""
    try:
        found = json.loads(status)
    except (ValueError, TypeError):
        return "it broke off without a status"
    return "" if found.get("status") == "Success" else str(found.get("message", "it failed"))
