"""Ports for servers that tests start."""

from __future__ import annotations

from teastorm.platforms.local.ports import PortPicker

_PICKER = PortPicker()


def free_port() -> int:
    """A port that was free a moment ago; none is given twice in this process.

    Asking the kernel for one (port 0) and closing it again leaves it to whoever asks next, before
    the server that it was meant for has started: other workers' tests ask all the time. The picker's
    range is one that the kernel gives nobody.
    """
    return _PICKER.pick()
