"""How long a pod took to come up, from what the API server keeps of it: whole seconds."""

from dataclasses import dataclass

from teastorm.platforms.kubernetes.pods import Pod


@dataclass(frozen=True, kw_only=True)
class StartUp:
    """Seconds since the pod was made until a node took it, its process began, it was ready.

    None where that has not happened, or is not told any more: a container that was restarted began
    anew, and readiness that came back tells of another moment than the first.
    """

    scheduled_s: float | None
    started_s: float | None
    ready_s: float | None

    def __str__(self) -> str:
        if self.ready_s is not None:
            return f"{self.ready_s:.0f} s"
        return "" if self.started_s is None else f"began after {self.started_s:.0f} s"


def start_up(pod: Pod) -> StartUp:
    """The start-up of a pod. Pure."""

    def after(moment_s: float | None) -> float | None:
        return None if moment_s is None else max(0.0, moment_s - pod.created_s)

    first = pod.restarts == 0
    return StartUp(
        scheduled_s=after(pod.scheduled_at_s),
        started_s=after(pod.container_started_s) if first else None,
        ready_s=after(pod.ready_since_s) if first and pod.ready else None,
    )
