"""What a release may have outside its namespace, and a namespace's removal would leave behind.

Only `testbed.rbac.cluster` makes such parts: a ClusterRole and its binding, named after namespace and
release.
"""

import contextlib

from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.errors import Denied, NotThere
from teastorm.platforms.kubernetes.settings import ClusterSettings

_GROUP = "/apis/rbac.authorization.k8s.io/v1"


def remove(api: Api, settings: ClusterSettings) -> None:
    """Remove them; harmless when there are none.

    Whoever may not remove them could not have installed them either, so a refusal is no leftover.
    """
    name = f"{settings.namespace}-{settings.release}-teastorm"
    for kind in ("clusterrolebindings", "clusterroles"):
        with contextlib.suppress(NotThere, Denied):
            api.delete(f"{_GROUP}/{kind}/{name}")
