"""The handlers of the mock LLM server: who waits, who is refused, who is answered, and how."""

from __future__ import annotations

import asyncio
import math
import random

from teashop.inference.answers import answer, prompt_tokens
from teashop.inference.completions import Asked, Reply, Usage, models, read
from teashop.inference.driver import Driver
from teashop.inference.metrics import InferenceMetrics
from teashop.inference.settings import InferenceSettings
from teashop.inference.streaming import events
from teashop.resilience import criticality
from teashop.resilience.criticality import Criticality
from teashop.resilience.deadline import Deadline
from teashop.resilience.retry_after import RetryAfter, RetryAfterConfig
from teashop.resilience.sequence import Outcome, QueueFull, Sequence
from teashop.serving.asgi import BodyGone, Problem, Request, Response, json_response
from teashop.serving.clock import Clock

_LONGEST_BUDGET_S = 600.0
_SSE = ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"))


class Completions:
    """The handlers of one replica. Belongs to one event loop."""

    def __init__(
        self,
        settings: InferenceSettings,
        *,
        clock: Clock,
        rng: random.Random,
        driver: Driver,
        metrics: InferenceMetrics,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._driver = driver
        self._metrics = metrics
        self._retry_after = RetryAfter(RetryAfterConfig(maximum_s=settings.retry_after_max_s))
        self._loaded_at_s = math.inf
        self._created = int(clock.unix())

    async def start(self) -> None:
        """Begin to load the model."""
        self._loaded_at_s = self._clock.now() + self._settings.startup_s
        await self._driver.start()

    def loaded(self) -> bool:
        """Whether the model is there."""
        return self._clock.now() >= self._loaded_at_s

    async def models(self, _request: Request) -> Response:
        """GET /v1/models."""
        return json_response(200, models(self._settings.model, self._created))

    async def complete(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        if not self.loaded():
            left_s = self._loaded_at_s - self._clock.now()
            raise self._refusal("dependency", "The model is still being loaded.", left_s)
        rank = _rank(request.header(b"x-criticality"))
        deadline_s = self._deadline_s(request)
        asked = read(await request.json())
        tokens = min(asked.max_tokens or self._settings.tokens_full, self._settings.tokens_full)
        try:
            sequence = self._driver.submit(tokens=tokens, rank=rank, deadline_s=deadline_s)
        except QueueFull as full:
            raise self._refusal("queue_full", "The waiting queue is full.", full.wait_s) from None
        self._metrics.prompt_tokens.inc(prompt_tokens(asked.prompt))
        gone = asyncio.ensure_future(request.wait_disconnected())
        if asked.stream:
            return await self._streamed(asked, sequence, gone)
        ended = self._driver.ended(sequence)
        try:
            await asyncio.wait((ended, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if sequence.outcome is None:
                self._driver.leave(sequence)
            gone.cancel()
        if ended.cancelled():
            raise self._refusal("draining", "The server stopped before the answer was ready.", 1.0)
        if not ended.done() or sequence.outcome is Outcome.ABANDONED:
            raise BodyGone
        self._raise_for(sequence)
        usage = Usage(prompt_tokens=prompt_tokens(asked.prompt), completion_tokens=tokens)
        body = self._reply(sequence).whole(self._content(asked), usage)
        held = b"%.6f" % sequence.held_s
        # By it a caller tells a slow network from a full server (resilience.way).
        spent = b"app;dur=%.3f" % (1000 * (self._clock.now() - request.received_s))
        return json_response(
            200, body, headers=((b"x-sequence-seconds", held), (b"server-timing", spent))
        )

    async def _streamed(
        self, asked: Asked, sequence: Sequence, gone: asyncio.Future[None]
    ) -> Response:
        """Wait for the first token, so that a refusal still has its status; then stream."""
        first = asyncio.ensure_future(self._driver.tokens(sequence, 1))
        try:
            await asyncio.wait((first, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not first.done():
                first.cancel()
                self._driver.leave(sequence)
                gone.cancel()
        if not first.done():
            raise BodyGone
        if first.result() == 0:
            gone.cancel()
            self._raise_for(sequence)
        stream = events(
            self._driver,
            sequence,
            gone,
            reply=self._reply(sequence),
            content=self._content(asked),
            usage_of=prompt_tokens(asked.prompt) if asked.usage_in_stream else None,
        )
        return Response(200, headers=_SSE, stream=stream)

    def _reply(self, sequence: Sequence) -> Reply:
        return Reply(
            ident=f"chatcmpl-{self._settings.common.replica}-{sequence.number}",
            created=int(self._clock.unix()),
            model=self._settings.model,
        )

    def _content(self, asked: Asked) -> str:
        return answer(
            asked.utterance,
            seed=self._settings.common.seed,
            error_share=self._settings.error_share,
        )

    def _deadline_s(self, request: Request) -> float | None:
        """The moment an answer has to leave, from its remaining milliseconds; None if unsaid."""
        raw = request.header(b"x-request-timeout-ms")
        if raw is None:
            return None
        budget = Deadline.from_header(
            raw, request.received_s, default_s=_LONGEST_BUDGET_S, max_s=_LONGEST_BUDGET_S
        )
        return budget.at_s - self._settings.deadline_margin_s

    def _raise_for(self, sequence: Sequence) -> None:
        """Refuse for a sequence that did not finish."""
        if sequence.outcome is Outcome.EVICTED:
            raise self._refusal(
                "queue_full", "A more important request took the place.", self._backlog_s()
            )
        if sequence.outcome is Outcome.EXPIRED and sequence.started_s is None:
            raise self._refusal(
                "deadline",
                "The deadline passed in the queue, or would pass before the end.",
                self._backlog_s(),
            )
        if sequence.outcome is Outcome.EXPIRED:
            self._metrics.refused.labels(reason="deadline").inc()
            raise Problem(
                504, "deadline", "The deadline passed while running.", refused_for="inference"
            )

    def _backlog_s(self) -> float:
        return self._driver.batch.drain_s()

    def _refusal(self, reason: str, detail: str, wait_s: float) -> Problem:
        """A 503 whose Retry-After is `wait_s`, the time that the backlog takes, and a spread."""
        self._metrics.refused.labels(reason=reason).inc()
        return Problem(
            503,
            reason,
            detail,
            retry_after_s=self._retry_after.seconds(wait_s, 1.0, self._rng),
            refused_for="inference",
        )


def _rank(header: bytes | None) -> int:
    """The criticality that the gateway passes on; chat's own when there is none or a bad one."""
    try:
        return criticality.parse(header.decode()) if header else Criticality.SHEDDABLE_PLUS
    except ValueError:
        return Criticality.SHEDDABLE_PLUS
