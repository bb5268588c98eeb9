"""What a figure of a report is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An entry of a figure's key: name, colour class, and a number beside it."""

    name: str
    colour: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A drawing with its heading, a sentence on how to read it, and a key."""

    title: str
    note: str
    drawing: str
    keys: tuple[Key, ...] = ()
