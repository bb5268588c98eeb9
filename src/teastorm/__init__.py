"""The testbed: platforms, chaos, load, verdict, report."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaoslib.types import Discovery


def discover(discover_system: bool = True) -> Discovery:
    """What `chaos discover teastorm` asks: our actions, probes and controls with their arguments.

    Here, because Chaos Toolkit looks for it in the distribution's top-level package; imported
    only when asked, because everything else imports this package too.
    """
    from teastorm.chaos.discovery import discovered  # noqa: PLC0415 - see above

    return discovered(discover_system=discover_system)
