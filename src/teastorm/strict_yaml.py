"""YAML as a person means it: a key that is there twice is a mistake, not a choice of the last one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import override

import yaml


class _Strict(yaml.SafeLoader):
    """SafeLoader that refuses a mapping with one key twice; `<<` may be overridden, as YAML has it."""

    @override
    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # the base class says what is wrong with it
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} is there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def load(text: str) -> object:
    """The one document in `text`, of plain types. Raises `yaml.YAMLError` for whatever it is not.

    So it does for nesting beyond what can be read, which PyYAML answers with RecursionError, and for
    numbers and dates that YAML allows and Python does not.
    """
    with _as_yaml_errors():
        return yaml.load(text, Loader=_Strict)  # noqa: S506 - a SafeLoader


def documents(text: str) -> list[object]:
    """All documents in `text`, an empty one as None; `yaml.YAMLError` as `load` raises it."""
    with _as_yaml_errors():
        return list(yaml.load_all(text, Loader=_Strict))


@contextmanager
def _as_yaml_errors() -> Iterator[None]:
    try:
        yield
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    except (ValueError, OverflowError) as error:
        raise yaml.YAMLError(str(error)) from error
