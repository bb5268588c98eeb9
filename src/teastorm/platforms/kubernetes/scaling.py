"""How many pods each service should have, and when its Deployment is told."""

import threading
import time
from collections.abc import Mapping

from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.effects import Effect, Effects
from teastorm.platforms.kubernetes.errors import ClusterError
from teastorm.platforms.kubernetes.fleet import Fleet
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.undo import scale_to


class Scaling:
    """The wanted counts of one release. Used by one thread at a time a service.

    `wanted` and `paused` (services that are told to want nothing meanwhile) may be read by any.
    """

    def __init__(
        self,
        api: Api,
        settings: ClusterSettings,
        fleet: Fleet,
        effects: Effects,
        wanted: Mapping[str, int],
    ) -> None:
        self.wanted = dict(wanted)
        self.paused: set[str] = set()
        self._api = api
        self._settings = settings
        self._fleet = fleet
        self._effects = effects
        self._later: dict[str, threading.Timer] = {}

    def want(self, service: str, n: int, startup_s: float | None) -> None:
        """Tell the Deployment; with `startup_s` only so much later, if it means more."""
        more = n > self.wanted[service]
        self._cancel(service)
        self.wanted[service] = n
        self._fleet.record("scale", service, None, f"to {n}")
        if more and startup_s:
            timer = threading.Timer(startup_s, self._tell_late, (service, n))
            timer.daemon = True
            self._later[service] = timer
            timer.start()
        elif service not in self.paused:
            self._tell(service, n)

    def pause(self, service: str) -> None:
        """Want nothing of a service, after its number was written into the namespace."""
        self._effects.note(self._effect(service))
        self.paused.add(service)
        self._tell(service, 0)

    def resume(self, service: str) -> None:
        """Want as many again."""
        self.paused.discard(service)
        self._tell(service, self.wanted[service])
        self._effects.strike(self._effect(service))

    def close(self) -> None:
        """What was to be told later is not told any more."""
        for service in list(self._later):
            self._cancel(service)

    def _tell(self, service: str, n: int) -> None:
        scale_to(self._api, self._settings, service, n)

    def _tell_late(self, service: str, n: int) -> None:
        try:
            self._tell(service, n)
        except ClusterError as error:
            self._fleet.record("scale", service, None, f"failed: {error.sentence}")

    def _cancel(self, service: str) -> None:
        if (timer := self._later.pop(service, None)) is not None:
            timer.cancel()

    def _effect(self, service: str) -> Effect:
        wanted = self.wanted[service]
        return Effect(kind="scaled", subject=service, at_unix_s=time.time(), replicas=wanted)
