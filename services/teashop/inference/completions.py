"""The OpenAI chat completions format: what is read of a request, and the shape of answers.

Source: the OpenAI API reference, `POST /v1/chat/completions`, as vLLM's server speaks it.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from teashop.serving.asgi import Problem

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a request asks for. `max_tokens` is None when it names no limit."""

    utterance: str
    prompt: str
    max_tokens: int | None
    stream: bool
    usage_in_stream: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens read and written."""

    prompt_tokens: int
    completion_tokens: int

    def to_json(self) -> dict[str, int]:
        """The usage block."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }


def read(body: object) -> Asked:
    """The request in `body`.

    Raises:
        Problem: 400 naming the field that cannot be used.
    """
    if not isinstance(body, dict):
        raise _bad("the body must be an object")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _bad("messages must be an array that is not empty")
    texts = [_message(message, index) for index, message in enumerate(messages)]
    spoken = [text for role, text in texts if role == "user"]
    if not spoken:
        raise _bad("messages must hold one with the role user")
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise _bad(f"max_tokens must be an integer of at least 1, got {limit!r}")
    stream = body.get("stream", False)
    if not isinstance(stream, bool):
        raise _bad(f"stream must be true or false, got {stream!r}")
    if not isinstance(body.get("model", ""), str):
        raise _bad("model must be a string")
    options = body.get("stream_options")
    wants_usage = isinstance(options, dict) and options.get("include_usage") is True
    return Asked(
        utterance=spoken[-1],
        prompt="".join(text for _, text in texts),
        max_tokens=limit,
        stream=stream,
        usage_in_stream=wants_usage,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What the whole answer and each of its events carry; `created` in whole Unix seconds."""

    ident: str
    created: int
    model: str

    def whole(self, content: str, usage: Usage) -> dict[str, object]:
        """The answer that is not streamed."""
        return {
            "id": self.ident,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": usage.to_json(),
        }

    def chunk(
        self,
        delta: dict[str, str] | None,
        *,
        finish_reason: str | None = None,
        usage: Usage | None = None,
    ) -> bytes:
        """One server-sent event; without a delta it has no choices, as the usage event has none."""
        choices = [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
        event: dict[str, object] = {
            "id": self.ident,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [] if delta is None else choices,
        }
        if usage is not None:
            event["usage"] = usage.to_json()
        return b"data: " + orjson.dumps(event) + b"\n\n"


def error_event(message: str, reason: str) -> bytes:
    """What a stream says when its sequence was dropped in the middle."""
    error = {"message": message, "type": reason, "code": 504}
    return b"data: " + orjson.dumps({"error": error}) + b"\n\n"


def models(model: str, created: int) -> dict[str, object]:
    """The answer of GET /v1/models."""
    card = {"id": model, "object": "model", "created": created, "owned_by": "teashop"}
    return {"object": "list", "data": [card]}


def _message(message: object, index: int) -> tuple[str, str]:
    """(role, text) of one message; text parts are joined."""
    where = f"messages[{index}]"
    if not isinstance(message, dict):
        raise _bad(f"{where} must be an object")
    role, content = message.get("role"), message.get("content")
    if not isinstance(role, str):
        raise _bad(f"{where}.role must be a string")
    if isinstance(content, str):
        return role, content
    if not isinstance(content, list):
        raise _bad(f"{where}.content must be a string or an array of parts")
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return role, "".join(part for part in parts if isinstance(part, str))


def _bad(sentence: str) -> Problem:
    return Problem(400, "request", f"{sentence}.")
