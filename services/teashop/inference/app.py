"""Builds the mock LLM server: chat completions over a continuously filled batch."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from teashop.inference.burn import Burner
from teashop.inference.driver import Driver
from teashop.inference.metrics import InferenceMetrics
from teashop.inference.server import Completions
from teashop.inference.settings import InferenceSettings
from teashop.resilience.batch import Batch
from teashop.resilience.sequence import BatchConfig
from teashop.serving.clock import Clock
from teashop.serving.faults import Faults
from teashop.serving.router import Router
from teashop.serving.service import Service


def create_app(
    settings: InferenceSettings,
    *,
    clock: Clock,
    rng: random.Random,
    registry: CollectorRegistry,
    client_factory: object = None,  # noqa: ARG001 - every service takes it; this one calls nobody
    cpu_s: Callable[[], float] = time.thread_time,
) -> Service:
    """One replica. `cpu_s` is the CPU clock that the burner is measured by."""
    protections = settings.common.protections
    batch = Batch(
        BatchConfig(
            max_num_seqs=settings.max_num_seqs,
            max_waiting=settings.max_waiting,
            ttft_s=settings.ttft_s,
            itl_s=settings.itl_s,
            slowdown=settings.slowdown,
            priorities=protections.priorities,
            deadlines=protections.deadlines,
        ),
        now_s=clock.now(),
    )
    burner = Burner(burn_share=settings.burn_share, max_num_seqs=settings.max_num_seqs, cpu_s=cpu_s)
    metrics = InferenceMetrics(registry, model=settings.model, batch=batch, burner=burner)
    driver = Driver(batch, clock=clock, burner=burner, on_end=metrics.observe)
    server = Completions(settings, clock=clock, rng=rng, driver=driver, metrics=metrics)
    router = Router()
    router.add("POST", "/v1/chat/completions", server.complete)
    router.add("GET", "/v1/models", server.models)
    return Service(
        name="inference",
        replica=settings.common.replica,
        router=router,
        registry=registry,
        clock=clock,
        faults=Faults(clock, rng),
        on_start=[server.start],
        on_stop=[driver.stop],
        ready=server.loaded,
    )
