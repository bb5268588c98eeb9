"""An experiment file, read and checked before anything is started.

Every refusal is one sentence that names the file, the field (`method[0].provider.arguments.factor`)
and the fix. Chaos Toolkit's own validation comes last: ours knows the arguments' meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from teashop.serving.settings import Protections
from teastorm.load.settings import Clients, Mix
from teastorm.platforms.base import SERVICES
from teastorm.runner import arguments, rules
from teastorm.runner.autoscaler import AutoscalerPlan, read_autoscaler
from teastorm.runner.beside import beside, objectives, refuse_a_bad_curve
from teastorm.runner.crowd import crowd_in
from teastorm.runner.document import (
    Document,
    controlled,
    extension_of,
    list_of,
    mapping_of,
    parse,
    toolkit_accepts,
)
from teastorm.runner.extension import (
    EXTENSION_KEYS,
    check_ids,
    numbers_by_service,
    platform_in,
    protections_in,
    settings_by_service,
    time_factor,
)
from teastorm.runner.problems import did_you_mean, usage
from teastorm.runner.shape import LoadShape, read_method

if TYPE_CHECKING:
    from teastorm.verdict.slo import Slo


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A checked experiment. `document` is Chaos Toolkit's; changes go through `wishes.changed`.

    `platform` names the only one it can run on; None: any.
    """

    path: Path
    document: Document
    title: str
    description: str
    checks: tuple[str, ...]
    slo_path: Path
    slo: Slo
    load: LoadShape
    faults: tuple[str, ...]
    replicas: Mapping[str, int]
    startup_s: Mapping[str, float]
    settings: Mapping[str, Mapping[str, object]]
    platform: str | None = None
    mix: Mix = field(default_factory=Mix)
    clients: Clients = field(default_factory=Clients)
    time_factor: float = 1.0
    autoscaler: AutoscalerPlan | None = None
    with_protections: tuple[str, ...] = ()
    without_protections: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def curve_path(self) -> Path | None:
        """The demand curve's file, beside the experiment."""
        return beside(self.path, self.load.curve) if self.load.curve else None

    def protections(self, arm: str) -> dict[str, bool]:
        """The arm's switches with `--with` and `--without` on top."""
        switches = dict.fromkeys(Protections.names(), arm == "protected")
        switches.update(dict.fromkeys(self.with_protections, True))
        switches.update(dict.fromkeys(self.without_protections, False))
        return switches


def read(path: Path) -> Experiment:
    """Read and check a file; RunProblem (2) in one sentence when it cannot be run."""
    return check(parse(path), path)


def check(document: Document, path: Path) -> Experiment:
    """The document as an Experiment; RunProblem (2) names the field otherwise."""
    found = outlined(document, path)
    toolkit_accepts(document, path)
    return found


def outlined(document: Document, path: Path) -> Experiment:
    """The same without Chaos Toolkit's own validation, which imports each activity and what it needs.

    To show what there is, not to run it.
    """
    extension, at = extension_of(document, path)
    for key in extension:
        if key not in EXTENSION_KEYS:
            raise usage(f"{path}: {at}.{key} is not known{did_you_mean(key, EXTENSION_KEYS)}")
    switches = {
        side: protections_in(extension.get(side, []), f"{path}: {at}.{side}")
        for side in ("with", "without")
    }
    if both := set(switches["with"]) & set(switches["without"]):
        raise usage(f"{path}: {at}.without names {min(both)}, and so does with; keep one of them")
    loads, faults = read_method(document, path)
    if len(loads) != 1:
        raise usage(f"{path}: method must begin the load once (begin_load), it does {len(loads)}x")
    controlled(document, path)
    _has_a_baseline(document, path)
    refuse_a_bad_curve(path, loads[0].curve)
    slo_path = beside(path, str(extension.get("slo", "slo.yaml")))
    slo = objectives(slo_path, extension.get("overrides"), f"{path}: {at}")
    mix, clients = crowd_in(extension.get("load"), f"{path}: {at}.load")
    replicas = dict.fromkeys(SERVICES, 2)
    replicas.update(
        {
            k: int(v)
            for k, v in numbers_by_service(
                extension, "replicas", path, at, rules.whole(1, arguments.MAX_REPLICAS)
            ).items()
        }
    )
    return Experiment(
        path=path,
        document=document,
        title=str(document["title"]),
        description=" ".join(str(document["description"]).split()),
        checks=check_ids(extension.get("checks"), f"{path}: {at}.checks"),
        slo_path=slo_path,
        slo=slo,
        load=loads[0],
        faults=tuple(faults),
        replicas=MappingProxyType(replicas),
        startup_s=MappingProxyType(
            numbers_by_service(extension, "startup_s", path, at, rules.at_least(0, 600))
        ),
        settings=settings_by_service(extension.get("settings"), path, at),
        platform=platform_in(extension.get("platform"), f"{path}: {at}.platform"),
        mix=mix,
        clients=clients,
        time_factor=time_factor(extension.get("time_factor", 1.0), path, at),
        autoscaler=_autoscaler(extension, path, at, replicas),
        with_protections=switches["with"],
        without_protections=switches["without"],
    )


def _autoscaler(
    extension: Mapping[str, object], path: Path, at: str, replicas: Mapping[str, int]
) -> AutoscalerPlan | None:
    plan = read_autoscaler(extension.get("autoscaler"), path, at)
    if plan is not None and replicas[plan.service] > plan.live.spec.max_replicas:
        raise usage(
            f"{path}: {at}.replicas.{plan.service} is above the autoscaler's maxReplicas "
            f"{plan.live.spec.max_replicas}; lower it"
        )
    return plan


def _has_a_baseline(document: Document, path: Path) -> None:
    """Refuse a method that never looks before it strikes: its verdict could not be held."""
    names = [str(mapping_of(entry).get("name", "")) for entry in list_of(document.get("method"))]
    if not any(name.startswith("baseline") for name in names):
        raise usage(
            f"{path}: method must hold a probe whose name begins with baseline; "
            "add one of baseline_is_steady before the fault"
        )
