"""`teastorm down`: end the shop, and whatever an earlier run left on this machine."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from teastorm.cli import cluster, on_cluster
from teastorm.cli.errors import STILL_FAULTY
from teastorm.cli.output import json_option, print_json, say, working
from teastorm.platforms.local.cleanup import remove_run, survey
from teastorm.platforms.local.state import StateFile

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.settings import ClusterSettings


@click.command()
@cluster.cluster_options
@json_option
def down(
    *,
    where: "ClusterSettings | None",
    as_json: bool,
) -> int:
    """End the shop that runs on this machine, and remove what an earlier run left.

    Processes are ended only if their pid and start time are those on record. Nothing to end is
    success; something that stays is exit 5. On a cluster: the whole namespace, if it is ours.
    """
    if where is not None:
        return on_cluster.down(where, as_json=as_json)
    state_file = StateFile()
    look = survey(state_file, probe=False)
    if look.empty:
        ended: list[str] = []
        left = None
    else:
        ended = [
            f"{found.note.replica_id if found.note else 'process'} (pid {found.pid})"
            for found in look.processes
        ]
        if look.state is not None and look.runner_alive:
            ended.insert(0, f"runner (pid {look.state.runner_pid})")
        with working("ending the shop", quiet=as_json):
            left = remove_run(state_file)
    if as_json:
        leftovers = {"processes": [], "files": [], "ports": []} if left is None else asdict(left)
        removed = [path for path in look.files if path not in leftovers["files"]]
        print_json("teastorm.down/1", {"ended": ended, "removed": removed, "leftovers": leftovers})
    elif left:
        kept = [*left.processes, *left.files, *(f"port {port}" for port in left.ports)]
        say(f"could not remove: {', '.join(kept)}", style="red")
    elif look.empty:
        say("nothing was running")
    else:
        say(f"ended {len(ended)} processes, removed {len(look.files)} files and folders")
    return STILL_FAULTY if left else 0
