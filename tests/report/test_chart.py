"""A chart by itself: gaps, labels, and almost nothing to draw."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from teastorm.report import svg
from teastorm.report.chart import Chart, Layer, Mark
from teastorm.verdict.window import Window


def test_a_chart_breaks_its_line_where_nothing_is_known():
    t = np.arange(6.0)
    values = np.array([1, 2, np.nan, 4, 5, 6.0])
    layer = Layer(name="<a>", values=values, colour="blue")
    window = Window(start_s=1.0, end_s=3.0)
    drawing = Chart(
        title="t", unit="u", t_s=t, window=window, lines=(layer,), marks=(Mark(name="K", value=3),)
    ).draw()

    path = re.search(r'<path d="([^"]+)"', drawing)
    assert path is not None
    assert path.group(1).count("M") == 2
    assert "&lt;a&gt;" in drawing


def test_labels_do_not_cover_one_another():
    t = np.arange(4.0)
    lines = tuple(Layer(name=f"n{i}", values=np.ones(4), colour="blue") for i in range(6))
    drawing = Chart(
        title="t", unit="u", t_s=t, window=Window(start_s=1.0, end_s=2.0), lines=lines
    ).draw()

    places = sorted(float(y) for y in re.findall(r'y="([\d.]+)" class="label', drawing))
    assert len(places) == 6
    assert min(b - a for a, b in itertools.pairwise(places)) >= 14


@pytest.mark.parametrize("values", [np.zeros(5), np.full(5, np.nan), np.array([0, 0, 1e-6, 0, 0])])
@pytest.mark.parametrize("log", [False, True])
def test_a_chart_of_almost_nothing_can_be_drawn(values, log):
    layer = Layer(name="x", values=values, colour="red", style="step")
    window = Window(start_s=1.0, end_s=2.0)
    drawing = Chart(
        title="t", unit="u", t_s=np.arange(5.0), window=window, lines=(layer,), log=log
    ).draw()

    assert "nan" not in drawing
    assert drawing.startswith("<svg")


def test_nothing_is_drawn_of_nothing():
    window = Window(start_s=0.0, end_s=1.0)
    assert Chart(title="t", unit="u", t_s=np.arange(5.0), window=window).draw() == ""


def test_attributes_are_escaped():
    assert svg.element("g", class_='"><b') == '<g class="&quot;&gt;&lt;b"/>'
