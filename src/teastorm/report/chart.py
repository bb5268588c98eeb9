"""Charts over time: stacked surfaces and lines, the fault window shaded, lines labelled directly."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from teastorm.report import svg
from teastorm.verdict.columns import Floats
from teastorm.verdict.window import Window

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1040.0, 48.0, 132.0, 26.0, 30.0
LABEL_GAP = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A named series; `colour` is a CSS class. `style`: line, dashed, thin or step, or two of them."""

    name: str
    values: Floats
    colour: str
    style: str = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A horizontal line with a name."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What to draw. `t_s` is the common time of all layers; stacked ones lie on one another.

    `log` draws the y axis in powers of ten; `top` fixes its upper end.
    """

    title: str
    unit: str
    t_s: Floats
    window: Window
    stacked: tuple[Layer, ...] = ()
    lines: tuple[Layer, ...] = ()
    marks: tuple[Mark, ...] = ()
    height: float = 230.0
    log: bool = False
    top: float | None = None
    fault_name: str = "fault window"
    ends: tuple[float, ...] = field(default=())

    def draw(self) -> str:
        """The chart as an inline SVG; a sentence instead when there is nothing to draw."""
        if len(self.t_s) < 2 or not (self.stacked or self.lines):
            return ""
        return _Drawing(self).draw()


class _Drawing:
    """One chart being drawn: its scales and its parts."""

    def __init__(self, chart: Chart) -> None:
        self._c = chart
        self._t0, self._t1 = float(chart.t_s[0]), float(chart.t_s[-1])
        self._low, self._high = self._range()

    def draw(self) -> str:
        c = self._c
        parts = [*self._frame()]
        base = np.zeros(len(c.t_s))
        for layer in c.stacked:
            upper = base + np.nan_to_num(layer.values)
            if layer.values.any():
                points, floor = self._points(upper), self._points(base)
                parts.append(svg.area(points, floor, f"a-{layer.colour}"))
            base = upper
        labels: list[tuple[float, str, str]] = []
        for layer in c.lines:
            parts.append(svg.path(self._runs(layer), f"l-{layer.colour} {layer.style}"))
            finite = np.flatnonzero(np.isfinite(layer.values))
            if len(finite) and layer.name:
                end = self._y(float(layer.values[finite[-1]]))
                labels.append((end, layer.name, f"label t-{layer.colour}"))
        for mark in c.marks:
            y = self._y(mark.value)
            parts.append(svg.line(LEFT, y, WIDTH - RIGHT, y, "mark"))
            labels.append((y, mark.name, "label"))
        parts += self._labels(labels)
        return svg.picture(WIDTH, c.height, f"{c.title}, {c.unit}", parts)

    def _range(self) -> tuple[float, float]:
        c = self._c
        values = [mark.value for mark in c.marks]
        values += [float(v) for layer in c.lines for v in layer.values if math.isfinite(v)]
        if c.stacked:
            total = np.sum([np.nan_to_num(layer.values) for layer in c.stacked], axis=0)
            values.append(float(total.max()))
        high = c.top if c.top is not None else max(values, default=1.0) * 1.06
        if not c.log:
            return 0.0, high if high > 0 else 1.0
        above = [value for value in values if value > 0]
        low = min(above, default=0.01)
        return 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(
            math.log10(max(high, low * 10))
        )

    def _x(self, t_s: float) -> float:
        return LEFT + (t_s - self._t0) / (self._t1 - self._t0) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        room = self._c.height - TOP - BOTTOM
        if self._c.log:
            span = math.log10(self._high) - math.log10(self._low)
            share = (math.log10(max(value, self._low)) - math.log10(self._low)) / span
        else:
            share = (value - self._low) / (self._high - self._low)
        return TOP + room * (1 - min(1.0, max(0.0, share)))

    def _points(self, values: Floats) -> list[tuple[float, float]]:
        pairs = zip(self._c.t_s, values, strict=True)
        return [(self._x(float(t)), self._y(float(v))) for t, v in pairs]

    def _runs(self, layer: Layer) -> list[list[tuple[float, float]]]:
        runs: list[list[tuple[float, float]]] = [[]]
        for t, value in zip(self._c.t_s, layer.values, strict=True):
            if not math.isfinite(value):
                runs.append([])
                continue
            x, y = self._x(float(t)), self._y(float(value))
            if "step" in layer.style.split() and runs[-1]:
                runs[-1].append((x, runs[-1][-1][1]))
            runs[-1].append((x, y))
        return runs

    def _frame(self) -> list[str]:
        c = self._c
        left, right = (
            self._x(max(c.window.start_s, self._t0)),
            self._x(min(c.window.end_s, self._t1)),
        )
        floor = c.height - BOTTOM
        parts = [svg.rect(left, TOP, right - left, floor - TOP, "fault")]
        for value in self._ticks():
            y = self._y(value)
            parts += [
                svg.line(LEFT, y, WIDTH - RIGHT, y, "grid"),
                svg.text(LEFT - 8, y + 4, f"{value:g}", "tick", "end"),
            ]
        step = _nice((self._t1 - self._t0) / 8)
        for t in np.arange(math.ceil(self._t0 / step) * step, self._t1 + 1e-9, step):
            parts.append(svg.text(self._x(float(t)), floor + 18, f"{t:g} s", "tick", "middle"))
        parts.append(svg.text((left + right) / 2, TOP - 9, c.fault_name, "fault-name", "middle"))
        parts.append(svg.text(LEFT, TOP - 9, c.unit, "tick"))
        return parts

    def _ticks(self) -> list[float]:
        if self._c.log:
            first, last = round(math.log10(self._low)), round(math.log10(self._high))
            return [10.0**power for power in range(first, last + 1)]
        step = _nice(self._high / 4)
        return [float(v) for v in np.arange(0.0, self._high + 1e-9, step)]

    def _labels(self, labels: list[tuple[float, str, str]]) -> list[str]:
        """Labels at the lines' ends, moved apart where they would cover one another."""
        placed: list[str] = []
        y_free = -math.inf
        ordered = sorted(labels, key=lambda label: label[0])
        overflow = max(0.0, (len(ordered) - 1) * LABEL_GAP - (self._c.height - BOTTOM - TOP))
        floor = self._c.height - BOTTOM + overflow
        places: list[float] = []
        for y, _, _ in ordered:
            y_free = max(y, y_free + LABEL_GAP)
            places.append(y_free)
        for index in range(len(places) - 1, -1, -1):
            places[index] = min(places[index], floor)
            floor = places[index] - LABEL_GAP
        for place, (_, name, class_) in zip(places, ordered, strict=True):
            placed.append(svg.text(WIDTH - RIGHT + 10, place + 4, name, class_))
        return placed


def _nice(value: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten at or above a value."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value - 1e-12)
