"""An experiment file, read and checked before anything is started.

Every refusal is one sentence that names the file, the field (`method[0].provider.arguments.factor`)
and the fix. Chaos Toolkit's own validation comes last: ours knows the arguments' meaning.
"""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import yaml

from teashop.serving.settings import Protections
from teastorm.platforms.base import SERVICES
from teastorm.runner import arguments
from teastorm.runner.problems import did_you_mean, usage

if TYPE_CHECKING:
    from teastorm.verdict.slo import Slo

EXTENSION = "teastorm"
EXPERIMENTS_DIR = Path("experiments")
OUR_MODULES = ("teastorm.chaos.actions", "teastorm.chaos.probes")
EXTENSION_KEYS = (
    "name",
    "checks",
    "slo",
    "overrides",
    "replicas",
    "startup_s",
    "settings",
    "load",
    "time_factor",
    "with",
    "without",
    "source",
)
PHASE_ARGUMENTS = ("factor", "baseline_s", "fault_s", "after_s", "base_factor", "curve")

type Document = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class LoadShape:
    """What `begin_load` of an experiment asks for. Factors of K; seconds."""

    factor: float
    fault_s: float
    baseline_s: float = 12.0
    after_s: float = 32.0
    base_factor: float = 0.7
    curve: str | None = None

    def __post_init__(self) -> None:
        for name in PHASE_ARGUMENTS[:-1]:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be above 0, got {value}")

    @property
    def seconds(self) -> float:
        """The whole load."""
        return self.baseline_s + self.fault_s + self.after_s


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A checked experiment. `document` is Chaos Toolkit's; changes go through `changed`."""

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
    load_settings: Mapping[str, object] = field(default_factory=dict)
    time_factor: float = 1.0
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


def find(name: str) -> Path:
    """A path as given, or a name that is looked up in `experiments/`."""
    given = Path(name)
    if given.suffix in {".yaml", ".yml", ".json"}:
        if not given.is_file():
            raise usage(f"{given}: no such file; `teastorm list` names the experiments there are")
        return given
    here = EXPERIMENTS_DIR / f"{name}.yaml"
    if here.is_file():
        return here
    known = [path.stem for path in catalogue()]
    raise usage(f"{here}: no such experiment{did_you_mean(name, known)}")


def catalogue(directory: Path = EXPERIMENTS_DIR) -> list[Path]:
    """The experiment files, by name; a YAML file without a method is something else."""
    return [path for path in sorted(directory.glob("*.yaml")) if path.name != "slo.yaml"]


def beside(path: Path, name: str) -> Path:
    """A file named in an experiment, relative to the experiment."""
    return path.parent / name


def read(path: Path) -> Experiment:
    """Read and check a file; RunProblem (2) in one sentence when it cannot be run."""
    return check(_parse(path), path)


def changed(
    document: Document,
    *,
    factor: float | None = None,
    duration_s: float | None = None,
    with_protections: tuple[str, ...] = (),
    without_protections: tuple[str, ...] = (),
    source: Path | None = None,
) -> Document:
    """A copy with the command line's wishes in it; checked like a file afterwards."""
    new = copy.deepcopy(document)
    for index, activity in enumerate(_list(new.get("method"))):
        del index
        provider = _mapping(_mapping(activity).get("provider"))
        given = cast("dict[str, object]", provider.setdefault("arguments", {}))
        if provider.get("func") == "begin_load":
            if factor is not None:
                given["factor"] = factor
            if duration_s is not None:
                given["fault_s"] = duration_s
        elif provider.get("func") in {"lose_all", "inject"} and duration_s is not None:
            given["hold_s"] = duration_s
        if not given:
            provider.pop("arguments")
    extension = next(e for e in map(_mapping, _list(new["extensions"])) if e["name"] == EXTENSION)
    if with_protections:
        extension["with"] = list(with_protections)
    if without_protections:
        extension["without"] = list(without_protections)
    if source is not None:
        # A plain `chaos run` hands a control the document and not where it came from.
        extension["source"] = str(source)
    return new


