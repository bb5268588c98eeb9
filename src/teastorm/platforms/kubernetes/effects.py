"""What a run changed on the cluster and has not undone: kept there, not in the run's process.

Each effect is written into a ConfigMap before it is caused and struck out after it is undone, so
that whoever comes after a runner that died knows exactly what to end.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from teastorm.platforms.kubernetes.api import MERGE, Api, Json
from teastorm.platforms.kubernetes.errors import ClusterError, Conflict, NotThere

NAME = "teastorm-effects"

type EffectKind = Literal["scaled", "frozen", "cordoned", "injected"]
KINDS: tuple[str, ...] = get_args(EffectKind.__value__)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One thing to undo. `at_unix_s` is when it was caused.

    scaled: Deployment `subject` goes back to `replicas`. frozen: the service process of pod
    `subject` (with UID `uid`) goes on. cordoned: node `subject` takes pods again. injected: the
    pods of service `subject` forget their injected faults.
    """

    kind: EffectKind
    subject: str
    at_unix_s: float
    replicas: int = 0
    uid: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")

    @property
    def key(self) -> str:
        """Its key in the ConfigMap."""
        return f"{self.kind}.{self.subject}"

    def __str__(self) -> str:
        words = {
            "scaled": f"{self.subject} is scaled to nothing (wanted: {self.replicas})",
            "frozen": f"the process of {self.subject} is stopped (SIGSTOP)",
            "cordoned": f"node {self.subject} is cordoned",
            "injected": f"{self.subject} answers with injected faults",
        }
        return words[self.kind]


class Effects:
    """The ConfigMap. Thread-safe within one process; the run's lease keeps others away."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._list = f"/api/v1/namespaces/{namespace}/configmaps"
        self._path = f"{self._list}/{NAME}"
        self._lock = threading.Lock()

    def read(self) -> list[Effect]:
        """What is in force, oldest first; `ClusterError` when a row is not ours to read."""
        try:
            data = self._api.get(self._path).get("data") or {}
        except NotThere:
            return []
        return sorted((_parse(key, text) for key, text in data.items()), key=lambda e: e.at_unix_s)

    def note(self, effect: Effect) -> None:
        """Write it down; before it is caused."""
        with self._lock:
            body = {"data": {effect.key: json.dumps(asdict(effect))}}
            try:
                self._api.patch(self._path, body, kind=MERGE)
            except NotThere:
                self._make(body)

    def strike(self, effect: Effect) -> None:
        """Strike it out; after it is undone."""
        with self._lock:
            try:
                self._api.patch(self._path, {"data": {effect.key: None}}, kind=MERGE)
            except NotThere:
                return

    def undo_all(self, undo: Callable[[Effect], None]) -> list[str]:
        """Undo each, whatever becomes of the others; why those that are left could not be."""
        trouble = []
        for effect in self.read():
            try:
                undo(effect)
            except ClusterError as error:
                trouble.append(f"{effect}: {error.sentence}")
                continue
            self.strike(effect)
        return trouble

    def _make(self, body: Json) -> None:
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, **body}
        try:
            self._api.post(self._list, made)
        except Conflict:
            self._api.patch(self._path, body, kind=MERGE)


def _parse(key: str, text: str) -> Effect:
    try:
        return Effect(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise ClusterError(
            f"ConfigMap {NAME}: {key} is not a record of ours ({error}); "
            "`teastorm down --platform kubernetes` removes the namespace with it"
        ) from error
