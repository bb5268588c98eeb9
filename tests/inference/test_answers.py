"""The parts of an answer, and settings that are refused."""

import json
from dataclasses import replace
from random import Random

import pytest

from teashop.catalog.utterances import draw
from teashop.inference.answers import answer, pieces
from teashop.inference.settings import InferenceSettings
from teashop.serving.settings import SettingsError, load


def test_answers_depend_on_the_seed_and_the_utterance_only() -> None:
    rng = Random(2)
    utterances = [draw(rng) for _ in range(1000)]
    right = [json.dumps(u.truth.to_json(), separators=(",", ":")) for u in utterances]
    assert [answer(u.text, seed=1, error_share=0.0) for u in utterances] == right

    def wrong(seed: int) -> set[int]:
        told = [answer(u.text, seed=seed, error_share=0.1) for u in utterances]
        return {i for i, said in enumerate(told) if said != right[i]}

    assert 60 < len(wrong(1)) < 140
    assert wrong(1) == wrong(1) != wrong(2)


def test_pieces_make_up_the_content() -> None:
    for tokens in (1, 7, 40, 200):
        parts = list(pieces('{"drink": 1}', tokens))
        assert (len(parts), "".join(parts)) == (tokens, '{"drink": 1}')


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_num_seqs", 0),
        ("max_waiting", -1),
        ("itl_s", 0.0),
        ("ttft_s", -0.1),
        ("slowdown", 0.5),
        ("error_share", 1.5),
        ("burn_share", 2.0),
        ("model", ""),
    ],
)
def test_settings_refuse_what_cannot_be_meant(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        replace(InferenceSettings(), **{field: value})  # type: ignore[arg-type]  # by name
    with pytest.raises(SettingsError, match=f"settings.json.*{field}"):
        load(InferenceSettings, {field: value}, "settings.json")
