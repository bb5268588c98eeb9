"""YAML that does not say one thing is refused."""

from __future__ import annotations

import pytest
import yaml

from teastorm import strict_yaml


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "'a' is there twice"),
        ("a:\n  b: 1\n  c: {d: 1, d: 2}\n", "'d' is there twice"),
        ("a:\n\tb: 1\n", "cannot start any token"),
        ("[" * 5000, "nested too deeply"),
        ("a: 2026-13-45\n", "month"),
        ("a: *nowhere\n", "undefined alias"),
        ("a: 1\n---\nb: 2\n", "expected a single document"),
        ("a: !!python/object/apply:os.system [true]\n", "could not determine a constructor"),
        ("? [1, 2]\n: 3\n", "unhashable"),
    ],
)
def test_what_is_no_plain_document_is_refused(text, said):
    with pytest.raises(yaml.YAMLError) as caught:
        strict_yaml.load(text)

    assert said in str(caught.value)


def test_a_merged_key_may_be_overridden():
    text = "base: &b {x: 1, y: 2}\nmine:\n  <<: *b\n  y: 3\n"

    assert strict_yaml.load(text) == {"base": {"x": 1, "y": 2}, "mine": {"x": 1, "y": 3}}


def test_it_reads_what_safe_load_reads():
    text = "\ufeffa: [1, 2.5, true, null, 奶茶]\nb: {c: 'd'}\n"

    assert strict_yaml.load(text) == yaml.safe_load(text)
