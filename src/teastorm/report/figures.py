"""The figures of a report, from a run's columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teastorm.report import palette
from teastorm.report.chart import Chart, Layer, Mark
from teastorm.verdict import names
from teastorm.verdict.attempts import Flags, Floats
from teastorm.verdict.run import Run
from teastorm.verdict.timeline import chat_rates, good_by_criticality, grid, latency
from teastorm.verdict.words import CHAT


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


def figures(run: Run) -> tuple[Figure, ...]:
    """All figures that this run has data for, in reading order."""
    drawn = (
        demand(run),
        by_criticality(run),
        latencies(run),
        the_ai(run),
        the_door(run),
        replicas(run),
        refusals(run),
    )
    return tuple(figure for figure in drawn if figure.drawing)


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


_WORDS = {
    "full": "full AI, in time",
    "short": "short answer, in time",
    "menu": "menu without AI",
    "ticket": "waiting-room ticket",
    "refused": "refused with Retry-After",
    "failed": "failed, late or wrong",
}


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


def the_ai(run: Run) -> Figure:
    """Running and waiting sequences."""
    at = grid(run)
    found = (
        ("running", names.RUNNING, "blue"),
        ("waiting", names.WAITING, "orange"),
    )
    layers = tuple(
        Layer(name=name, values=values, colour=colour)
        for name, metric, colour in found
        if (values := run.metrics.total(metric, at)) is not None
    )
    slots = run.inference_replicas(at + 0.5) * run.meta.inference.max_num_seqs
    chart = Chart(
        title="Sequences of the AI",
        unit="sequences, all replicas",
        t_s=at,
        window=run.fault_window,
        lines=(*layers, Layer(name="places", values=slots, colour="ink", style="step"))
        if layers
        else (),
    )
    return Figure(
        title="The AI",
        note="A healthy overload keeps the places full and the queue short.",
        drawing=chart.draw(),
    )


def the_door(run: Run) -> Figure:
    """In-flight, limit and queue of the gateways towards the AI."""
    at = grid(run)
    found = (
        ("limit", names.LIMIT, "ink", "dashed"),
        ("in flight", names.IN_FLIGHT, "blue", "line"),
        ("queued", names.GATEWAY_QUEUE, "orange", "line"),
    )
    layers = tuple(
        Layer(name=name, values=values, colour=colour, style=style)
        for name, metric, colour, style in found
        if (values := run.metrics.total(metric, at, dependency="inference")) is not None
    )
    chart = Chart(
        title="Gateway towards the AI",
        unit="requests, all gateways",
        t_s=at,
        window=run.fault_window,
        lines=layers,
    )
    return Figure(
        title="The door",
        note="The gateways' concurrency limit towards the AI, what they hold, and what waits.",
        drawing=chart.draw(),
    )


def replicas(run: Run) -> Figure:
    """Ready replicas by service."""
    at = grid(run)
    layers = tuple(
        Layer(name=service, values=values, colour=colour, style="step")
        for service, colour in palette.SERVICE.items()
        if (values := run.metrics.total(names.READY, at, service=service)) is not None
    )
    chart = Chart(
        title="Ready replicas",
        unit="replicas",
        t_s=at,
        window=run.fault_window,
        lines=layers,
        height=190.0,
    )
    return Figure(title="Replicas", note="Ready, as scraped each second.", drawing=chart.draw())


def refusals(run: Run) -> Figure:
    """Refused attempts by reason."""
    at = grid(run)
    rows = run.attempts
    refused = rows.refused & rows.real
    reasons = sorted({str(reason) for reason in rows.reason[refused]})
    layers = tuple(
        Layer(
            name=reason or "no reason",
            values=_per_second(rows.sent_s[refused & (rows.reason == reason)], at),
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


def _per_second(times: Floats, at: Floats) -> Floats:
    counts, _ = np.histogram(times, bins=np.append(at, at[-1] + 1.0))
    return np.asarray(counts, dtype=np.float64)


def _inside(run: Run, at: Floats) -> Flags:
    inside = (at >= run.fault_window.start_s) & (at < run.fault_window.end_s)
    return np.asarray(inside, dtype=np.bool_)
