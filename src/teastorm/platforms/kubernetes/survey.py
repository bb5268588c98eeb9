"""What there is in a namespace, whoever left it there, and how to end it."""

from dataclasses import dataclass

from teastorm.platforms.base import Leftovers, PlatformError
from teastorm.platforms.kubernetes import cluster_role, namespace, occupancy
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.effects import Effect, Effects
from teastorm.platforms.kubernetes.errors import NotThere
from teastorm.platforms.kubernetes.holder import Holder
from teastorm.platforms.kubernetes.installation import BEFORE
from teastorm.platforms.kubernetes.pods import INSTANCE_LABEL, Pod, parse_pod
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.undo import undo
from teastorm.platforms.local.process import end_all

RUNNER_GRACE_S = 150.0


@dataclass(frozen=True, kw_only=True)
class ClusterSurvey:
    """One namespace. `holder` is a living run; `unfinished`: a run began and never put it back."""

    exists: bool
    holder: str | None = None
    effects: tuple[Effect, ...] = ()
    unfinished: bool = False
    pods: tuple[Pod, ...] = ()

    @property
    def state(self) -> str:
        """`nothing`, `running` or `leftovers`."""
        if self.holder is None and (self.effects or self.unfinished):
            return "leftovers"
        return "running" if self.holder is not None or self.pods else "nothing"


def survey(api: Api, settings: ClusterSettings) -> ClusterSurvey:
    """Look, change nothing. `ClusterError` (3) when the namespace is not ours."""
    if not namespace.exists(api, settings.namespace):
        return ClusterSurvey(exists=False)
    where = namespace.path_of(settings.namespace)
    selector = f"{INSTANCE_LABEL}={settings.release}"
    pods = api.get(f"{where}/pods", labelSelector=selector).get("items") or []
    return ClusterSurvey(
        exists=True,
        holder=occupancy.read_holder(api, settings.namespace),
        effects=tuple(Effects(api, settings.namespace).read()),
        unfinished=_there(api, f"{where}/configmaps/{BEFORE}"),
        pods=tuple(map(parse_pod, pods)),
    )


def roll_back(api: Api, settings: ClusterSettings) -> tuple[list[Effect], list[str]]:
    """End every fault that a dead run left; what was ended, and why what is left could not be.

    `PlatformError` (3) while a run lives: it rolls back itself.
    """
    look = survey(api, settings)
    if (holder := _living(api, settings, look)) is not None:
        raise PlatformError(
            3,
            f"a run holds namespace {settings.namespace} ({holder}) and rolls its own faults "
            "back; interrupt it, or `teastorm down --platform kubernetes`",
        )
    trouble = Effects(api, settings.namespace).undo_all(lambda e: undo(api, settings, e))
    left = set(Effects(api, settings.namespace).read())
    return [effect for effect in look.effects if effect not in left], trouble


def remove_all(api: Api, settings: ClusterSettings) -> Leftovers:
    """End the run if it lives on this machine, undo its faults, remove the namespace whole."""
    look = survey(api, settings)
    if (holder := _living(api, settings, look)) is not None:
        _end(holder, settings.namespace)
        look = survey(api, settings)
    if not look.exists:
        return Leftovers()
    left = Effects(api, settings.namespace).undo_all(lambda e: undo(api, settings, e))
    # What could not be undone inside the namespace goes with it; a cordoned node does not.
    kept = [words for words in left if words.startswith("node ")]
    cluster_role.remove(api, settings)
    if not namespace.remove(api, settings.namespace):
        kept.append(f"namespace {settings.namespace}")
    return Leftovers(files=tuple(kept))


def _living(api: Api, settings: ClusterSettings, look: ClusterSurvey) -> str | None:
    """Who holds the namespace, before something is done to it; see `occupancy.settled_holder`."""
    if not look.exists or look.holder is not None:
        return look.holder
    return occupancy.read_settled_holder(api, settings.namespace)


def _end(text: str, name: str) -> None:
    holder = Holder.parse(text)
    if holder is None or not holder.is_here:
        raise PlatformError(
            3, f"namespace {name} is held by a run on another machine ({text}); end it there"
        )
    if holder.lives:
        end_all([(holder.pid, holder.started_ms / 1000)], grace_s=RUNNER_GRACE_S)


def _there(api: Api, path: str) -> bool:
    try:
        api.get(path)
    except NotThere:
        return False
    return True
