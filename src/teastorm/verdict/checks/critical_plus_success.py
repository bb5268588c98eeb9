"""Do requests of criticality critical_plus succeed while the fault lasts, and after it?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least, success
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run

ID = "critical-plus-success"
ROLE = Role.OBJECTIVE
FIX = "payments and paid orders come first: switch on priorities, and look at the orders path"


def evaluate(run: Run) -> Check:
    """Good / drawn, over the fault window, and with what follows it where that is too few."""
    return success(run, at_least(run, ID, unit="share", fix=FIX), "critical_plus")
