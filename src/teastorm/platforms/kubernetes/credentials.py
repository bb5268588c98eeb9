"""Who we are to an API server: what the official client leaves out of what kubectl does with a kubeconfig.

The client reads the file, runs its login plugin and asks that again before a token expires. But it
reads a token file once, and with the newline at its end; it ignores that somebody wants to act as
somebody else; and it logs what a plugin complained of, and goes on as nobody.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from kubernetes.config.config_exception import ConfigException
from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION, KubeConfigMerger

from teastorm.platforms.base import PlatformError

ACTS_AS = ("as", "as-uid", "as-groups", "as-user-extra")
LOOK_AGAIN_S = 10.0
"""As client-go's token files (transport/token_source.go): read again when they are that old."""


@dataclass(frozen=True, kw_only=True)
class User:
    """The user of a context, as far as it matters here: whom it acts as, and its token's file."""

    name: str
    acts_as: str = ""
    token_file: Path | None = None

    @classmethod
    def of(cls, file: str | None, context: str) -> Self:
        """Read from a kubeconfig (None: the usual one); raises what the client raises."""
        found = KubeConfigMerger(file or KUBE_CONFIG_DEFAULT_LOCATION).config
        if found is None:
            raise ConfigException("Invalid kube-config file. No configuration found.")
        name = found["contexts"].get_with_name(context)["context"].safe_get("user") or ""
        entry = found["users"].get_with_name(name, safe=True) if name else None
        if entry is None:
            return cls(name=name)
        given = entry.safe_get("user") or {}
        if not isinstance(given, Mapping):
            raise TypeError(f"user {name} must be a mapping")
        token_file = given.get("tokenFile")
        if token_file is not None:
            # As client-go resolves it: beside the file that names it.
            token_file = Path(entry.path or ".").absolute().parent / str(token_file)
        acted = next((f"{key}: {given[key]}" for key in ACTS_AS if given.get(key)), "")
        return cls(name=name, acts_as=acted, token_file=token_file)

    def require_itself(self, context: str) -> None:
        """`PlatformError` (3) when it acts as another: requests would go out as it itself."""
        if self.acts_as:
            raise PlatformError(
                3,
                f"context {context}: user {self.name} acts as another ({self.acts_as}), which the "
                "client cannot; name a context of somebody who has the rights",
            )


class _Ear(logging.Handler):
    """Keeps what is said to the root logger, where the client tells of a plugin that failed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "root":
            self.said.append(" ".join(record.getMessage().split())[:300])


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """What the client complains of meanwhile, instead of on the standard error."""
    ear = _Ear()
    root = logging.getLogger()
    root.addHandler(ear)
    try:
        yield ear.said
    finally:
        root.removeHandler(ear)


def keep_fresh(
    configuration: Any, user: User, *, clock: Callable[[], float] = time.monotonic
) -> None:
    """Let a client's token be the newest one whenever it is asked for. Thread-safe.

    `configuration` is the client's. A plugin that fails, or a file that is gone for the moment,
    leaves the token that there was: the server says when it is too old.
    """
    theirs = configuration.refresh_api_key_hook
    if theirs is None and user.token_file is None:
        return
    lock = threading.Lock()
    looked_s: float | None = None

    def refresh(asked: Any) -> None:
        nonlocal looked_s
        with lock:
            if looked_s is not None and clock() - looked_s < LOOK_AGAIN_S:
                return
            looked_s = clock()
            # Theirs writes the whole kubeconfig into what it is given, its own hook included.
            fresh = SimpleNamespace(api_key={})
            if theirs is not None:
                with listening():
                    theirs(fresh)
            token = _token_in(user.token_file) or fresh.api_key.get("BearerToken", "").strip()
            if token:
                asked.api_key["BearerToken"] = token

    configuration.refresh_api_key_hook = refresh
    refresh(configuration)


def _token_in(file: Path | None) -> str:
    """What a token file holds now, as a header; empty without one."""
    if file is None:
        return ""
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
    return f"Bearer {text}" if text else ""