def check(document: Document, path: Path) -> Experiment:
    """The document as an Experiment; RunProblem (2) names the field otherwise."""
    from teastorm.verdict.errors import RunFolderError  # noqa: PLC0415 - see the next line
    from teastorm.verdict.slo import load_slo  # noqa: PLC0415 - keeps `--help` fast

    extension, at = _extension(document, path)
    for key in extension:
        if key not in EXTENSION_KEYS:
            raise usage(f"{path}: {at}.{key} is not known{did_you_mean(key, EXTENSION_KEYS)}")
    switches = {
        side: _protection_names(extension.get(side, []), f"{path}: {at}.{side}")
        for side in ("with", "without")
    }
    if both := set(switches["with"]) & set(switches["without"]):
        raise usage(f"{path}: {at}.without names {min(both)}, and so does with; keep one of them")
    loads, faults = _method(document, path)
    if len(loads) != 1:
        raise usage(f"{path}: method must begin the load once (begin_load), it does {len(loads)}x")
    curve = loads[0].curve
    if curve is not None and not beside(path, curve).is_file():
        raise usage(
            f"{path}: method[0].provider.arguments.curve: {beside(path, curve)} does not exist; "
            "name a demand curve beside the experiment"
        )
    slo_path = beside(path, str(extension.get("slo", "slo.yaml")))
    if not slo_path.is_file():
        raise usage(f"{path}: {at}.slo: {slo_path} does not exist; name the objectives' file")
    try:
        slo = load_slo(slo_path)
        if extension.get("overrides"):
            slo = slo.with_overrides(extension["overrides"], f"{path}: {at}.overrides")
    except RunFolderError as error:
        raise usage(str(error)) from error
    replicas = dict.fromkeys(SERVICES, 2)
    replicas.update(
        {
            k: int(v)
            for k, v in _numbers(extension, "replicas", path, at, arguments.whole(1)).items()
        }
    )
    _chaos_toolkit_accepts(document, path)
    return Experiment(
        path=path,
        document=document,
        title=str(document["title"]),
        description=" ".join(str(document["description"]).split()),
        checks=_check_ids(extension.get("checks"), f"{path}: {at}.checks"),
        slo_path=slo_path,
        slo=slo,
        load=loads[0],
        faults=tuple(faults),
        replicas=MappingProxyType(replicas),
        startup_s=MappingProxyType(
            _numbers(extension, "startup_s", path, at, arguments.at_least(0, 600))
        ),
        settings=_settings(extension.get("settings"), path, at),
        load_settings=_mapping(extension.get("load", {})),
        time_factor=_time_factor(extension.get("time_factor", 1.0), path, at),
        with_protections=switches["with"],
        without_protections=switches["without"],
    )


