"""Settings: frozen dataclasses, read from one JSON file, refusing what they do not know."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

from teashop.resilience.protections import Protections

__all__ = ["Common", "Protections", "SettingsError", "load"]


class SettingsError(ValueError):
    """A setting that cannot be used; its text names the place, the field and the fix."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Common:
    """What every service is told."""

    service: str = ""
    replica: str = "local-0"
    seed: int = 1
    protections: Protections = dataclasses.field(default_factory=Protections)
    endpoints_file: str | None = None
    """A JSON file of service to list of host:port, watched; None: names are resolved by DNS."""
    endpoints_dns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Service to host:port of a headless Service, for a cluster."""
    admin_token: str | None = None
    """Bearer token of the admin port; None: the port is open (loopback only)."""
    grace_s: float = 0.5
    """How long a drain keeps accepting after readiness went off."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.grace_s < 0:
            raise ValueError(f"grace_s must be at least 0, got {self.grace_s}")


def load[T](cls: type[T], mapping: Mapping[str, object], where: str) -> T:
    """Build the settings dataclass `cls` from `mapping`, nested dataclasses included.

    Raises:
        SettingsError: an unknown key, a wrong type or a refused value, in one sentence.
    """
    hints = get_type_hints(cls)
    known = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]  # a dataclass
    values: dict[str, Any] = {}
    for key, value in mapping.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise SettingsError(f"{where}: {key!r} is not a setting of {cls.__name__}{hint}")
        values[key] = _convert(hints[key], value, f"{where}: {key}")
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{where}: {error}") from None


def _convert(hint: object, value: object, where: str) -> object:
    """`value` as the annotated type, or a SettingsError."""
    origin = get_origin(hint)
    if origin in {typing.Union, types.UnionType}:
        if value is None and type(None) in get_args(hint):
            return None
        chosen = next(option for option in get_args(hint) if option is not type(None))
        return _convert(chosen, value, where)
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise SettingsError(f"{where} must be an object, got {value!r}")
        return load(typing.cast("type[object]", hint), value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise SettingsError(f"{where} must be a list, got {value!r}")
        item = get_args(hint)[0]
        return tuple(_convert(item, v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is not None and isinstance(value, Mapping):
        return dict(value)
    return _scalar(hint, value, where)


def _scalar(hint: object, value: object, where: str) -> object:
    """A bool, int, float or str of exactly that kind (an int may stand for a float)."""
    if hint is bool and isinstance(value, bool):
        return value
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is str and isinstance(value, str):
        return value
    if isinstance(hint, type) and hint not in {bool, int, float, str}:
        return hint(value)
    wanted = getattr(hint, "__name__", str(hint))
    raise SettingsError(f"{where} must be of type {wanted}, got {value!r}")
