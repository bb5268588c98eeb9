"""The trade-off as a drawing: pod-hours across, misses up, the front lettered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from teastorm.report import svg

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 1040.0, 380.0, 64.0, 40.0, 26.0, 44.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Dot:
    """A setting; half-widths are 0 where there is no interval. `kind`: tried, front, chosen, now."""

    pod_hours: float
    miss_percent: float
    kind: str = "tried"
    name: str = ""
    half_hours: float = 0.0
    half_percent: float = 0.0


def draw(dots: Sequence[Dot], *, limit_percent: float | None) -> str:
    """The drawing; empty without dots."""
    if not dots:
        return ""
    right = max(d.pod_hours + d.half_hours for d in dots) * 1.05 or 1.0
    tall = max([d.miss_percent + d.half_percent for d in dots] + [limit_percent or 0.0]) * 1.08
    top = tall or 1.0

    def x(hours: float) -> float:
        return LEFT + hours / right * (WIDTH - LEFT - RIGHT)

    def y(percent: float) -> float:
        return TOP + (1 - percent / top) * (HEIGHT - TOP - BOTTOM)

    parts = [
        svg.text(LEFT, TOP - 10, "requests missed, %", "tick"),
        svg.text(WIDTH - RIGHT, HEIGHT - 6, "pod-hours of the demand", "tick", "end"),
    ]
    for n in range(5):
        percent, hours = top * n / 4, right * n / 4
        parts += [
            svg.line(LEFT, y(percent), WIDTH - RIGHT, y(percent), "grid"),
            svg.text(LEFT - 8, y(percent) + 4, f"{percent:.3g}", "tick", "end"),
            svg.text(x(hours), HEIGHT - BOTTOM + 18, f"{hours:.3g}", "tick", "middle"),
        ]
    if limit_percent is not None:
        parts += [
            svg.line(LEFT, y(limit_percent), WIDTH - RIGHT, y(limit_percent), "mark"),
            svg.text(WIDTH - RIGHT, y(limit_percent) - 6, "objective", "label", "end"),
        ]
    for dot in sorted(dots, key=lambda d: bool(d.name)):
        cx, cy = x(dot.pod_hours), y(dot.miss_percent)
        if dot.half_percent:
            low, high = (
                y(dot.miss_percent - dot.half_percent),
                y(dot.miss_percent + dot.half_percent),
            )
            parts.append(svg.line(cx, low, cx, high, "mark"))
        parts.append(
            svg.element("circle", cx=cx, cy=cy, r=6.0 if dot.name else 3.5, class_=dot.kind)
        )
        if dot.name:
            parts.append(svg.text(cx + 9, cy - 7, dot.name, "label"))
    return svg.picture(WIDTH, HEIGHT, "pod-hours against requests missed", parts)
