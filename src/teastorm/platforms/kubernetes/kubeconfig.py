"""What the kubeconfig says: which contexts there are, and the API server of one.

The official client reads it, runs its login plugins and refreshes its tokens.
"""

import os

import urllib3
import yaml
from kubernetes import config
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.rest import should_bypass_proxies
from kubernetes.config.config_exception import ConfigException

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.credentials import User, keep_fresh, listening
from teastorm.platforms.kubernetes.settings import ClusterSettings

# What the client lets through of a file that is missing, unreadable or of another shape.
UNUSABLE = (
    ConfigException,
    OSError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    yaml.YAMLError,
)


def connect(settings: ClusterSettings) -> Api:
    """The API server of a context; asks it nothing yet.

    `PlatformError` (2) for a context that is not there, (3) for a kubeconfig that cannot be used,
    a login plugin that fails, or a way to the server that the testbed does not know.
    """
    try:
        file = _file(settings)
        names = _contexts(file)
        if names and settings.context not in names:
            known = ", ".join(names)
            raise PlatformError(
                2, f"the kubeconfig has no context {settings.context!r}; it has {known}"
            )
        user = User.of(file, settings.context)
        configuration = Configuration()
        # An idle watch is otherwise dropped by a load balancer on the way without a word.
        configuration.keep_alive = True
        with listening() as said:
            config.load_kube_config(
                config_file=file,
                context=settings.context,
                client_configuration=configuration,
                persist_config=False,
            )
    except UNUSABLE as error:
        raise PlatformError(
            3, f"no usable kubeconfig ({' '.join(str(error).split())[:300]}); set KUBECONFIG"
        ) from error
    if said:
        raise PlatformError(
            3,
            f"context {settings.context}: its login plugin failed ({said[0]}); log in again, or "
            "name another context with --context",
        )
    user.require_itself(settings.context)
    _prepare_proxy(configuration, settings.context)
    if not configuration.verify_ssl:
        # Whoever wrote so into the kubeconfig knows; kubectl does not say it at each request either.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    keep_fresh(configuration, user)
    return Api(ApiClient(configuration=configuration), settings.context)


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


def _prepare_proxy(configuration: Configuration, context: str) -> None:
    """Let the client show itself to a proxy whose URL says how; `PlatformError` (3) for other kinds."""
    bypassed = should_bypass_proxies(configuration.host, configuration.no_proxy or "")
    if not configuration.proxy or bypassed:
        return
    proxy = urllib3.util.parse_url(configuration.proxy)
    if proxy.scheme != "http" or not proxy.host:
        raise PlatformError(
            3,
            f"context {context}: the way to its API server is a proxy at "
            f"{proxy._replace(auth=None)}, and only one that begins with http:// can be used",
        )
    if proxy.auth and not configuration.proxy_headers:
        configuration.proxy_headers = urllib3.make_headers(proxy_basic_auth=proxy.auth)
