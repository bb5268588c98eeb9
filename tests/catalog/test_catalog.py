"""The catalogue against thousands of its own utterances, and the edges of its two parsers."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teashop.catalog import MENU, DrinkOrder, Utterance
from teashop.catalog.parse import parse
from teashop.catalog.rules import resolve
from teashop.catalog.utterances import FAMILIES, draw, draw_order

DRAWS = 8_000


@pytest.fixture(scope="module")
def drawn() -> list[Utterance]:
    rng = Random(20260206)
    return [draw(rng) for _ in range(DRAWS)]


def test_the_full_parser_is_right_for_every_utterance(drawn: list[Utterance]) -> None:
    assert [u for u in drawn if parse(u.text) != u.truth] == []


def test_rules_are_never_wrong_and_answer_exactly_the_resolvable(drawn: list[Utterance]) -> None:
    wrong = [u for u in drawn if resolve(u.text) != (u.truth if u.resolvable else None)]
    assert wrong == []


def test_rules_resolve_a_minority(drawn: list[Utterance]) -> None:
    assert 0.25 < sum(u.resolvable for u in drawn) / len(drawn) < 0.40


def test_a_cache_by_text_cannot_carry_the_day_either(drawn: list[Utterance]) -> None:
    seen: set[str] = set()
    helped = 0
    for utterance in drawn:
        helped += utterance.resolvable or utterance.text in seen
        seen.add(utterance.text)
    assert helped / len(drawn) < 0.40


def test_both_languages_and_every_template_are_drawn(drawn: list[Utterance]) -> None:
    assert 0.5 < sum(u.language == "zh" for u in drawn) / len(drawn) < 0.7
    assert all(
        len(family.templates[lang]) >= 6 for family in FAMILIES.values() for lang in ("zh", "en")
    )
    assert {u.truth.drink for u in drawn} == set(MENU.drinks)
    assert {u.truth.quantity for u in drawn} == {1, 2, 3, 4}


def test_the_same_seed_says_the_same() -> None:
    first, second = Random(7), Random(7)
    assert [draw(first) for _ in range(50)] == [draw(second) for _ in range(50)]


def test_orders_survive_json() -> None:
    rng = Random(3)
    for _ in range(500):
        order = draw_order(rng)
        assert DrinkOrder.from_json(order.to_json()) == order
        assert order.price_fen == MENU.price_fen(order.drink, order.size) * order.quantity > 0


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ([], "must be an object"),
        ({"drink": "matcha_latte"}, "exactly drink, size, sugar, ice, quantity"),
        (
            {"drink": "beer", "size": "large", "sugar": "full", "ice": "hot", "quantity": 1},
            "drink must be",
        ),
        ({"drink": 3, "size": "large", "sugar": "full", "ice": "hot", "quantity": 1}, "a string"),
        (
            {
                "drink": "matcha_latte",
                "size": "large",
                "sugar": "full",
                "ice": "hot",
                "quantity": 0,
            },
            "from 1",
        ),
        (
            {
                "drink": "matcha_latte",
                "size": "large",
                "sugar": "full",
                "ice": "hot",
                "quantity": True,
            },
            "integer",
        ),
    ],
)
def test_what_is_not_on_the_menu_is_refused(raw: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        DrinkOrder.from_json(raw)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the one with the black pearls please", DrinkOrder(drink="pearl_milk_tea")),
        ("two large oolong milk teas, no sugar, no wait, make it three",
         DrinkOrder(drink="oolong_milk_tea", size="large", sugar="none", quantity=3)),
        ("not the taro milk tea, the matcha latte", DrinkOrder(drink="matcha_latte")),
        ("不要珍珠奶茶 我要芋泥奶茶 去冰", DrinkOrder(drink="taro_milk_tea", ice="none")),
        ("good morning", None),
        ("", None),
        ("not the taro milk tea", None),
        ("oolong milk tea " * 500, None),
    ],
)  # fmt: skip
def test_the_full_parser_by_example(text: str, expected: DrinkOrder | None) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "one large oolong milk tea, half sugar, less ice, no wait",
        "one large oolong milk tea, half sugar, light sugar",
        "not one large oolong milk tea",
        "one large oolong milk tea and one small matcha latte",
        "one oolong",
        "来一杯大杯乌龙奶茶 不要去冰",
        "one large oolong milk tea" + " " * 500,
    ],
)
def test_rules_say_nothing_when_a_word_is_left_over(text: str) -> None:
    assert resolve(text) is None


def test_rules_ignore_case_and_spaces() -> None:
    assert resolve("  ONE large  Oolong Milk Tea , PLEASE".replace(" ,", ",")) == DrinkOrder(
        drink="oolong_milk_tea", size="large"
    )


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_a_parser(text: str) -> None:
    ruled = resolve(text)
    assert ruled is None or ruled == parse(text)
