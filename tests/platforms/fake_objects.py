"""What a small API server keeps: objects by path, and a log of their changes for its watches."""

import copy
import functools
import json
import threading
import time


class Objects:
    """Objects by path, with resource versions, UIDs and generations as a real server gives them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.version = 100
        self.oldest = 0
        self.numbers = 0
        self.objects: dict[str, dict] = {}
        self.log: list[tuple[int, str, dict]] = []

    def become(self, other: "Objects") -> None:
        """Hold what another one holds; watches from before know nothing of it."""
        with other.lock:
            objects, version, numbers = copy.deepcopy(other.objects), other.version, other.numbers
        with self.changed:
            self.objects, self.version, self.numbers = objects, version, numbers
            self.changed.notify_all()

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
            meta.setdefault("creationTimestamp", stamp())
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
        labels, fields = ((query or {}).get(f"{by}Selector", "") for by in ("label", "field"))
        return [body for body in found if selected(body, labels) and has_fields(body, fields)]


def has_fields(body: dict, selector: str) -> bool:
    pairs = [part.partition("=") for part in selector.split(",") if part]
    return all(
        functools.reduce(lambda at, name: at.get(name, {}), key.split("."), body) == value
        for key, _, value in pairs
    )


def selected(body: dict, selector: str) -> bool:
    labels = body.get("metadata", {}).get("labels", {})
    pairs = [part.partition("=") for part in selector.split(",") if part]
    return all(labels.get(key) == value for key, _, value in pairs)


def merged(old: dict, patch: dict) -> dict:
    new = json.loads(json.dumps(old))
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict):
            new[key] = merged(new.get(key) or {}, value)
        else:
            new[key] = value
    return new


def stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
