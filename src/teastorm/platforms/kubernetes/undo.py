"""How each effect that a run may leave on the cluster is undone, by the run or by a later command.

Each is safe to repeat, and an object that is gone took its effect with it.
"""

import base64
import contextlib

from teastorm.platforms.kubernetes import exec as execs
from teastorm.platforms.kubernetes.api import MERGE, Api
from teastorm.platforms.kubernetes.effects import Effect
from teastorm.platforms.kubernetes.errors import ClusterError, NotThere
from teastorm.platforms.kubernetes.namespace import path_of
from teastorm.platforms.kubernetes.pods import COMPONENT_LABEL, INSTANCE_LABEL, parse_pod
from teastorm.platforms.kubernetes.proxy import PodProxy
from teastorm.platforms.kubernetes.settings import ClusterSettings


def undo(api: Api, settings: ClusterSettings, effect: Effect) -> None:
    """Undo one effect; `ClusterError` when the cluster refuses."""
    match effect.kind:
        case "scaled":
            with contextlib.suppress(NotThere):
                scale_to(api, settings, effect.subject, effect.replicas)
        case "frozen":
            thaw(api, settings, effect)
        case "cordoned":
            with contextlib.suppress(NotThere):
                mark_node(api, effect.subject, unschedulable=False)
        case "injected":
            clear_injected(api, settings, effect.subject)


def scale_to(api: Api, settings: ClusterSettings, service: str, n: int) -> None:
    """Set how many replicas a service's Deployment wants."""
    where = f"/apis/apps/v1/namespaces/{settings.namespace}/deployments"
    api.patch(f"{where}/{settings.release}-{service}", {"spec": {"replicas": n}}, kind=MERGE)


def mark_node(api: Api, node: str, *, unschedulable: bool) -> None:
    """Cordon or uncordon."""
    body = {"spec": {"unschedulable": True if unschedulable else None}}
    api.patch(f"/api/v1/nodes/{node}", body, kind=MERGE)


def thaw(api: Api, settings: ClusterSettings, effect: Effect) -> None:
    """Continue a stopped process, if its pod is still that one."""
    try:
        found = api.get(f"{path_of(settings.namespace)}/pods/{effect.subject}")
    except NotThere:
        return
    pod = parse_pod(found)
    if pod.uid == effect.uid and pod.running:
        execs.signal_service(api, settings.namespace, pod.name, pod.container, "CONT")


def clear_injected(api: Api, settings: ClusterSettings, service: str) -> None:
    """Let every running pod of a service forget its injected faults."""
    token = admin_token(api, settings)
    proxy = PodProxy(api, settings.namespace)
    selector = f"{INSTANCE_LABEL}={settings.release},{COMPONENT_LABEL}={service}"
    listed = api.get(f"{path_of(settings.namespace)}/pods", labelSelector=selector)
    for pod in map(parse_pod, listed.get("items") or []):
        if not pod.running:
            continue
        try:
            proxy.faults(pod.replica(), "DELETE", None, token)
        except ClusterError:
            # One that went away meanwhile took its fault with it.
            with contextlib.suppress(NotThere):
                now = parse_pod(api.get(f"{path_of(settings.namespace)}/pods/{pod.name}"))
                if now.identity == pod.identity and now.ready:
                    raise


def admin_token(api: Api, settings: ClusterSettings) -> str:
    """The token of the admin port, from the release's Secret."""
    path = f"{path_of(settings.namespace)}/secrets/{settings.release}-admin"
    data = api.get(path).get("data") or {}
    return base64.b64decode(data.get("token", "")).decode()
