"""The cluster platform: the shop as a Helm release, its replicas as pods."""

import secrets
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import orjson

from teastorm.platforms.base import Leftovers, PlatformError, ShopPlan
from teastorm.platforms.kubernetes import door, rights
from teastorm.platforms.kubernetes import exec as execs
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.deployed import Deployed
from teastorm.platforms.kubernetes.helm import Helm
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.running import RunningShop
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.tenancy import Tenancy
from teastorm.platforms.kubernetes.values import shown, values_of


class KubernetesPlatform(Deployed):
    """`Platform` over one namespace of one cluster. One run at a time there: it has the tenancy.

    Here is how a deployment begins and ends; what can be asked of it meanwhile is `Deployed`'s.
    """

    name = "kubernetes"
    ready_within_s = 180.0

    def __init__(
        self,
        settings: ClusterSettings,
        *,
        connect_to: Callable[[ClusterSettings], Api] = connect,
        helm: Helm | None = None,
    ) -> None:
        super().__init__(settings, helm or Helm(settings))
        self._connect = connect_to
        self._tenancy: Tenancy | None = None
        self._used = False

    @property
    def place(self) -> str:
        """What a measured capacity holds for: this cluster, and where its load comes from."""
        where = "/inside" if self.settings.load_workers else ""
        return f"kubernetes/{self.settings.context}{where}"

    def require_allowed(self, actions: Collection[str]) -> None:
        """`Denied` (3) when one of these takes a right outside the namespace that we lack."""
        if any(action in rights.OUTSIDE for action in actions):
            rights.require(self._connect(self.settings), actions)

    def deploy(self, plan: ShopPlan) -> None:
        """See `Platform`; `PlatformError` (3) when the cluster, Helm or the namespace is not ours.

        Refuses while another run holds the namespace, and while a dead run's faults are in force.
        """
        if self._used:
            raise PlatformError(2, "this platform has already been deployed")
        self._helm.check()
        api = self._connect(self.settings)
        api.get("/version")
        self._used = True
        if self._tenancy is None:
            self._tenancy = Tenancy.enter(api, self.settings, self._helm)
        try:
            self._open(api, self._tenancy, plan)
        except BaseException:
            self.tear_down()
            raise

    def keep(self) -> None:
        """Leave what is deployed to itself: the namespace is free for other commands."""
        shop = self._running()
        shop.end_watching()
        if self._tenancy is not None:
            self._tenancy.keep()
            self._tenancy = None
        self._remove_folder()

    def tear_down(self) -> Leftovers:
        """See `Platform`: effects undone, the namespace as it was before; bounded, about two minutes."""
        self._end_shop()
        return self._end_tenancy()

    def successor(self) -> "KubernetesPlatform":
        """See `Platform`: the namespace stays held, and what it held before stays set aside.

        Installing an old release, or removing the namespace, only for the next deployment to clear
        it away again took about 20 s of a kind on two cores.
        """
        self._end_shop()
        heir = KubernetesPlatform(self.settings, connect_to=self._connect, helm=self._helm)
        tenancy = self._tenancy
        # With a fault that stays, or without the lease, there is nothing to hand on.
        if tenancy is None or not tenancy.still_held() or tenancy.undo_effects():
            if left := self._end_tenancy():
                raise PlatformError(5, f"could not be put back: {'; '.join(left.files)}")
            return heir
        self._remove_folder()
        heir._tenancy, self._tenancy = tenancy, None
        return heir

    def _open(self, api: Api, tenancy: Tenancy, plan: ShopPlan) -> None:
        token = secrets.token_urlsafe(24)
        values = values_of(plan, token)
        tenancy.install(values)
        execs.prepare()  # while the pods start
        if plan.run_dir is not None:
            _write_settings(plan.run_dir, values)
        self._work = Path(tempfile.mkdtemp(prefix="teastorm-"))
        door.write(self._work / "door.json", self.settings.door)
        self._shop = RunningShop.follow(
            api,
            self.settings,
            plan,
            token=token,
            effects=tenancy.effects,
            endpoints_file=self._work / "endpoints.json",
        )

    def _end_shop(self) -> None:
        shop, self._shop = self._shop, None
        self._torn_down = self._used
        if shop is not None:
            self._events = list(shop.fleet.events)
            if shop.plan.run_dir is not None:
                shop.save(shop.plan.run_dir)
            shop.end_watching()

    def _end_tenancy(self) -> Leftovers:
        tenancy, self._tenancy = self._tenancy, None
        left = [] if tenancy is None else tenancy.leave()
        self._remove_folder()
        return Leftovers(files=tuple(left))

    def _remove_folder(self) -> None:
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)


def _write_settings(run_dir: Path, values: Mapping[str, object]) -> None:
    folder = run_dir / "settings"
    folder.mkdir(parents=True, exist_ok=True)
    content = orjson.dumps(shown(values), option=orjson.OPT_INDENT_2)
    (folder / "values.json").write_bytes(content)
