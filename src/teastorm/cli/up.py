"""`teastorm up`: start the shop and keep it, in the foreground or detached."""

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from teastorm.cli import cluster
from teastorm.cli import detach as detaching
from teastorm.cli.errors import STILL_FAULTY, CommandError, TerminatedError, raise_terminated
from teastorm.cli.output import json_option, print_json, print_table, say, working
from teastorm.cli.types import Number
from teastorm.platforms.base import SERVICES, Leftovers, ShopPlan
from teastorm.platforms.local.platform import LocalPlatform

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.settings import ClusterSettings

READY_TIMEOUT_S = 60.0
SEED_MAX = 2**31 - 1
REPLICAS_MAX = 64
INSTALLED_WITHIN_S = 180.0
"""A cluster schedules, pulls and starts a database first."""


@click.command()
@click.option(
    "--replicas",
    multiple=True,
    metavar="[SERVICE=]N",
    help="How many of each service, or of one: --replicas 2 --replicas gateway=3.",
)
@click.option("--with", "on", multiple=True, metavar="NAME", help="Switch a protection on.")
@click.option("--without", "off", multiple=True, metavar="NAME", help="Switch one off, or all.")
@click.option("--seed", type=click.IntRange(0, SEED_MAX), default=1, show_default=True)
@click.option(
    "--logs",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep logs and settings in this folder.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=Number(1, 3600),
    default=READY_TIMEOUT_S,
    show_default=True,
    help="Seconds that it may take until all is ready.",
)
@click.option("--detach", is_flag=True, help="Return when it is ready; `teastorm down` ends it.")
@cluster.cluster_options
@json_option
def up(
    *,
    replicas: tuple[str, ...],
    on: tuple[str, ...],
    off: tuple[str, ...],
    seed: int,
    logs: Path | None,
    timeout_s: float,
    detach: bool,
    where: "ClusterSettings | None",
    as_json: bool,
) -> int:
    """Start the shop on this machine, print its endpoints, and keep it until Ctrl-C (exit 0).

    On a cluster it is installed there, and stays until `teastorm down`.
    """
    plan = ShopPlan(
        replicas=_counts(replicas),
        protections=_switches(on, off),
        seed=seed,
        run_dir=logs,
    )
    if where is not None:
        return _install(where, plan, max(timeout_s, INSTALLED_WITHIN_S), as_json=as_json)
    if detach:
        with working("starting the shop", quiet=as_json):
            content = detaching.start(_arguments(plan, timeout_s), timeout_s)
        _show(content, as_json=as_json)
        return 0
    previous = signal.signal(signal.SIGTERM, raise_terminated)
    try:
        return _keep(plan, timeout_s, as_json=as_json)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _keep(plan: ShopPlan, timeout_s: float, *, as_json: bool) -> int:
    platform = LocalPlatform()
    left = Leftovers()
    try:
        with working("starting the shop", quiet=as_json):
            platform.deploy(plan)
            platform.wait_ready(timeout_s)
        content: dict[str, object] = {
            "endpoints": {service: platform.endpoints(service) for service in plan.replicas},
            "endpoints_file": str(platform.endpoints_file),
        }
        _stay(content, as_json=as_json)
    finally:
        left = platform.tear_down()
    if left:
        raise CommandError(STILL_FAULTY, f"could not end {left}; try `teastorm down`")
    return 0


def _install(
    settings: "ClusterSettings", plan: ShopPlan, timeout_s: float, *, as_json: bool
) -> int:
    from teastorm.platforms.kubernetes.platform import (  # noqa: PLC0415 - lazily
        KubernetesPlatform,
    )

    platform = KubernetesPlatform(settings)
    try:
        with working(f"installing into namespace {settings.namespace}", quiet=as_json):
            platform.deploy(plan)
            platform.wait_ready(timeout_s)
        content: dict[str, object] = {
            "endpoints": {service: platform.endpoints(service) for service in plan.replicas},
            "door": settings.door,
        }
        platform.keep()
    except BaseException:
        platform.tear_down()
        raise
    _show(content, as_json=as_json)
    if not as_json:
        say(f"the gateway answers at {settings.door}; `teastorm down` removes it all")
    return 0


def _stay(content: dict[str, object], *, as_json: bool) -> None:
    """Show where the shop is, until told to end; also a signal while showing is such a word."""
    try:
        _show(content, as_json=as_json)
        if not as_json:
            say("Ctrl-C ends it")
        threading.Event().wait()
    except (KeyboardInterrupt, TerminatedError):
        return


def _show(content: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json("teastorm.up/1", content)
        return
    endpoints = content["endpoints"]
    if isinstance(endpoints, dict):
        rows = [(service, ", ".join(map(str, where))) for service, where in endpoints.items()]
        print_table(("service", "ready at"), rows)


def _arguments(plan: ShopPlan, timeout_s: float) -> list[str]:
    """The command line that makes the same plan."""
    words = [f"--seed={plan.seed}", f"--timeout={timeout_s}"]
    words += [f"--replicas={service}={count}" for service, count in plan.replicas.items()]
    words += [f"--{'with' if on else 'without'}={n}" for n, on in plan.protections.items()]
    return words if plan.run_dir is None else [*words, f"--logs={plan.run_dir.absolute()}"]


def _counts(given: tuple[str, ...]) -> dict[str, int]:
    counts = dict.fromkeys(SERVICES, 2)
    for text in given:
        service, equals, number = text.rpartition("=")
        if not number.isdecimal() or (equals and service not in SERVICES):
            raise click.BadParameter(
                f"must be N or SERVICE=N with a service of {', '.join(SERVICES)}, got {text!r}",
                param_hint="--replicas",
            )
        if int(number) > REPLICAS_MAX:
            raise click.BadParameter(
                f"must be {REPLICAS_MAX} at most, got {text!r}", param_hint="--replicas"
            )
        for name in [service] if equals else SERVICES:
            counts[name] = int(number)
    return counts


def _switches(on: tuple[str, ...], off: tuple[str, ...]) -> dict[str, bool]:
    from teashop.serving.settings import Protections  # noqa: PLC0415 - only here

    names = Protections.names()
    unknown = sorted({*on, *off} - {*names, "all"})
    if unknown:
        raise click.UsageError(
            f"no protection is called {unknown[0]!r}; there are {', '.join(names)}, and all"
        )
    both = sorted({*on} & {*off})
    if both:
        raise click.UsageError(f"--with and --without both name {both[0]!r}")
    switches: dict[str, bool] = {}
    for value, chosen in ((False, off), (True, on)):
        if "all" in chosen:
            switches |= dict.fromkeys(names, value)
    for value, chosen in ((False, off), (True, on)):
        switches |= {name: value for name in chosen if name != "all"}
    return switches
