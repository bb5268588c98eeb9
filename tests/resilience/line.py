"""What tests of the queue share: a thing that waits, and a line for it."""

from dataclasses import dataclass
from typing import Any

from teashop.resilience.criticality import Criticality
from teashop.resilience.queue import PriorityCodelQueue
from teashop.resilience.queue_config import QueueConfig

C = Criticality


@dataclass(eq=False)
class Item:
    n: int
    level: Criticality = C.CRITICAL


def queue(**settings: Any) -> PriorityCodelQueue[Item]:
    return PriorityCodelQueue(QueueConfig(**settings))
