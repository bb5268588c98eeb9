"""Why a metric gave no proposal, in the order in which the calculator can meet it."""

from enum import StrEnum


class ErrorClass(StrEnum):
    """The classes of shared/hpa-cases."""

    METRICS_API_ERROR = "metrics_api_error"
    NO_METRICS = "no_metrics"
    NO_PODS = "no_pods"
    NO_READY_METRICS = "no_ready_metrics"
    MISSING_REQUEST = "missing_request"
    ZERO_TOTAL_REQUEST = "zero_total_request"
    OTHER = "other"


class MetricError(Exception):
    """A metric could not be evaluated; the controller goes on with the others, if any."""

    def __init__(self, error_class: ErrorClass, text: str) -> None:
        super().__init__(text)
        self.error_class = error_class
        self.text = text
