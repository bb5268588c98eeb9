"""One process of a local fleet and what is known of it."""

from dataclasses import dataclass

from teastorm.platforms.base import Replica
from teastorm.platforms.local.probe import ReadinessProbe
from teastorm.platforms.local.process import Launched
from teastorm.platforms.local.state import ProcessNote

HOST = "127.0.0.1"


@dataclass(kw_only=True)
class Member:
    """A replica's process; its fleet changes it under the fleet's lock.

    `note` is what the state file says of it. `kill_at_s` (monotonic) is when its drain is over,
    None while it is not stopping.
    """

    note: ProcessNote
    process: Launched
    probe: ReadinessProbe
    ready: bool = False
    was_ready: bool = False
    stopping: bool = False
    kill_at_s: float | None = None
    autogroup_set: bool = False

    def snapshot(self) -> Replica:
        """The replica as others may see it."""
        return Replica(
            service=self.note.service,
            replica_id=self.note.replica_id,
            host=HOST,
            port=self.note.port,
            admin_port=self.note.admin_port,
            pid=self.process.pid,
            started_unix_s=self.process.started_unix_s,
            ready=self.ready,
        )
