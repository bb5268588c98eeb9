"""Options that say which cluster, and what `status`, `rollback` and `down` do there."""

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from teastorm.cli.errors import PRECONDITION, STILL_FAULTY, CommandError
from teastorm.cli.output import print_json, print_table, say, working
from teastorm.platforms.select import NAMES

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.settings import ClusterSettings
    from teastorm.platforms.kubernetes.survey import ClusterSurvey

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
    from teastorm.platforms.kubernetes.api import current_context  # noqa: PLC0415 - lazily

    current = current_context()
    if current is None:
        raise CommandError(
            PRECONDITION, "no usable kubeconfig; set KUBECONFIG and name a context with --context"
        )
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"name the cluster: --context NAME (the current one is {current})")
    if not click.confirm(f"use the cluster of context {current}?", err=True):
        raise click.Abort
    return current


def status(settings: "ClusterSettings", *, as_json: bool) -> int:
    """What runs in the namespace, and what a dead run left; exit 3 for the latter."""
    from teastorm.platforms.kubernetes.api import connect  # noqa: PLC0415 - lazily
    from teastorm.platforms.kubernetes.survey import survey  # noqa: PLC0415 - lazily

    look = survey(connect(settings), settings)
    if as_json:
        print_json("teastorm.status-kubernetes/1", _content(look, settings))
    else:
        _show(look, settings)
    return PRECONDITION if look.state == "leftovers" else 0


def rollback(settings: "ClusterSettings", *, as_json: bool) -> int:
    """End every fault that a dead run left; exit 5 when one stays."""
    from teastorm.platforms.kubernetes.api import connect  # noqa: PLC0415 - lazily
    from teastorm.platforms.kubernetes.survey import roll_back  # noqa: PLC0415 - lazily

    with working("rolling faults back", quiet=as_json):
        ended, trouble = roll_back(connect(settings), settings)
    if as_json:
        content = {"ended": [str(effect) for effect in ended], "left": trouble}
        print_json("teastorm.rollback/1", content)
    else:
        for effect in ended:
            say(f"ended: {effect}")
        for sentence in trouble:
            say(f"could not be ended: {sentence}", style="red")
        if not ended and not trouble:
            say("no fault was in force")
    return STILL_FAULTY if trouble else 0


def down(settings: "ClusterSettings", *, as_json: bool) -> int:
    """End the run, undo its faults, remove the namespace; exit 5 when something stays."""
    from teastorm.platforms.kubernetes.api import connect  # noqa: PLC0415 - lazily
    from teastorm.platforms.kubernetes.survey import remove_all, survey  # noqa: PLC0415 - lazily

    api = connect(settings)
    was = survey(api, settings)
    with working(f"removing namespace {settings.namespace}", quiet=as_json):
        left = remove_all(api, settings)
    if as_json:
        content = {
            "ended": [str(effect) for effect in was.effects],
            "removed": [f"namespace {settings.namespace}"] if was.exists and not left else [],
            "leftovers": {"processes": [], "files": list(left.files), "ports": []},
        }
        print_json("teastorm.down/1", content)
    elif left:
        say(f"could not remove: {', '.join(left.files)}", style="red")
    else:
        say(f"removed namespace {settings.namespace}" if was.exists else "nothing was there")
    return STILL_FAULTY if left else 0


def _content(look: "ClusterSurvey", settings: "ClusterSettings") -> dict[str, Any]:
    from teastorm.platforms.kubernetes.start_up import start_up  # noqa: PLC0415 - lazily

    return {
        "state": look.state,
        "context": settings.context,
        "namespace": settings.namespace,
        "exists": look.exists,
        "holder": look.holder,
        "faults": [
            {"kind": e.kind, "subject": e.subject, "since_unix_s": e.at_unix_s, "words": str(e)}
            for e in look.effects
        ],
        "replicas": [
            {
                "service": pod.component,
                "replica": pod.name,
                "uid": pod.uid,
                "restarts": pod.restarts,
                "node": pod.node,
                "ready": pod.ready and not pod.deleting,
                "trouble": pod.trouble(),
                "start_up": asdict(start_up(pod)),
            }
            for pod in look.pods
        ],
    }


def _show(look: "ClusterSurvey", settings: "ClusterSettings") -> None:
    from teastorm.platforms.kubernetes.start_up import start_up  # noqa: PLC0415 - lazily

    where = f"context {settings.context}, namespace {settings.namespace}"
    if look.state == "nothing":
        say(f"{where}: nothing runs and nothing was left")
        return
    if look.pods:
        rows = [
            (
                *(pod.component, pod.name, pod.node, str(pod.restarts)),
                *(str(start_up(pod)), _words(pod.ready, pod.trouble())),
            )
            for pod in look.pods
        ]
        print_table(("service", "pod", "node", "restarts", "start-up", "state"), rows)
    if look.holder is not None:
        say(f"{where}: a run holds it ({look.holder})", style="green")
    for effect in look.effects:
        say(f"in force: {effect}", style="" if look.holder else "red")
    if look.state == "leftovers":
        text = "`teastorm rollback` ends its faults, `teastorm down` removes everything"
        say(f"{where}: a run ended without cleaning up; {text}", style="red")


def _words(ready: bool, trouble: str) -> str:
    return trouble or ("ready" if ready else "not ready")
