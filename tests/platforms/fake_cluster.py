"""A small API server in this process: objects, watches, a Deployment controller, a pod proxy, exec.

It speaks enough of the real one's HTTP for the kubernetes platform to work against it unchanged:
resource versions, 404, 409 and 410 with Status bodies, bookmarks, DeleteOptions. What it does not
have (scheduling, kubelets, budgets' arithmetic) is what `tests/e2e` is for.
"""

import base64
import copy
import itertools
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer

from tests.platforms.fake_controller import Controller
from tests.platforms.fake_http import Refusal, handler
from tests.platforms.fake_objects import Objects, merged

__all__ = ["FakeCluster", "Refusal"]

SERVICES = ("orders", "dispatch", "inference", "gateway")


class FakeCluster(Objects):
    """`fail` holds answers to give instead of the next ones, by what they answer.

    `takes_no_pods` is why no more pods may be made, `holds_pods` keeps those that are deleted.
    `unreached` names a service whose pods the proxy does not reach, `forbids` (verb, resource) that
    nobody may. `requests` are those for the server's own objects, `asked` all: method, path, whether a watch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fail: list[tuple[Callable[[str, str], bool], Refusal]] = []
        self.requests: list[tuple[str, str]] = []
        self.asked: list[tuple[str, str, bool]] = []
        self.signals: list[tuple[str, str]] = []
        self.injected: dict[str, list[dict]] = {}
        self.releases: dict[str, dict] = {}
        self.helm_words: list[str] = []
        self.ready_after_s = 0.05
        self.waiting_reason = ""
        self.takes_no_pods = ""
        self.holds_pods = False
        self.budget_refusals = 0
        self.drop_watches = False
        self.unreached = ""
        self.forbids: set[tuple[str, str]] = set()
        self.closing = False
        self.controller = Controller(self)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        threading.Thread(target=self.controller.run, daemon=True).start()
        for node in ("one", "two"):
            self.put(f"/api/v1/nodes/{node}", {"kind": "Node", "spec": {}})

    def become(self, other: Objects) -> None:
        super().become(other)
        if isinstance(other, FakeCluster):
            self.releases = copy.deepcopy(other.releases)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.closing = True
        self.server.shutdown()
        self.server.server_close()

    # Helm, told by a script that stands on PATH ------------------------------------------------------

    def helm(self, words: list[str], values: dict) -> dict:
        self.helm_words.append(words[0])
        options = dict(itertools.pairwise(words))
        space = options["--namespace"]
        key = f"{space}/teashop"
        if words[0] == "upgrade":
            self.releases[key] = values
            self._install(space, values)
        elif words[0] == "uninstall" and self.releases.pop(key, None) is not None:
            for path in [p for p in self.objects if f"/namespaces/{space}/deployments/" in p]:
                self.remove(path)
        elif words[0] == "list":
            return {"out": [{"name": "teashop"}] if key in self.releases else []}
        elif words[0] == "get":
            return {"out": self.releases[key]}
        return {"out": ""}

    def _install(self, space: str, values: dict) -> None:
        token = base64.b64encode(values["faultInjection"].get("token", "").encode()).decode()
        self.put(f"/api/v1/namespaces/{space}/secrets/teashop-admin", {"data": {"token": token}})
        for service in SERVICES:
            labels = {
                "app.kubernetes.io/name": "teashop",
                "app.kubernetes.io/instance": "teashop",
                "app.kubernetes.io/component": service,
            }
            self.put(
                f"/apis/apps/v1/namespaces/{space}/deployments/teashop-{service}",
                {
                    "kind": "Deployment",
                    "spec": {
                        "replicas": values.get(service, {}).get("replicas", 0),
                        "template": {"metadata": {"labels": labels}},
                    },
                },
            )

    # Requests -----------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, str], body: dict) -> dict:
        self.requests.append((method, path))
        for index, (matches, refusal) in enumerate(self.fail):
            if matches(method, path):
                del self.fail[index]
                raise refusal
        if path == "/version":
            return {"major": "1"}
        if path == "/api/v1/nodes" and method == "GET":
            return {"metadata": {}, "items": self.under(path)}
        if path.endswith("/selfsubjectaccessreviews"):
            asked = body["spec"]["resourceAttributes"]
            return {"status": {"allowed": (asked["verb"], asked["resource"]) not in self.forbids}}
        if path == "/_helm":
            return self.helm(body["words"], body["values"])
        with self.lock:
            if path.endswith("/eviction"):
                return self._evict(path.removesuffix("/eviction"))
            return getattr(self, f"_{method.lower()}")(path, query, body)

    def _get(self, path: str, query: dict[str, str], body: dict) -> dict:
        if path in self.objects:
            return self.objects[path]
        if is_list(path):
            items = self.under(path, query)
            return {"metadata": {"resourceVersion": str(self.version)}, "items": items}
        raise Refusal(404, f"{path} not found")

    def _post(self, path: str, query: dict[str, str], body: dict) -> dict:
        where = f"{path}/{body['metadata']['name']}"
        if where in self.objects:
            raise Refusal(409, f"{where} already exists")
        return self.put(where, body)

    def _put(self, path: str, query: dict[str, str], body: dict) -> dict:
        old = self._get(path, query, body)
        if body["metadata"].get("resourceVersion") != old["metadata"]["resourceVersion"]:
            raise Refusal(409, "the object has been modified")
        return self.put(path, {**body, "metadata": {**old["metadata"], **body["metadata"]}})

    def _patch(self, path: str, query: dict[str, str], body: dict) -> dict:
        old = self._get(path, query, body)
        new = merged(old, body)
        if new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        return self.put(path, new)

    def _delete(self, path: str, query: dict[str, str], body: dict) -> dict:
        if is_list(path):
            for item in self.under(path, query):
                self._delete(f"{path}/{item['metadata']['name']}", {}, body)
            return {"kind": "Status"}
        old = self._get(path, query, body)
        uid = (body.get("preconditions") or {}).get("uid")
        if uid not in {None, old["metadata"]["uid"]}:
            raise Refusal(409, "the UID in the precondition does not match")
        if old.get("kind") == "Pod":
            return self.controller.delete_pod(
                path, grace_s=float(body.get("gracePeriodSeconds", 30))
            )
        if old.get("kind") == "Namespace":
            for inside in [p for p in self.objects if f"{path}/" in p or f"{_space(path)}/" in p]:
                self.remove(inside)
        self.remove(path)
        return {"kind": "Status"}

    def _evict(self, path: str) -> dict:
        if self.budget_refusals:
            self.budget_refusals -= 1
            raise Refusal(429, "Cannot evict pod: DisruptionBudget teashop-gateway needs 1")
        pod = self.objects[path]
        reason = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
        pod["_conditions"] = [reason]
        pod["status"].setdefault("conditions", []).append(reason)
        self.controller.delete_pod(path, grace_s=0.05)
        return {"kind": "Status", "status": "Success"}

    def proxied(self, method: str, path: str, headers: dict, body: dict) -> tuple[int, object]:
        """What a pod answers behind `/proxy`."""
        head, _, rest = path.partition("/proxy")
        name = head.rsplit("/", 1)[1].partition(":")[0]
        pod = self.objects.get(f"{head.rpartition('/')[0]}/{name}")
        if pod is None or pod.get("_stopped"):
            return 503, {"message": "no endpoints"}
        if self.unreached and f"-{self.unreached}-" in name:
            return 503, {"message": "error trying to reach service: dial tcp: i/o timeout"}
        if rest != "/faults":
            known = {"/audit": {"orders": []}, "/metrics": {}, "/livez": {}}
            return (200, known[rest]) if rest in known else (404, {})
        space = path.split("/")[4]
        secret = self.objects[f"/api/v1/namespaces/{space}/secrets/teashop-admin"]["data"]["token"]
        if headers.get("X-Admin-Authorization") != f"Bearer {base64.b64decode(secret).decode()}":
            return 401, {"detail": "the admin port wants its token"}
        mine = self.injected.setdefault(name, [])
        if method == "DELETE":
            mine.clear()
        else:
            mine.append(body)
        return 200, {}

    def door_is_open(self) -> bool:
        pods = [b for p, b in self.objects.items() if "-gateway-" in p and b.get("kind") == "Pod"]
        return any(pod.get("_ready") for pod in pods)


def is_list(path: str) -> bool:
    parts = path.strip("/").split("/")
    # /api/v1/X, /api/v1/namespaces/N/X, /apis/G/V/namespaces/N/X: one word after a pair is a list.
    return (len(parts) - (2 if parts[0] == "api" else 3)) % 2 == 1


def _space(path: str) -> str:
    return f"/namespaces/{path.rsplit('/', 1)[1]}"
