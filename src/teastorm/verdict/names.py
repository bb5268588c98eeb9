"""The metric names that verdict and report read; the first that was exported counts."""

from __future__ import annotations

OFFERED = ("teashop_offered_total",)
REFUSED = ("teashop_refused_total",)
RUNNING = ("vllm:num_requests_running",)
WAITING = ("vllm:num_requests_waiting",)
GATEWAY_QUEUE = ("teashop_queue",)
IN_FLIGHT = ("teashop_in_flight",)
LIMIT = ("teashop_limit",)
SEQUENCE_SECONDS = (
    "teashop_sequence_seconds_total",
    "teashop_inference_sequence_seconds_total",
)
READY = ("teashop_ready",)
STARTED = ("process_start_time_seconds",)
