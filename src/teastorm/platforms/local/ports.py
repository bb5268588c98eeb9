"""Free ports on loopback for replicas."""

import os
import socket

from teastorm.platforms.base import PlatformError

# Below Linux's default ephemeral range (32768…): the shop's and the load's outgoing connections
# take their local ports from that range, and one of them could sit on a port chosen there before
# the replica binds it. Binding to 0 is the fallback.
FIRST, LAST = 20_000, 31_999


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a listener could bind the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


class PortPicker:
    """Hands out ports that were free a moment ago, none twice. Not safe for concurrent use.

    Another program can still take one before the replica does: the replica then exits, and its
    successor gets other ports.
    """

    def __init__(self) -> None:
        # Runs of several users on one machine begin at different places.
        self._next = FIRST + (os.getpid() * 37) % (LAST - FIRST)

    def pick(self) -> int:
        """A free port; `PlatformError` (3) when there is none."""
        for _ in range(LAST - FIRST + 1):
            port = self._next
            self._next = FIRST if port >= LAST else port + 1
            if is_free(port):
                return port
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", 0))
            except OSError as error:
                raise PlatformError(3, f"no free port on 127.0.0.1: {error}") from error
            return int(probe.getsockname()[1])
