"""Figures of the request log: what the crowd asked for, and what it got."""

from __future__ import annotations

import numpy as np

from teastorm.report import palette
from teastorm.report.chart import Chart, Layer, Mark
from teastorm.report.figure import Figure, Key
from teastorm.verdict.columns import Flags, Floats
from teastorm.verdict.requests import CHAT
from teastorm.verdict.run import Run
from teastorm.verdict.timeline import chat_rates, counted, good_by_criticality, grid, latency

_WORDS = {
    "full": "full AI, in time",
    "short": "short answer, in time",
    "menu": "menu without AI",
    "ticket": "waiting-room ticket",
    "refused": "refused with Retry-After",
    "failed": "failed, late or wrong",
}


def demand(run: Run) -> Figure:
    """Offered chat against what it got, by rung."""
    rates = chat_rates(run)
    inside = _inside(run, rates.t_s)
    layers = tuple(
        Layer(name=name, values=values, colour=palette.RUNG[name])
        for name, values in rates.by_name.items()
    )
    chart = Chart(
        title="Chat offered and what it got",
        unit="chats a second",
        t_s=rates.t_s + 0.5,
        window=run.fault_window,
        stacked=layers,
        lines=(Layer(name="offered", values=rates.offered, colour="ink", style="thin"),),
        marks=(Mark(name=f"K = {run.meta.capacity.rps:.0f}/s", value=run.meta.capacity.rps),),
        height=330.0,
    )
    keys = tuple(
        Key(
            name=_WORDS.get(layer.name, layer.name),
            colour=layer.colour,
            value=f"{layer.values[inside].mean():.1f}/s" if inside.any() else "",
        )
        for layer in layers
        if layer.values.any()
    )
    return Figure(
        title="Chat: offered, and what it got",
        note="By intended send time; every drawn arrival is in the stack. Only full and short "
        "answers count as goodput. Numbers are means over the fault window.",
        drawing=chart.draw(),
        keys=keys,
    )


def by_criticality(run: Run) -> Figure:
    """The share of good requests of each level."""
    rates = good_by_criticality(run)
    chart = Chart(
        title="Good requests by criticality",
        unit="share good",
        t_s=rates.t_s + 0.5,
        window=run.fault_window,
        lines=tuple(
            Layer(name=name, values=values, colour=palette.CRITICALITY[name])
            for name, values in rates.by_name.items()
        ),
        top=1.0,
    )
    return Figure(
        title="Who was served",
        note="Under overload the lines should part in this order, the most important on top.",
        drawing=chart.draw(),
    )


def latencies(run: Run) -> Figure:
    """p50 and p99 of each class, on a logarithmic scale."""
    layers: list[Layer] = []
    for class_, colour in palette.CLASS.items():
        if not run.requests.of(class_).any():
            continue
        if class_ == CHAT:
            p50 = latency(run, class_, 0.5)
            layers.append(Layer(name=f"{class_} p50", values=p50, colour=colour, style="dashed"))
        p99 = latency(run, class_, 0.99)
        layers.append(Layer(name=f"{class_} p99", values=p99, colour=colour))
    chart = Chart(
        title="Latency",
        unit="seconds from the intended send (log)",
        t_s=grid(run) + 0.5,
        window=run.fault_window,
        lines=tuple(layers),
        log=True,
        height=250.0,
    )
    return Figure(
        title="Latency",
        note="To the last byte of the final answer, waits between attempts included, over two "
        "seconds around each second.",
        drawing=chart.draw(),
    )


def refusals(run: Run) -> Figure:
    """Refused attempts by reason."""
    at = grid(run)
    rows = run.attempts
    refused = rows.refused & rows.real
    reasons = sorted({str(reason) for reason in rows.reason[refused]})
    layers = tuple(
        Layer(
            name=reason or "no reason",
            values=counted(rows.sent_s[refused & (rows.reason == reason)], at),
            colour=palette.by_position(index),
        )
        for index, reason in enumerate(reasons)
    )
    chart = Chart(
        title="Refusals by reason",
        unit="attempts a second",
        t_s=at + 0.5,
        window=run.fault_window,
        stacked=layers,
        height=210.0,
    )
    keys = tuple(
        Key(name=layer.name, colour=layer.colour, value=f"{layer.values.sum():.0f}")
        for layer in layers
    )
    return Figure(
        title="Refusals",
        note="Attempts answered 429 or 503, by the reason they were given.",
        drawing=chart.draw(),
        keys=keys,
    )


def _inside(run: Run, at: Floats) -> Flags:
    inside = (at >= run.fault_window.start_s) & (at < run.fault_window.end_s)
    return np.asarray(inside, dtype=np.bool_)
