"""List, then watch from there, in a thread: as client-go's reflector does.

After a break the list is taken anew (which is also the answer to 410 Gone: the resource version
is older than what the server remembers). Breaks in a row are bounded: after `LOST_AFTER_S` without
an answer the watcher says that the cluster is lost, and goes on trying until it is closed.
"""

import random
import threading
import time
from collections.abc import Callable

from teastorm.platforms.kubernetes.api import Api, Json
from teastorm.platforms.kubernetes.errors import ClusterError, Expired

LOST_AFTER_S = 30.0
BACKOFF_FIRST_S = 0.2
BACKOFF_CAP_S = 5.0

type Listed = Callable[[list[Json]], None]
type Changed = Callable[[str, Json], None]


class Watcher:
    """Follows one list of objects. `on_list` gets all of it, `on_event` each change after it."""

    def __init__(
        self,
        api: Api,
        path: str,
        *,
        on_list: Listed,
        on_event: Changed,
        selector: str = "",
        rng: random.Random | None = None,
    ) -> None:
        self._api = api
        self._path = path
        self._query = {"labelSelector": selector} if selector else {}
        self._on_list = on_list
        self._on_event = on_event
        self._rng = rng or random.Random()
        self._closing = threading.Event()
        self._failing_since_s: float | None = None
        self._error: ClusterError | None = None
        self._thread = threading.Thread(target=self._run, name=f"watch-{path}", daemon=True)
        self.lists = 0

    def open(self) -> None:
        """Take the first list here (its errors are raised), then follow it in a thread."""
        version = self._list()
        self._thread = threading.Thread(
            target=self._run, args=(version,), name=f"watch-{self._path}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop. A watch that hangs in a read ends with the process; its events go nowhere."""
        self._closing.set()

    def lost(self) -> ClusterError | None:
        """The last error when the cluster has not answered for `LOST_AFTER_S`."""
        since_s = self._failing_since_s
        if since_s is None or time.monotonic() - since_s < LOST_AFTER_S:
            return None
        return self._error

    def _list(self) -> str:
        found = self._api.get(self._path, **self._query)
        self.lists += 1
        if not self._closing.is_set():
            self._on_list(list(found.get("items") or []))
        return str((found.get("metadata") or {}).get("resourceVersion", ""))

    def _run(self, version: str = "") -> None:
        failures = 0
        while not self._closing.is_set():
            try:
                if not version:
                    version = self._list()
                    self._failing_since_s = None
                version = self._follow(version)
                failures = 0
            except (ClusterError, ValueError, KeyError, TypeError) as error:
                # What cannot be read is as bad as a broken line: a watch that ended without a word
                # would leave the run with pods of long ago.
                version = ""
                failures += 1
                if not isinstance(error, Expired):
                    self._error = (
                        error
                        if isinstance(error, ClusterError)
                        else ClusterError(f"watch {self._path}: unreadable ({error!r})")
                    )
                    self._failing_since_s = self._failing_since_s or time.monotonic()
                ceiling_s = min(BACKOFF_CAP_S, BACKOFF_FIRST_S * 2.0 ** min(failures, 10))
                self._closing.wait(self._rng.uniform(0.0, ceiling_s))

    def _follow(self, version: str) -> str:
        """One watch; the version to go on from when the server ended it in peace."""
        for event in self._api.watch(self._path, resourceVersion=version, **self._query):
            if self._closing.is_set():
                return version
            self._failing_since_s = None
            item = event["object"]
            version = str((item.get("metadata") or {}).get("resourceVersion", version))
            if event["type"] != "BOOKMARK":
                self._on_event(str(event["type"]), item)
        return version
