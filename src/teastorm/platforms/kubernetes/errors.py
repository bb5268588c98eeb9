"""What the API server answers when it does not do what it was asked, each as one sentence."""

import json

from teastorm.platforms.base import PlatformError

PRECONDITION = 3
ANONYMOUS = "system:anonymous"
"""Who the API server takes a request without credentials for."""


class ClusterError(PlatformError):
    """The cluster refused or could not be asked. `status` is the HTTP status, 0 without one."""

    def __init__(self, sentence: str, *, status: int = 0, exit_code: int = PRECONDITION) -> None:
        super().__init__(exit_code, sentence)
        self.status = status


class Unreachable(ClusterError):
    """Nothing answers at the context's address."""


class Unauthorized(ClusterError):
    """The credentials are expired or unknown there (401)."""


class Denied(ClusterError):
    """The credentials are good and not enough (403)."""


class NotThere(ClusterError):
    """The object or the kind of object does not exist (404)."""


class Conflict(ClusterError):
    """Somebody changed or made the object first (409)."""


class Expired(ClusterError):
    """The resource version is older than what the server remembers (410)."""


class TooMany(ClusterError):
    """Asked to come back later (429): a busy server, or a disruption budget that is used up."""


KINDS: dict[int, type[ClusterError]] = {
    401: Unauthorized,
    403: Denied,
    404: NotThere,
    409: Conflict,
    410: Expired,
    429: TooMany,
}


def error_of(status: int, what: str, context: str, message: str) -> ClusterError:
    """The typed error for an answer; `what` is the request in words, `message` the server's own."""
    said = " ".join(message.split())[:300]
    if status == 401 or (status == 403 and ANONYMOUS in said):
        # A login plugin that failed sends nothing at all, and the server then sees nobody.
        sentence = (
            f"context {context}: the credentials are expired or not known there ({status}); "
            "log in again, or name another context with --context"
        )
        return Unauthorized(sentence, status=status)
    if status == 403:
        sentence = f"context {context}: not allowed to {what}: {said}"
    else:
        sentence = f"context {context}: {what} gave {status}: {said}"
    return KINDS.get(status, ClusterError)(sentence, status=status)


def words_of(content: bytes) -> str:
    """The `message` of a Status object, or the beginning of a body that is none."""
    try:
        found = json.loads(content)
    except ValueError:
        return content[:200].decode("utf-8", "replace")
    return str(found.get("message", "")) if isinstance(found, dict) else str(found)
