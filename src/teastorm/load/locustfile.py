"""What Locust runs: one user per process, whose single task offers that process's share.

Started by `teastorm.load.start`; TEASTORM_LOAD_SPEC names the specification.
"""

from __future__ import annotations

import atexit
import os
import signal
from pathlib import Path

from locust import User, constant, events, task

from teastorm.load.errors import LoadError
from teastorm.load.generator import Generator
from teastorm.load.spec import SPEC_VARIABLE, Spec


def _generator() -> Generator:
    where = os.environ.get(SPEC_VARIABLE)
    if not where:
        raise SystemExit(f"{SPEC_VARIABLE} must name a load specification; use teastorm load.")
    try:
        return Generator(Spec.read(Path(where)))
    except LoadError as error:
        raise SystemExit(str(error)) from None


# A shell starts background jobs with SIGINT ignored, and what they start inherits that; whoever
# wants the log of a load that it cuts short says so with this signal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_GENERATOR = _generator()
# Registered before Locust forks and registers its own, so that it runs after the workers ended.
atexit.register(_GENERATOR.join_parts)
events.init.add_listener(lambda environment, **_: _GENERATOR.set_up(environment))


class Crowd(User):  # type: ignore[misc]  # Locust is untyped here
    """Everyone at once; Locust's users are processes to us."""

    wait_time = constant(0)

    @task  # type: ignore[untyped-decorator]  # the same
    def day(self) -> None:
        """Offer the share."""
        _GENERATOR.offer()
