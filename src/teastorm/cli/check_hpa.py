"""`teastorm simulate --check-hpa`: a recorded HPA beside the port and the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from teastorm.cli.errors import USAGE, CommandError
from teastorm.cli.output import print_json, print_table, say
from teastorm.cli.plain import tell

if TYPE_CHECKING:
    from teastorm.tune.hpa_model import HpaCheck

SCHEMA = "teastorm.check-hpa/1"
MISSED = 1


def check(path: Path, calibration: Path | None, seeds: Sequence[int], *, as_json: bool) -> int:
    """Print it; 0 when the goal is met, 1 when it is missed."""
    from teastorm.simulate.errors import ScenarioInvalid  # noqa: PLC0415 - keeps --help fast
    from teastorm.tune.errors import TuneInvalid  # noqa: PLC0415 - the same
    from teastorm.tune.hpa_model import check_hpa  # noqa: PLC0415 - the same
    from teastorm.tune.hpa_record_file import read  # noqa: PLC0415 - the same

    try:
        other = None if calibration is None else read(calibration)
        record = read(path)
        tell()
        found = check_hpa(record, seeds, other)
    except TuneInvalid as error:
        raise CommandError(error.exit_code, str(error)) from error
    except ScenarioInvalid as error:
        raise CommandError(USAGE, f"{path}: {str(error).rstrip('.')}") from error
    if as_json:
        print_json(SCHEMA, {"record": path.name} | found.as_json())
    else:
        show(found)
        say("The goal is met." if found.met else "The goal is MISSED.")
    return 0 if found.met else MISSED


def show(found: HpaCheck) -> None:
    """The figures as a table, and a line on what they rest on."""
    rows = []
    for name, close in (("ready", found.ready), ("wanted", found.wanted)):
        rows += [
            (f"{name}: within one replica", f"{close.within_one:.1%}",
             f"{close.constant_within_one:.1%}"),
            (f"{name}: mean distance, replicas", f"{close.mean_error:.2f}",
             f"{close.constant_mean_error:.2f}"),
        ]  # fmt: skip
    print_table(("figure", "simulated", "best constant"), rows)
    port, numbers = found.port, found.calibrated
    say(f"Changes of the wanted number: {found.changes[0]:.1f} simulated, {found.changes[1]} real.")
    say(
        f"The port alone: {port.equal} of {port.known} syncs decided as the controller did "
        f"({len(port.syncs) - port.known} more whose input is not in the record)."
    )
    start = "none came" if numbers.startup_s is None else f"{numbers.startup_s:.1f} s"
    say(
        f"Calibrated {'on this very record' if found.own else 'on the other record'}: CPU "
        f"{numbers.cpu_idle_milli}m idle and {numbers.cpu_busy_milli}m more when full (± "
        f"{numbers.cpu_error_milli:.1f}m a sample, {numbers.samples} of them) of "
        f"{numbers.cpu_request_milli}m; start-up {start}; samples every {numbers.scrape_s:.1f} s, "
        f"had {numbers.lag_s:.1f} s later."
    )
