"""Who comes, and how impatiently: `load:` of an experiment over the defaults, read with its file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from teastorm.load.errors import PlanInvalid
from teastorm.load.settings import Clients, Mix
from teastorm.runner.document import a_mapping
from teastorm.runner.problems import did_you_mean, usage

PARTS = ("mix", "clients")


def crowd_in(value: object, where: str) -> tuple[Mix, Clients]:
    """The mix of classes and the clients' habits; RunProblem (2) names a wrong or unknown field."""
    given = a_mapping(value, where)
    for key in given:
        if key not in PARTS:
            raise usage(f"{where}.{key} is not known{did_you_mean(str(key), PARTS)}")
    mix, clients = (a_mapping(given.get(part), f"{where}.{part}") for part in PARTS)
    return _settings(Mix, mix, f"{where}.mix"), _settings(Clients, clients, f"{where}.clients")


def _settings[T: (Mix, Clients)](cls: type[T], given: Mapping[str, object], where: str) -> T:
    known = list(cls.__dataclass_fields__)
    for key in given:
        if key not in known:
            raise usage(f"{where}.{key} is not known{did_you_mean(str(key), known)}")
    fields = dict(given)
    for table in ("deadlines_s", "timeouts_s"):
        if table in fields:
            some = a_mapping(fields[table], f"{where}.{table}")
            fields[table] = {**getattr(cls(), table), **some}
    if isinstance(fields.get("shops"), list):
        fields["shops"] = tuple(cast("list[object]", fields["shops"]))
    try:
        return cls(**fields)  # type: ignore[arg-type]  # __post_init__ says what each may be
    except PlanInvalid as error:
        # Its text names the part too, as a plan's file has no other place to name.
        text = str(error).rstrip(".").removeprefix(f"{where.rpartition('.')[2]}.")
        raise usage(f"{where}.{text}") from error
