"""Settings refuse what cannot be meant, and make the street they say."""

from __future__ import annotations

import pytest

from teashop.dispatch.settings import DispatchSettings
from teashop.dispatch.street import Street
from teashop.serving.settings import SettingsError, load


def test_the_defaults_serve_the_critical_stream() -> None:
    street = Street.of(DispatchSettings())
    assert len(street.names) * street.rules.drinks_per_s == 48.0
    # Couriers are no bottleneck: orders have one drink or more.
    trips_per_s = street.couriers_per_shop / street.promises.round_trip_s
    assert trips_per_s >= street.rules.drinks_per_s


def test_time_compression_scales_preparation_and_etas_alike() -> None:
    slow, fast = (Street.of(DispatchSettings(time_factor=f)) for f in (12.0, 60.0))
    assert fast.rules.drinks_per_s == pytest.approx(5 * slow.rules.drinks_per_s)
    assert fast.promises.delivery_s == pytest.approx(slow.promises.delivery_s / 5)
    assert fast.rules.capacity_drinks == pytest.approx(slow.rules.capacity_drinks)
    assert fast.per_h(fast.rules.drinks_per_s) == pytest.approx(360.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_factor", 0),
        ("shops", 0),
        ("resume_share", 1.3),
        ("full_share", 1.0),
        ("pace_variation", 1.0),
        ("lease_s", 0.5),
        ("promise_margin", -0.1),
        ("couriers_per_shop", 0),
        ("retry_after_max_s", 1),
    ],
)
def test_a_bad_value_is_one_sentence_with_place_and_field(field: str, value: object) -> None:
    with pytest.raises(SettingsError, match=f"dispatch.json: .*{field}"):
        load(DispatchSettings, {field: value}, "dispatch.json")


def test_a_typo_is_named() -> None:
    with pytest.raises(SettingsError, match="couriers_per_shop"):
        load(DispatchSettings, {"courier_per_shop": 3}, "dispatch.json")
