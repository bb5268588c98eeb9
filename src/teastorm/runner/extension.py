"""The fields of our extension of an experiment, each read with the place it stands at for the sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from teashop.serving.settings import Protections
from teastorm.platforms.base import SERVICES
from teastorm.platforms.select import NAMES
from teastorm.runner import rules
from teastorm.runner.document import a_mapping
from teastorm.runner.problems import did_you_mean, usage

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
