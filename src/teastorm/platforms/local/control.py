"""What the platform says to replicas: faults on the admin port, ledgers, and their last words."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from teastorm.platforms.base import JsonObject, PlatformError, Replica
from teastorm.platforms.ledgers import first_ledger
from teastorm.platforms.local.http import Unreachable, call

AUDIT_TIMEOUT_S = 10.0


def faults(replica: Replica, method: str, payload: Mapping[str, object] | None, token: str) -> None:
    """POST or DELETE /faults on a replica's admin port; `PlatformError` (3) when it refuses."""
    name = replica.replica_id
    try:
        status, body = call(
            replica.host, replica.admin_port, method, "/faults", payload=payload, token=token
        )
    except Unreachable as error:
        raise PlatformError(3, f"{name}: the admin port does not answer: {error}") from error
    if status >= 300:
        text = body[:200].decode(errors="replace")
        raise PlatformError(3, f"{name}: {method} /faults gave {status}: {text}")


def audit(service: str, replicas: Iterable[Replica]) -> JsonObject:
    """See `first_ledger`."""

    def ask(replica: Replica) -> tuple[int, bytes]:
        return call(replica.host, replica.port, "GET", "/audit", timeout_s=AUDIT_TIMEOUT_S)

    return first_ledger(service, replicas, ask, Unreachable)


def last_line(log: Path) -> str:
    """The last thing a process wrote, shortened; says so when it wrote nothing."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "no output"
    return lines[-1][:200] if lines else "no output"
