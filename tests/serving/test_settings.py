"""Settings refuse what they do not know, in one sentence."""

from __future__ import annotations

import pytest

from teashop.gateway.settings import GatewaySettings
from teashop.serving.settings import Common, Protections, SettingsError, load


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (
            {"qouta_rps": 1},
            "f.json: 'qouta_rps' is not a setting of GatewaySettings; did you mean 'quota_rps'?",
        ),
        ({"quota_rps": "many"}, "f.json: quota_rps must be of type float, got 'many'"),
        ({"quota_rps": 0}, "f.json: quota_rps must be above 0"),
        ({"retries": 1.5}, "f.json: retries must be of type int, got 1.5"),
        (
            {"common": {"protections": {"codel": 1}}},
            "f.json: common: protections: codel must be of type bool, got 1",
        ),
        ({"common": 3}, "f.json: common must be an object, got 3"),
        ({"ai_limit_min": 50}, "f.json: ai_limit_min, _initial and _max must rise from 1 on"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(raw: dict, sentence: str):
    with pytest.raises(SettingsError) as refused:
        load(GatewaySettings, raw, "f.json")
    assert str(refused.value) == sentence


def test_nested_settings_are_read():
    got = load(
        GatewaySettings,
        {"quota_rps": 2, "common": {"seed": 7, "protections": {"codel": False}}},
        "f.json",
    )
    assert got.quota_rps == 2.0
    assert got.common.seed == 7
    assert got.common.protections == Protections(codel=False)


def test_arms_switch_every_protection():
    assert all(getattr(Protections.all_on(), n) for n in Protections.names())
    assert not any(getattr(Protections.all_off(), n) for n in Protections.names())


def test_optional_settings_take_null():
    assert load(Common, {"endpoints_file": None, "admin_token": "t"}, "f").admin_token == "t"
