"""The metrics of one replica, under the names that vLLM documents, and a few of our own.

Names: vLLM, "Production Metrics" (docs.vllm.ai, v0.9). Buckets are fewer than vLLM's, since every
replica is scraped each second.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from teashop.inference.burn import Burner
from teashop.resilience.batch import Batch
from teashop.resilience.sequence import Outcome, Sequence

_FINISHED_REASON = {
    Outcome.FINISHED: "stop",
    Outcome.ORPHANED: "stop",
    Outcome.EXPIRED: "abort",
    Outcome.ABANDONED: "abort",
    Outcome.EVICTED: "abort",
}
_TTFT_BUCKETS = (0.02, 0.04, 0.08, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_TPOT_BUCKETS = (0.0025, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.03, 0.05, 0.1)
_E2E_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0)


class InferenceMetrics:
    """Counts what the batch did; `observe` takes each ended sequence once."""

    def __init__(
        self, registry: CollectorRegistry, *, model: str, batch: Batch, burner: Burner
    ) -> None:
        label, name = ["model_name"], {"model_name": model}
        running = Gauge(
            "vllm:num_requests_running", "Sequences in the batch", label, registry=registry
        )
        running.labels(**name).set_function(lambda: batch.running)
        waiting = Gauge(
            "vllm:num_requests_waiting", "Sequences in the queue", label, registry=registry
        )
        waiting.labels(**name).set_function(lambda: batch.waiting)
        success = Counter(
            "vllm:request_success",
            "Requests that ended, by the reason",
            [*label, "finished_reason"],
            registry=registry,
        )
        self._success = {
            reason: success.labels(**name, finished_reason=reason)
            for reason in ("stop", "length", "abort")
        }
        self.prompt_tokens = Counter(
            "vllm:prompt_tokens", "Tokens read", label, registry=registry
        ).labels(**name)
        self._generation_tokens = Counter(
            "vllm:generation_tokens", "Tokens written", label, registry=registry
        ).labels(**name)
        self._ttft = Histogram(
            "vllm:time_to_first_token_seconds",
            "From the request to its first token",
            label,
            buckets=_TTFT_BUCKETS,
            registry=registry,
        ).labels(**name)
        self._tpot = Histogram(
            "vllm:time_per_output_token_seconds",
            "Between one token and the next",
            label,
            buckets=_TPOT_BUCKETS,
            registry=registry,
        ).labels(**name)
        self._e2e = Histogram(
            "vllm:e2e_request_latency_seconds",
            "From the request to its last token",
            label,
            buckets=_E2E_BUCKETS,
            registry=registry,
        ).labels(**name)
        seconds = Counter(
            "teashop_sequence_seconds",
            "Sequence-seconds spent, by what came of the sequence",
            ["outcome"],
            registry=registry,
        )
        self._seconds = {outcome: seconds.labels(outcome=outcome.value) for outcome in Outcome}
        ended = Counter(
            "teashop_sequences", "Sequences that ended, by outcome", ["outcome"], registry=registry
        )
        self._ended = {outcome: ended.labels(outcome=outcome.value) for outcome in Outcome}
        self.refused = Counter(
            "teashop_inference_refused",
            "Requests refused, by reason",
            ["reason"],
            registry=registry,
        )
        slots = Gauge(
            "teashop_inference_slots", "Sequences that can run at once", registry=registry
        )
        slots.set(batch.config.max_num_seqs)
        burned = Gauge(
            "teashop_burned_cpu_seconds", "CPU burned for the running batch", registry=registry
        )
        burned.set_function(lambda: burner.burned_s)

    def observe(self, sequence: Sequence) -> None:
        """Count a sequence that ended."""
        outcome = sequence.outcome
        if outcome is None or sequence.ended_s is None:
            return
        self._ended[outcome].inc()
        self._seconds[outcome].inc(sequence.held_s)
        self._success[_FINISHED_REASON[outcome]].inc()
        if sequence.first_token_s is not None:
            self._ttft.observe(sequence.first_token_s - sequence.submitted_s)
        if outcome not in {Outcome.FINISHED, Outcome.ORPHANED}:
            return
        self._generation_tokens.inc(sequence.tokens)
        self._e2e.observe(sequence.ended_s - sequence.submitted_s)
        if sequence.first_token_s is not None and sequence.tokens > 1:
            self._tpot.observe((sequence.ended_s - sequence.first_token_s) / (sequence.tokens - 1))
