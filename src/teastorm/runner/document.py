"""Pieces of an experiment's document, each read with the place it stands at for the sentence."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import yaml

from teashop.serving.settings import Protections
from teastorm import strict_yaml
from teastorm.platforms.base import SERVICES
from teastorm.platforms.select import NAMES
from teastorm.runner import rules
from teastorm.runner.problems import did_you_mean, usage

EXTENSION = "teastorm"
EXTENSION_KEYS = (
    "name",
    "platform",
    "checks",
    "slo",
    "overrides",
    "replicas",
    "startup_s",
    "settings",
    "load",
    "time_factor",
    "autoscaler",
    "with",
    "without",
    "source",
)
TOP_KEYS = (
    "title",
    "description",
    "tags",
    "version",
    "contributions",
    "configuration",
    "secrets",
    "controls",
    "extensions",
    "steady-state-hypothesis",
    "method",
    "rollbacks",
    "runtime",
    "dry",
)
"""What Chaos Toolkit knows; it passes over the rest, `rollback:` among it."""

CONTROL = "teastorm.chaos.control"

type Document = dict[str, object]


def parse(path: Path) -> Document:
    """The document in a file; RunProblem (2) when it is missing, unreadable or no mapping."""
    try:
        content = strict_yaml.load(path.read_text(encoding="utf-8"))
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


def extension_of(document: Document, path: Path) -> tuple[Mapping[str, object], str]:
    """Our extension and its place (`extensions[0]`); title and method must be there too."""
    for key in document:
        if key not in TOP_KEYS:
            raise usage(f"{path}: {key} is not known{did_you_mean(str(key), TOP_KEYS)}")
    for key in ("title", "description", "method"):
        if not document.get(key):
            raise usage(f"{path}: {key} is missing; write it")
    for index, entry in enumerate(list_of(document.get("extensions"))):
        if mapping_of(entry).get("name") == EXTENSION:
            return mapping_of(entry), f"extensions[{index}]"
    raise usage(f"{path}: extensions must hold one named {EXTENSION} with its checks")


def controlled(document: Document, path: Path) -> None:
    """Refuse an experiment without our control: nobody would deploy the shop or judge the run."""
    for entry in list_of(document.get("controls")):
        if mapping_of(mapping_of(entry).get("provider")).get("module") == CONTROL:
            return
    raise usage(
        f"{path}: controls must hold the one of {CONTROL}, which deploys the shop and judges"
    )


def check_ids(value: object, where: str) -> tuple[str, ...]:
    """The declared checks: known, each once, at least one."""
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


def platform_in(value: object, where: str) -> str | None:
    """The one platform that an experiment needs, if it needs one."""
    if value is None:
        return None
    if refused := rules.one_of("platform", NAMES)(value):
        raise usage(f"{where} {refused}")
    return str(value)


def protections_in(value: object, where: str) -> tuple[str, ...]:
    """Names of protections, each known."""
    if not isinstance(value, list):
        raise usage(f"{where} must be a list of protections, got {value!r}")
    names = [str(name) for name in value]
    for name in names:
        if name not in Protections.names():
            raise usage(
                f"{where}: {name!r} is no protection{did_you_mean(name, Protections.names())}"
            )
    return tuple(names)


def numbers_by_service(
    extension: Mapping[str, object], key: str, path: Path, at: str, rule: rules.Rule
) -> dict[str, float]:
    """A mapping of services to numbers that `rule` accepts."""
    found: dict[str, float] = {}
    given = extension.get(key, {})
    for service, value in a_mapping(given, f"{path}: {at}.{key}").items():
        where = f"{path}: {at}.{key}.{service}"
        if service not in SERVICES:
            raise usage(f"{where} is no service{did_you_mean(service, SERVICES)}")
        if refused := rule(value):
            raise usage(f"{where} {refused}")
        found[service] = float(cast("float", value))
    return found


def settings_by_service(value: object, path: Path, at: str) -> Mapping[str, Mapping[str, object]]:
    """A mapping of services to their settings; what they mean the service says."""
    settings = a_mapping(value, f"{path}: {at}.settings")
    for service, fields in settings.items():
        where = f"{path}: {at}.settings.{service}"
        if service not in SERVICES:
            raise usage(f"{where} is no service{did_you_mean(service, SERVICES)}")
        if not isinstance(fields, dict):
            raise usage(f"{where} must be a mapping of settings, got {fields!r}")
    return cast("Mapping[str, Mapping[str, object]]", settings)


def time_factor(value: object, path: Path, at: str) -> float:
    """The one factor that compresses the day."""
    if refused := rules.above(0, 1000)(value):
        raise usage(f"{path}: {at}.time_factor {refused}")
    return float(cast("float", value))


def toolkit_accepts(document: Document, path: Path) -> None:
    """Chaos Toolkit's own validation, in one sentence and without its log."""
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


def a_mapping(value: object, where: str) -> dict[str, object]:
    """The value as a mapping, nothing as an empty one; anything else is refused."""
    if value is not None and not isinstance(value, dict):
        raise usage(f"{where} must be a mapping, got {value!r}")
    return mapping_of(value)


def list_of(value: object) -> list[object]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def mapping_of(value: object) -> dict[str, object]:
    """The value if it is a mapping, else an empty one."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
