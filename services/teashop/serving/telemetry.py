"""Metrics exposition and structured logs with trace ids."""

from __future__ import annotations

import contextvars
import json
import logging
import sys

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from teashop.serving.asgi import Response

# A `_created` series beside every counter doubles what is scraped and tells nobody anything.
disable_created_metrics()  # type: ignore[no-untyped-call]  # its library leaves it so

trace_id: contextvars.ContextVar[str] = contextvars.ContextVar("trace_id", default="")


def new_registry() -> CollectorRegistry:
    """A registry for one process, with its CPU and memory."""
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    return registry


def exposition(registry: CollectorRegistry) -> Response:
    """Everything in the registry in Prometheus' text format."""
    return Response(
        200, generate_latest(registry), ((b"content-type", CONTENT_TYPE_LATEST.encode()),)
    )


def trace_of(traceparent: bytes | None) -> str:
    """The trace id of a W3C traceparent header, or nothing when there is no well-formed one."""
    if traceparent is None:
        return ""
    parts = traceparent.split(b"-")
    return parts[1].decode("ascii", "replace") if len(parts) == 4 and len(parts[1]) == 32 else ""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, trace, and the exception if any."""

    def __init__(self, service: str, replica: str) -> None:
        super().__init__()
        self._fixed = {"service": service, "replica": replica}

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line: dict[str, object] = {
            "ts": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
            **self._fixed,
        }
        trace = trace_id.get()
        if trace:
            line["trace_id"] = trace
        if record.exc_info:
            line["exc"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_as_json(service: str, replica: str) -> None:
    """Send every log record of this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service, replica))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
