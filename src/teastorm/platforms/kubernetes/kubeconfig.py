"""What the kubeconfig says: which contexts there are, and the API server of one.

The official client reads it, runs its login plugins and refreshes its tokens.
"""

import os

from kubernetes import config
from kubernetes.config.config_exception import ConfigException

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.settings import ClusterSettings

# What the client lets through of a file that is missing, unreadable or of another shape.
UNUSABLE = (ConfigException, OSError, KeyError, TypeError)


def connect(settings: ClusterSettings) -> Api:
    """The API server of a context; asks it nothing yet.

    `PlatformError` (2) for a context that is not there, (3) for a kubeconfig that cannot be used.
    """
    try:
        file = _file(settings)
        names = _contexts(file)
        if names and settings.context not in names:
            known = ", ".join(names)
            raise PlatformError(
                2, f"the kubeconfig has no context {settings.context!r}; it has {known}"
            )
        client = config.new_client_from_config(
            config_file=file,
            context=settings.context,
            persist_config=False,
        )
    except UNUSABLE as error:
        raise PlatformError(
            3, f"no usable kubeconfig ({' '.join(str(error).split())}); set KUBECONFIG"
        ) from error
    return Api(client, settings.context)


def current_context() -> str | None:
    """The kubeconfig's current context, to be shown and confirmed, never to be used unasked."""
    try:
        _, active = config.list_kube_config_contexts(os.environ.get("KUBECONFIG"))
    except UNUSABLE:
        return None
    return str(active["name"]) if active else None


def _contexts(file: str | None) -> list[str]:
    """Their names; none when the file names no current one, which the client then cannot list."""
    try:
        contexts, _ = config.list_kube_config_contexts(file)
    except ConfigException:
        return []
    return [str(context["name"]) for context in contexts]


def _file(settings: ClusterSettings) -> str | None:
    """The file, or KUBECONFIG as it is now (the client reads it once, when it is imported)."""
    if settings.kubeconfig is not None:
        return str(settings.kubeconfig)
    return os.environ.get("KUBECONFIG") or None
