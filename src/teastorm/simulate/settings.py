"""Settings by their names: what an experiment file or `--set` may say of the simulated shop."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import cast

from teashop.resilience.front_config import FrontConfig
from teashop.serving.settings import SettingsError, load
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.models import InferenceModel, OrdersModel, StreetModel
from teastorm.simulate.scenario import Scenario

SECTIONS: Mapping[str, tuple[str, type]] = {
    "gateway": ("front", FrontConfig),
    "inference": ("inference", InferenceModel),
    "orders": ("orders", OrdersModel),
    "street": ("street", StreetModel),
}
"""Section to the scenario's field and its class."""

_LENGTHS = ("tokens_full", "tokens_short")
_OF_THE_LIVE_SHOP_ONLY = ("burn_share", "model", "error_share", "retry_after_max_s", "common")


def with_settings(
    scenario: Scenario, settings: Mapping[str, Mapping[str, object]], where: str
) -> Scenario:
    """The scenario with settings changed; ScenarioInvalid in one sentence for an unknown one.

    Args:
        settings: section to name to value, as an experiment's `settings` has them.
    """
    changes: dict[str, object] = {}
    for section, given in settings.items():
        if section == "dispatch":
            continue  # the street is its own model, with numbers of its own
        if section not in SECTIONS:
            near = difflib.get_close_matches(section, SECTIONS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(SECTIONS)}"
            raise ScenarioInvalid(f"{where}: {section!r} is no part of the simulated shop{hint}")
        field, cls = SECTIONS[section]
        before = changes.get(field, getattr(scenario, field))
        wanted = {k: v for k, v in given.items() if k not in _OF_THE_LIVE_SHOP_ONLY}
        if section == "inference":
            # The gateway asks for so many tokens; there they are a setting too.
            lengths = {k: wanted.pop(k) for k in _LENGTHS if k in wanted}
            if lengths:
                front = dataclasses.asdict(
                    cast("FrontConfig", changes.get("front", scenario.front))
                )
                changes["front"] = _loaded(FrontConfig, front | lengths, f"{where}: {section}")
        merged = dataclasses.asdict(cast("FrontConfig", before)) | wanted
        changes[field] = _loaded(cls, merged, f"{where}: {section}")
    return dataclasses.replace(scenario, **changes)  # type: ignore[arg-type]  # by SECTIONS


def parse_assignment(text: str) -> tuple[str, str, object]:
    """`gateway.ai_queue=8` as (section, name, value); ScenarioInvalid otherwise."""
    left, equals, right = text.partition("=")
    section, dot, name = left.partition(".")
    if not (equals and dot and section and name and right):
        raise ScenarioInvalid(f"{text!r} is no setting; write SECTION.NAME=VALUE")
    value: object = right
    for kind in (int, float):
        try:
            value = kind(right)
            break
        except ValueError:
            continue
    return section, name, value


def _loaded(cls: type, mapping: Mapping[str, object], where: str) -> object:
    try:
        return load(cls, mapping, where)
    except SettingsError as error:
        raise ScenarioInvalid(str(error)) from error