def _parse(path: Path) -> Document:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise usage(
            f"{path}: no such file; `teastorm list` names the experiments there are"
        ) from error
    except OSError as error:
        raise usage(f"{path}: cannot be read ({error.strerror}); name a readable file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = " ".join(str(error).split())[:160]
        raise usage(f"{path}: is not YAML ({line}); mend that line") from error
    if not isinstance(content, dict):
        raise usage(f"{path}: must be a mapping with title, extensions and method")
    return cast("Document", content)


def _extension(document: Document, path: Path) -> tuple[Mapping[str, object], str]:
    for key in ("title", "description", "method"):
        if not document.get(key):
            raise usage(f"{path}: {key} is missing; write it")
    for index, entry in enumerate(_list(document.get("extensions"))):
        if _mapping(entry).get("name") == EXTENSION:
            return _mapping(entry), f"extensions[{index}]"
    raise usage(f"{path}: extensions must hold one named {EXTENSION} with its checks")


def _method(document: Document, path: Path) -> tuple[list[LoadShape], list[str]]:
    loads: list[LoadShape] = []
    faults: list[str] = []
    for section, activities in _activities(document):
        for index, activity in enumerate(activities):
            provider = _mapping(activity.get("provider"))
            function = str(provider.get("func", ""))
            if provider.get("module") not in OUR_MODULES or function not in arguments.RULES:
                continue  # Chaos Toolkit's own validation says what is wrong with it, if anything
            given = _mapping(provider.get("arguments"))
            where = f"{path}: {section}[{index}].provider.arguments"
            for name, refused in arguments.refusals(function, given):
                raise usage(f"{where}.{name} {refused}")
            if function == "begin_load":
                loads.append(_shape(given, where))
            elif function in {"surge", "lose_replica", "lose_all", "inject"}:
                faults.append(str(activity.get("name", function)))
    return loads, faults


def _shape(given: Mapping[str, object], where: str) -> LoadShape:
    for name in ("factor", "fault_s"):
        if name not in given:
            raise usage(f"{where}.{name} is missing; write it")
    numbers = {
        k: float(cast("float", v)) for k, v in given.items() if k != "curve" and v is not None
    }
    return LoadShape(**numbers, curve=cast("str | None", given.get("curve")))


def _activities(document: Document) -> Iterator[tuple[str, list[Mapping[str, object]]]]:
    hypothesis = _mapping(document.get("steady-state-hypothesis", {}))
    yield "steady-state-hypothesis.probes", [_mapping(a) for a in _list(hypothesis.get("probes"))]
    for section in ("method", "rollbacks"):
        yield section, [_mapping(a) for a in _list(document.get(section))]


def _check_ids(value: object, where: str) -> tuple[str, ...]:
    from teastorm.verdict.registry import known_ids  # noqa: PLC0415 - keeps `--help` fast

    if not isinstance(value, list) or not value:
        raise usage(f"{where} must be a list of check ids, at least one")
    for index, name in enumerate(value):
        if name not in known_ids():
            raise usage(
                f"{where}[{index}]: {name!r} is no check{did_you_mean(str(name), known_ids())}"
            )
        if name in value[:index]:
            raise usage(f"{where}[{index}]: {name!r} is there twice; keep one")
    return tuple(str(name) for name in value)


def _protection_names(value: object, where: str) -> tuple[str, ...]:
    names = [str(name) for name in _list(value)]
    for name in names:
        if name not in Protections.names():
            raise usage(
                f"{where}: {name!r} is no protection{did_you_mean(name, Protections.names())}"
            )
    return tuple(names)


def _numbers(
    extension: Mapping[str, object], key: str, path: Path, at: str, rule: arguments.Rule
) -> dict[str, float]:
    found: dict[str, float] = {}
    for service, value in _mapping(extension.get(key, {})).items():
        where = f"{path}: {at}.{key}.{service}"
        if service not in SERVICES:
            raise usage(f"{where} is no service{did_you_mean(service, SERVICES)}")
        if refused := rule(value):
            raise usage(f"{where} {refused}")
        found[service] = float(cast("float", value))
    return found


def _settings(value: object, path: Path, at: str) -> Mapping[str, Mapping[str, object]]:
    settings = _mapping(value if value is not None else {})
    for service, fields in settings.items():
        where = f"{path}: {at}.settings.{service}"
        if service not in SERVICES:
            raise usage(f"{where} is no service{did_you_mean(service, SERVICES)}")
        if not isinstance(fields, dict):
            raise usage(f"{where} must be a mapping of settings, got {fields!r}")
    return cast("Mapping[str, Mapping[str, object]]", settings)


def _time_factor(value: object, path: Path, at: str) -> float:
    if refused := arguments.above(0, 1000)(value):
        raise usage(f"{path}: {at}.time_factor {refused}")
    return float(cast("float", value))


def _chaos_toolkit_accepts(document: Document, path: Path) -> None:
    from chaoslib.exceptions import ChaosException  # noqa: PLC0415 - keeps `--help` fast
    from chaoslib.experiment import ensure_experiment_is_valid  # noqa: PLC0415 - the same

    logger = logging.getLogger("chaostoolkit")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        ensure_experiment_is_valid(document)
    except ChaosException as error:
        raise usage(f"{path}: {' '.join(str(error).split())}") from error
    finally:
        logger.setLevel(before)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def protection_names() -> tuple[str, ...]:
    """What `--with` and `--without` take."""
    return Protections.names()
