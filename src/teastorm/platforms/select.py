"""A platform by its name; imported only when asked for, so that the command line starts fast."""

from teastorm.platforms.base import Platform, PlatformError

NAMES = ("local", "kubernetes")


def open_platform(name: str) -> Platform:
    """The platform called `name`, nothing started yet; exit code 2 for a name nobody knows."""
    if name == "local":
        from teastorm.platforms.local.platform import LocalPlatform  # noqa: PLC0415 - lazily

        return LocalPlatform()
    if name == "kubernetes":
        raise PlatformError(3, "the kubernetes platform is not part of this build; use local")
    raise PlatformError(2, f"platform must be one of {', '.join(NAMES)}, got {name!r}")
