"""A small API server in this process: objects, watches, a Deployment controller, a pod proxy, exec.

It speaks enough of the real one's HTTP for the kubernetes platform to work against it unchanged:
resource versions, 404, 409 and 410 with Status bodies, bookmarks, DeleteOptions. What it does not
have (scheduling, kubelets, budgets' arithmetic) is what `tests/e2e` is for.
"""

import base64
import hashlib
import itertools
import json
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SERVICES = ("orders", "dispatch", "inference", "gateway")
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Refusal(Exception):
    def __init__(self, code: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code, self.headers = code, headers or {}


class FakeCluster:
    """`objects` by path. `fail` holds answers to give instead of the next ones, by method."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.version = 100
        self.oldest = 0
        self.objects: dict[str, dict] = {}
        self.log: list[tuple[int, str, dict]] = []
        self.fail: list[tuple[Callable[[str, str], bool], Refusal]] = []
        self.requests: list[tuple[str, str]] = []
        self.signals: list[tuple[str, str]] = []
        self.injected: dict[str, list[dict]] = {}
        self.releases: dict[str, dict] = {}
        self.ready_after_s = 0.05
        self.waiting_reason = ""
        self.budget_refusals = 0
        self.drop_watches = False
        self.numbers = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.closing = False
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        threading.Thread(target=self._control, daemon=True).start()
        for node in ("one", "two"):
            self.put(f"/api/v1/nodes/{node}", {"kind": "Node", "spec": {}})

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.closing = True
        self.server.shutdown()
        self.server.server_close()

    # Objects -------------------------------------------------------------------------------------

    def put(self, path: str, body: dict, kind: str = "") -> dict:
        with self.changed:
            self.version += 1
            new = path not in self.objects
            meta = body.setdefault("metadata", {})
            meta.setdefault("name", path.rsplit("/", 1)[1])
            if new:
                self.numbers += 1
                meta.setdefault("uid", f"uid-{self.numbers}")
            meta.setdefault("generation", 1)
            meta.setdefault("creationTimestamp", _stamp())
            meta["resourceVersion"] = str(self.version)
            self.objects[path] = body
            self._tell(kind or ("ADDED" if new else "MODIFIED"), path, body)
            return body

    def remove(self, path: str) -> None:
        with self.changed:
            body = self.objects.pop(path, None)
            if body is not None:
                self.version += 1
                body["metadata"]["resourceVersion"] = str(self.version)
                self._tell("DELETED", path, body)

    def _tell(self, kind: str, path: str, body: dict) -> None:
        copy = json.loads(json.dumps(body))
        self.log.append((self.version, path, {"type": kind, "object": copy}))
        self.changed.notify_all()

    def forget_history(self) -> None:
        """Watches from any version up to now are answered 410."""
        with self.changed:
            self.version += 1
            self.oldest = self.version
            self.log.clear()
            self.changed.notify_all()

    def under(self, prefix: str, query: dict[str, str] | None = None) -> list[dict]:
        with self.lock:
            found = [
                body
                for path, body in self.objects.items()
                if path.startswith(f"{prefix}/") and "/" not in path[len(prefix) + 1 :]
            ]
        return [body for body in found if _selected(body, (query or {}).get("labelSelector", ""))]

    # The controller and the kubelet ---------------------------------------------------------------

    def _control(self) -> None:
        while not self.closing:
            with self.lock:
                for path, body in list(self.objects.items()):
                    if body.get("kind") == "Deployment":
                        self._reconcile(path, body)
                    elif body.get("kind") == "Pod":
                        self._run_pod(path, body)
            threading.Event().wait(0.01)

    def _reconcile(self, path: str, deployment: dict) -> None:
        space = path.split("/")[5]
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        prefix = f"/api/v1/namespaces/{space}/pods"
        mine = [
            pod
            for pod in self.under(prefix)
            if pod["metadata"]["labels"] == labels and "deletionTimestamp" not in pod["metadata"]
        ]
        wanted = deployment["spec"]["replicas"]
        stamp = json.dumps(deployment["spec"]["template"]["metadata"].get("annotations", {}))
        old = [pod for pod in mine if pod["_stamp"] != stamp]
        if old and all(pod.get("_ready") for pod in mine) and len(mine) == wanted:
            self._make_pod(prefix, labels, stamp)
            self.delete_pod(f"{prefix}/{old[0]['metadata']['name']}", grace_s=0.05)
            return
        ready = sum(bool(pod.get("_ready")) for pod in mine)
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(mine),
            "updatedReplicas": len(mine) - len(old),
            "availableReplicas": ready,
        }
        if deployment.get("status") != status:
            self.put(path, deployment | {"status": status})
        for _ in range(wanted - len(mine)):
            self._make_pod(prefix, labels, stamp)
        young = sorted(mine, key=lambda pod: int(pod["metadata"]["uid"].split("-")[1]))
        for pod in young[wanted:]:
            self.delete_pod(f"{prefix}/{pod['metadata']['name']}", grace_s=0.05)

    def _make_pod(self, prefix: str, labels: dict, stamp: str) -> None:
        component = labels["app.kubernetes.io/component"]
        name = f"{labels['app.kubernetes.io/instance']}-{component}-{self.numbers + 1}"
        node = ("one", "two")[self.numbers % 2]
        ports = [{"name": "http", "containerPort": 8080}, {"name": "admin", "containerPort": 9000}]
        container = {"name": component, "image": "shop:1", "ports": ports}
        self.put(
            f"{prefix}/{name}",
            {
                "kind": "Pod",
                "metadata": {"name": name, "labels": dict(labels)},
                "spec": {"nodeName": node, "containers": [container]},
                "status": {"phase": "Pending", "podIP": f"10.0.0.{self.numbers + 1}"},
                "_born": time.monotonic(),
                "_stamp": stamp,
            },
        )

    def _run_pod(self, path: str, pod: dict) -> None:
        now = time.monotonic()
        if "deletionTimestamp" in pod["metadata"]:
            if now >= pod["_dies"]:
                self.remove(path)
            return
        if self.waiting_reason and pod["status"]["phase"] == "Pending":
            state = {"waiting": {"reason": self.waiting_reason, "message": "pull access denied"}}
            if pod["status"].get("containerStatuses", [{}])[0].get("state") != state:
                self._state(path, pod, state, ready=False)
        elif now - pod["_born"] >= self.ready_after_s:
            ready = not pod.get("_stopped", False)
            running = {"running": {"startedAt": _stamp()}}
            if pod["status"]["phase"] == "Pending" or pod.get("_ready") != ready:
                self._state(path, pod, running, ready=ready)

    def _state(self, path: str, pod: dict, state: dict, *, ready: bool) -> None:
        name = pod["spec"]["containers"][0]["name"]
        running = "running" in state
        pod["_ready"] = ready
        pod["status"] |= {
            "phase": "Running" if running else "Pending",
            "containerStatuses": [
                {"name": name, "restartCount": pod.get("_restarts", 0), "state": state}
            ],
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": str(ready)},
                *pod.get("_conditions", []),
            ],
        }
        self.put(path, pod)

    def delete_pod(self, path: str, *, grace_s: float) -> dict:
        pod = self.objects[path]
        if grace_s <= 0:
            self.remove(path)
        elif "deletionTimestamp" not in pod["metadata"]:
            pod["metadata"]["deletionTimestamp"] = _stamp()
            pod["_dies"] = time.monotonic() + min(grace_s, 0.1)
            self.put(path, pod)
        return pod

    def signal(self, path: str, name: str) -> None:
        """What `kill` inside the container does."""
        with self.lock:
            pod = self.objects[path]
            self.signals.append((pod["metadata"]["name"], name))
            if name == "KILL":
                pod["_restarts"] = pod.get("_restarts", 0) + 1
                pod["_ready"] = None
            else:
                pod["_stopped"] = name == "STOP"

    # Helm, told by a script that stands on PATH ------------------------------------------------------

    def helm(self, words: list[str], values: dict) -> dict:
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
        if path == "/_helm":
            return self.helm(body["words"], body["values"])
        with self.lock:
            if path.endswith("/eviction"):
                return self._evict(path.removesuffix("/eviction"))
            return getattr(self, f"_{method.lower()}")(path, query, body)

    def _get(self, path: str, query: dict[str, str], body: dict) -> dict:
        if path in self.objects:
            return self.objects[path]
        if _is_list(path):
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
        new = _merged(old, body)
        if new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        return self.put(path, new)

    def _delete(self, path: str, query: dict[str, str], body: dict) -> dict:
        if _is_list(path):
            for item in self.under(path, query):
                self._delete(f"{path}/{item['metadata']['name']}", {}, body)
            return {"kind": "Status"}
        old = self._get(path, query, body)
        uid = (body.get("preconditions") or {}).get("uid")
        if uid not in {None, old["metadata"]["uid"]}:
            raise Refusal(409, "the UID in the precondition does not match")
        if old.get("kind") == "Pod":
            return self.delete_pod(path, grace_s=float(body.get("gracePeriodSeconds", 30)))
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
        self.delete_pod(path, grace_s=0.05)
        return {"kind": "Status", "status": "Success"}

    def proxied(self, method: str, path: str, headers: dict, body: dict) -> tuple[int, object]:
        """What a pod answers behind `/proxy`."""
        head, _, rest = path.partition("/proxy")
        name = head.rsplit("/", 1)[1].partition(":")[0]
        pod = self.objects.get(f"{head.rpartition('/')[0]}/{name}")
        if pod is None or pod.get("_stopped"):
            return 503, {"message": "no endpoints"}
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


def _handler(cluster: FakeCluster) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one small server
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_all(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            try:
                if "/proxy" in parts.path:
                    self.reply(*cluster.proxied(self.command, parts.path, dict(self.headers), body))
                elif parts.path == "/readyz":
                    self.reply(200 if cluster.door_is_open() else 503, {})
                elif parts.path.endswith("/exec"):
                    self.exec(parts.path.removesuffix("/exec"), parse_qs(parts.query))
                elif query.get("watch") == "true":
                    self.watch(parts.path, query)
                else:
                    content = cluster.answer(self.command, parts.path, query, body)
                    with cluster.lock:
                        self.reply(200, content)
            except Refusal as refusal:
                status = {"kind": "Status", "code": refusal.code, "message": str(refusal)}
                self.reply(refusal.code, status, refusal.headers)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_all  # noqa: N815 - the library's names

        def reply(
            self, status: int, content: object, headers: dict[str, str] | None = None
        ) -> None:
            payload = json.dumps(content).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def watch(self, path: str, query: dict[str, str]) -> None:
            seen = int(query["resourceVersion"])
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while not cluster.closing:
                with cluster.changed:
                    gone = seen < cluster.oldest
                    news = [
                        event
                        for version, where, event in cluster.log
                        if version > seen
                        and where.rpartition("/")[0] == path
                        and _selected(event["object"], query.get("labelSelector", ""))
                    ]
                    seen = max([seen, *(version for version, _, _ in cluster.log)])
                if gone:
                    status = {"kind": "Status", "code": 410, "message": "too old resource version"}
                    news = [{"type": "ERROR", "object": status}]
                try:
                    for event in news:
                        self.chunk(json.dumps(event).encode() + b"\n")
                    if gone or cluster.drop_watches:
                        self.chunk(b"")
                        self.close_connection = True
                        return
                except OSError:
                    return
                with cluster.changed:
                    cluster.changed.wait(0.05)

        def chunk(self, payload: bytes) -> None:
            self.wfile.write(f"{len(payload):x}\r\n".encode() + payload + b"\r\n")
            self.wfile.flush()

        def exec(self, path: str, query: dict[str, list[str]]) -> None:
            """A WebSocket that says how the command ended, on the status channel (3)."""
            key = self.headers["Sec-WebSocket-Key"] + GUID
            accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()  # noqa: S324 - RFC 6455 says so
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", accept)
            self.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
            self.end_headers()
            words = query["command"][-1].split()
            cluster.signal(path, words[1].removeprefix("-"))
            said = b"\x03" + json.dumps({"status": "Success"}).encode()
            self.wfile.write(struct.pack("!BB", 0x82, len(said)) + said)
            self.wfile.write(struct.pack("!BBH", 0x88, 2, 1000))
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            return

    return Handler


def _selected(body: dict, selector: str) -> bool:
    labels = body.get("metadata", {}).get("labels", {})
    pairs = [part.partition("=") for part in selector.split(",") if part]
    return all(labels.get(key) == value for key, _, value in pairs)


def _merged(old: dict, patch: dict) -> dict:
    new = json.loads(json.dumps(old))
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict):
            new[key] = _merged(new.get(key) or {}, value)
        else:
            new[key] = value
    return new


def _is_list(path: str) -> bool:
    parts = path.strip("/").split("/")
    # /api/v1/X, /api/v1/namespaces/N/X, /apis/G/V/namespaces/N/X: one word after a pair is a list.
    return (len(parts) - (2 if parts[0] == "api" else 3)) % 2 == 1


def _space(path: str) -> str:
    return f"/namespaces/{path.rsplit('/', 1)[1]}"


def _stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
