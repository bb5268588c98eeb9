"""A service's ledger, asked of one replica after the other until one answers."""

from collections.abc import Callable, Iterable

import orjson

from teastorm.platforms.errors import PlatformError
from teastorm.platforms.replica import JsonObject, Replica

type Asked = Callable[[Replica], tuple[int, bytes]]
"""`GET /audit` of a replica: status and body."""


def first_ledger(
    service: str, replicas: Iterable[Replica], ask: Asked, silent: type[Exception]
) -> JsonObject:
    """What the first ready replica that answers says; `PlatformError` (3) when none does.

    `silent` is what `ask` raises when nothing answers.
    """
    trouble = "none is ready"
    for replica in replicas:
        if not replica.ready:
            continue
        try:
            status, body = ask(replica)
            content = orjson.loads(body) if status == 200 else None
        except (silent, ValueError) as error:
            trouble = f"{replica.replica_id}: {error}"
            continue
        if isinstance(content, dict):
            return content
        trouble = f"{replica.replica_id} answered {status}"
    raise PlatformError(3, f"{service}: no replica gave its ledger ({trouble})")
