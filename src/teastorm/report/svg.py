"""A few SVG elements as text: enough for charts, escaped, without a library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

type Points = Sequence[tuple[float, float]]


def number(value: float) -> str:
    """A coordinate with at most one decimal."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


def element(name: str, content: str = "", **attributes: str | float) -> str:
    """`<name …>content</name>`; `class_` is class, underscores become hyphens. Content is markup."""
    parts = []
    for key, value in attributes.items():
        shown = number(value) if isinstance(value, int | float) else escape(value)
        parts.append(f' {key.rstrip("_").replace("_", "-")}="{shown}"')
    return (
        f"<{name}{''.join(parts)}>{content}</{name}>" if content else f"<{name}{''.join(parts)}/>"
    )


def text(x: float, y: float, label: str, class_: str, anchor: str = "start") -> str:
    """A label; its text is escaped."""
    return element("text", escape(label), x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def rect(x: float, y: float, width: float, height: float, class_: str) -> str:
    """A box."""
    return element("rect", x=x, y=y, width=max(0.0, width), height=max(0.0, height), class_=class_)


def path(runs: Iterable[Points], class_: str) -> str:
    """One line with gaps: each run of points is drawn apart from the others."""
    drawn = [
        "M" + "L".join(f"{number(x)} {number(y)}" for x, y in run) for run in runs if len(run) > 1
    ]
    return element("path", d="".join(drawn), class_=class_) if drawn else ""


def area(upper: Points, lower: Points, class_: str) -> str:
    """The surface between two lines of the same x."""
    if len(upper) < 2:
        return ""
    ring = [*upper, *reversed(lower)]
    shape = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in ring) + "Z"
    return element("path", d=shape, class_=class_)


def picture(width: float, height: float, title: str, content: Iterable[str]) -> str:
    """The whole drawing; it scales with the page and says its title to a screen reader."""
    inside = element("title", escape(title)) + "".join(content)
    return element(
        "svg",
        inside,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        xmlns="http://www.w3.org/2000/svg",
    )
