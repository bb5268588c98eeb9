"""Who may use a namespace, and what stands there meanwhile: the lease and the installation as one.

A tenancy begins by taking the namespace's lease and ends by leaving the namespace as it was found.
Between two deployments of one run it is handed on, so that nobody can come between them and what
was there before is put back once, at the end.
"""

from collections.abc import Mapping
from typing import Self

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes import namespace
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.effects import Effects
from teastorm.platforms.kubernetes.helm import Helm
from teastorm.platforms.kubernetes.installation import Installation
from teastorm.platforms.kubernetes.lease import RunLease
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.undo import undo


class Tenancy:
    """Held from `enter` to `keep` or `leave`. Used by one thread; the lease renews itself."""

    def __init__(
        self, api: Api, settings: ClusterSettings, helm: Helm, lease: RunLease, *, made: bool
    ) -> None:
        self.effects = Effects(api, settings.namespace)
        self._api = api
        self._settings = settings
        self._lease = lease
        self._made = made
        self._installation = Installation(api, settings, helm)
        self._furnished = False

    @classmethod
    def enter(cls, api: Api, settings: ClusterSettings, helm: Helm) -> Self:
        """Make the namespace if it is not there, and take it.

        `PlatformError` (3) when another run holds it, or it is somebody else's.
        """
        made = namespace.ensure(api, settings.namespace)
        lease = RunLease(api, settings.namespace)
        lease.acquire()
        return cls(api, settings, helm, lease, made=made)

    def install(self, values: Mapping[str, object]) -> None:
        """Set aside what is there, and install the chart with `values`.

        `PlatformError` (3), and nothing touched, while a dead run's faults are in force.
        """
        if left := self.effects.read():
            raise PlatformError(
                3,
                f"an earlier run left a fault in namespace {self._settings.namespace}: "
                f"{'; '.join(map(str, left))}; `teastorm rollback --platform kubernetes` ends it",
            )
        self._furnished = True
        self._installation.set_aside(made=self._made)
        self._made = False
        self._installation.install(values)

    def keep(self) -> None:
        """What is installed stays, as what was wished for; the namespace is free for others."""
        self._installation.settle()
        self._lease.release()

    def still_held(self) -> bool:
        """See `RunLease.still_held`: ask before what only the holder may do."""
        return self._lease.still_held()

    def undo_effects(self) -> list[str]:
        """End what this tenancy caused and has not undone; why what is left could not be ended."""
        if not self._furnished:
            return []  # what may be in force there is a dead run's, and was refused
        return self.effects.undo_all(lambda effect: undo(self._api, self._settings, effect))

    def leave(self) -> list[str]:
        """Undo the effects, put back what was there before, give the namespace up.

        What could not be removed, as short texts; nothing is touched that another run took over.
        """
        if not self.still_held():
            return [f"namespace {self._settings.namespace}: another run took it over"]
        left: list[str] = []
        if self._furnished:
            try:
                left += self.undo_effects()
                left += self._installation.put_back()
            except PlatformError as error:
                left.append(error.sentence)
        self._lease.release()
        return left
