"""What can be asked of the calculator, by the names that the case files give it."""

from enum import StrEnum


class Function(StrEnum):
    """The ways to propose replicas, as the case files name them."""

    RESOURCE_UTILIZATION = "resource_utilization"
    RESOURCE_AVERAGE_VALUE = "resource_average_value"
    PODS_AVERAGE_VALUE = "pods_average_value"
    OBJECT_VALUE = "object_value"
    OBJECT_AVERAGE_VALUE = "object_average_value"
    EXTERNAL_VALUE = "external_value"
    EXTERNAL_AVERAGE_VALUE = "external_average_value"

    @property
    def counts_status(self) -> bool:
        """Whether it starts from status.replicas, not from spec.replicas."""
        return self is Function.OBJECT_AVERAGE_VALUE or self is Function.EXTERNAL_AVERAGE_VALUE


class Resource(StrEnum):
    """The resources of the case files; only cpu looks at readiness."""

    CPU = "cpu"
    MEMORY = "memory"
