"""A platform by its name; imported only when asked for, so that the command line starts fast."""

from typing import TYPE_CHECKING

from teastorm.platforms.base import Platform, PlatformError

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.settings import ClusterSettings

NAMES = ("local", "kubernetes")


def open_platform(name: str, cluster: "ClusterSettings | None" = None) -> Platform:
    """The platform called `name`, nothing started yet; exit code 2 for a name nobody knows.

    `cluster` None: what TEASTORM_CONTEXT and its fellows say, for a plain `chaos run`.
    """
    if name == "local":
        from teastorm.platforms.local.platform import LocalPlatform  # noqa: PLC0415 - lazily

        return LocalPlatform()
    if name == "kubernetes":
        from teastorm.platforms.kubernetes.platform import (  # noqa: PLC0415 - lazily
            KubernetesPlatform,
        )
        from teastorm.platforms.kubernetes.settings import ClusterSettings  # noqa: PLC0415 - lazily

        return KubernetesPlatform(cluster or ClusterSettings.from_environment())
    raise PlatformError(2, f"platform must be one of {', '.join(NAMES)}, got {name!r}")
