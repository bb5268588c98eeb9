"""Options that say which cluster a command is for."""

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from teastorm.cli.errors import PRECONDITION, CommandError
from teastorm.platforms.select import NAMES

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.settings import ClusterSettings

NAMESPACE = "teashop"
GATEWAY_URL = "127.0.0.1:8080"
CHART = Path("charts") / "teashop"
LOAD_IMAGE = "teastorm:0.1.0"


def cluster_options[**P, R](command: Callable[P, R]) -> Callable[..., R]:
    """`--platform`, `--context`, `--namespace`, …; the function receives `where`.

    `where` is the cluster that was named, or confirmed on a terminal; None for this machine.
    """
    return _receiving(command, _OPTIONS)


def cluster_and_load_options[**P, R](command: Callable[P, R]) -> Callable[..., R]:
    """The same, and where on the cluster the load comes from."""
    return _receiving(command, [*_OPTIONS, *_LOAD_OPTIONS])


_OPTIONS = [
    click.option("--platform", type=click.Choice(NAMES), default="local", show_default=True),
    click.option(
        "--context",
        envvar="TEASTORM_CONTEXT",
        help="The kubeconfig context of the cluster; never guessed.",
    ),
    click.option("--namespace", envvar="TEASTORM_NAMESPACE", default=NAMESPACE, show_default=True),
    click.option(
        "--gateway-url",
        envvar="TEASTORM_GATEWAY_URL",
        default=GATEWAY_URL,
        show_default=True,
        help="Where the cluster's gateway Service answers from here.",
    ),
    click.option(
        "--values",
        multiple=True,
        type=click.Path(path_type=Path),
        help="A Helm values file (image, pull secrets, …); repeatable.",
    ),
    click.option(
        "--chart",
        type=click.Path(path_type=Path),
        default=CHART,
        show_default=True,
        help="The shop's chart.",
    ),
]
_LOAD_OPTIONS = [
    click.option(
        "--load-workers",
        type=click.IntRange(0, 64),
        default=0,
        show_default=True,
        help="Offer load from so many pods inside the cluster; 0: from here.",
    ),
    click.option(
        "--load-image",
        default=LOAD_IMAGE,
        show_default=True,
        help="The image of those pods.",
    ),
]
_FIELDS = ("context", "namespace", "gateway_url", "values", "chart", "load_workers", "load_image")


def _receiving[**P, R](
    command: Callable[P, R], options: Sequence[Callable[[Any], Any]]
) -> Callable[..., R]:
    @functools.wraps(command)
    def wrapped(*args: Any, platform: str, **given: Any) -> R:
        fields = {name: given.pop(name) for name in _FIELDS if name in given}
        return command(*args, where=_settings_of(platform, fields), **given)  # type: ignore[arg-type]  # click fits them

    decorated: Callable[..., R] = wrapped
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def _settings_of(platform: str, fields: dict[str, Any]) -> "ClusterSettings | None":
    if platform != "kubernetes":
        if fields["context"] is not None and _given("context"):
            raise click.UsageError("--context is for --platform kubernetes")
        return None
    from teastorm.platforms.kubernetes.settings import ClusterSettings  # noqa: PLC0415 - lazily

    return ClusterSettings(**(fields | {"context": fields["context"] or _confirmed()}))


def _given(name: str) -> bool:
    """Whether an option stood on the command line, and not in the environment."""
    context = click.get_current_context()
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _confirmed() -> str:
    """The current context, once a person at a terminal has said yes to it."""
    from teastorm.platforms.kubernetes.kubeconfig import current_context  # noqa: PLC0415 - lazily

    current = current_context()
    if current is None:
        raise CommandError(
            PRECONDITION, "no usable kubeconfig; set KUBECONFIG and name a context with --context"
        )
    # A process may have been started without a standard input.
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"name the cluster: --context NAME (the current one is {current})")
    if not click.confirm(f"use the cluster of context {current}?", err=True):
        raise click.Abort
    return current
