"""Who runs the experiment: `teastorm run` with wishes of its own, or a plain `chaos run`.

Chaos Toolkit stands between the two, so the control finds the wishes here and leaves the outcome
here. One run at a time in a process.
"""

import logging
from dataclasses import dataclass, field

from teastorm.chaos.interruption import Interruption
from teastorm.runner.closing import Outcome
from teastorm.runner.opening import Opened, Options

logger = logging.getLogger("chaostoolkit")


@dataclass(kw_only=True)
class Host:
    """Wishes in, outcome out."""

    options: Options = field(default_factory=lambda: Options(say=logger.info))
    interruption: Interruption = field(default_factory=Interruption)
    opened: Opened | None = None
    outcome: Outcome | None = None


_state: dict[str, Host] = {}


def host() -> Host:
    """Whoever runs the experiment; a plain `chaos run` gets the defaults."""
    return _state.setdefault("host", Host())


def announce(new: Host) -> None:
    """Take over before a run."""
    _state["host"] = new


def leave() -> None:
    """Make room for the next run."""
    _state.pop("host", None)
