"""Figures of the metrics: what the shop's replicas exported while the crowd was there."""

from __future__ import annotations

from teastorm.report import palette
from teastorm.report.chart import Chart, Layer
from teastorm.report.figure import Figure
from teastorm.verdict import names
from teastorm.verdict.run import Run
from teastorm.verdict.timeline import grid


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
