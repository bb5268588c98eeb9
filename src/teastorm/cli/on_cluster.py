"""What `status`, `rollback` and `down` do on a cluster."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from teastorm.cli.errors import PRECONDITION, STILL_FAULTY
from teastorm.cli.output import print_json, print_table, say, working

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.settings import ClusterSettings
    from teastorm.platforms.kubernetes.survey import ClusterSurvey


def status(settings: "ClusterSettings", *, as_json: bool) -> int:
    """What runs in the namespace, and what a dead run left; exit 3 for the latter."""
    from teastorm.platforms.kubernetes.kubeconfig import connect  # noqa: PLC0415 - lazily
    from teastorm.platforms.kubernetes.survey import survey  # noqa: PLC0415 - lazily

    look = survey(connect(settings), settings)
    if as_json:
        print_json("teastorm.status-kubernetes/1", _content(look, settings))
    else:
        _show(look, settings)
    return PRECONDITION if look.state == "leftovers" else 0


def rollback(settings: "ClusterSettings", *, as_json: bool) -> int:
    """End every fault that a dead run left; exit 5 when one stays."""
    from teastorm.platforms.kubernetes.kubeconfig import connect  # noqa: PLC0415 - lazily
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
    from teastorm.platforms.kubernetes.kubeconfig import connect  # noqa: PLC0415 - lazily
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
