"""`teastorm status`: what runs on this machine, and what an earlier run left behind."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from teastorm.cli import cluster, on_cluster
from teastorm.cli.errors import PRECONDITION
from teastorm.cli.output import json_option, print_json, print_table, say
from teastorm.platforms.local.cleanup import Found, Survey, survey
from teastorm.platforms.local.state import ProcessNote, StateFile

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.settings import ClusterSettings


@click.command()
@cluster.cluster_options
@json_option
def status(
    *,
    where: "ClusterSettings | None",
    as_json: bool,
) -> int:
    """Show the shop's replicas, and what an earlier run left. Changes nothing.

    Exit 3 when something was left behind or the state cannot be read.
    """
    if where is not None:
        return on_cluster.status(where, as_json=as_json)
    look = survey(StateFile())
    word = state_word(look)
    if as_json:
        print_json("teastorm.status/1", _content(look, word))
    else:
        _show(look, word)
    return PRECONDITION if word in {"leftovers", "corrupt"} else 0


def state_word(look: Survey) -> str:
    """`running`, `nothing`, `leftovers` or `corrupt`."""
    if look.corrupt is not None:
        return "corrupt"
    if look.empty:
        return "nothing"
    return "leftovers" if look.leftovers else "running"


def _content(look: Survey, word: str) -> dict[str, object]:
    state = look.state
    runner = None
    if state is not None:
        runner = {
            "pid": state.runner_pid,
            "started_unix_s": state.runner_started_unix_s,
            "alive": look.runner_alive,
        }
    return {
        "state": word,
        "detail": look.corrupt,
        "runner": runner,
        "endpoints": _endpoints(look),
        "replicas": [_replica(found, found.note) for found in look.processes if found.note],
        "others": [_other(found) for found in look.processes if not found.note],
        "files": list(look.files),
        "run_dir": None if state is None else state.run_dir,
        "endpoints_file": None if state is None else state.endpoints_file,
    }


def _replica(found: Found, note: ProcessNote) -> dict[str, object]:
    return {
        "service": note.service,
        "replica": note.replica_id,
        "pid": found.pid,
        "started_unix_s": found.started_unix_s,
        "port": note.port,
        "admin_port": note.admin_port,
        "ready": found.ready,
    }


def _other(found: Found) -> dict[str, object]:
    """A process of the run that is no replica: the load generator, for one."""
    return {"pid": found.pid, "started_unix_s": found.started_unix_s}


def _endpoints(look: Survey) -> object:
    if look.state is None:
        return {}
    try:
        return orjson.loads(Path(look.state.endpoints_file).read_bytes())
    except (OSError, ValueError):
        return {}


def _state_of(found: Found) -> str:
    if found.note is None:
        return "running"
    return "ready" if found.ready else "not ready"


def _show(look: Survey, word: str) -> None:
    if word == "nothing":
        say("nothing runs and nothing was left")
        return
    if word == "running" and look.state is not None:
        say(f"the shop runs, kept by pid {look.state.runner_pid}", style="green")
    if look.processes:
        rows = [
            (
                found.note.replica_id if found.note else "(no replica)",
                str(found.pid),
                f"127.0.0.1:{found.note.port}" if found.note else "",
                _state_of(found),
            )
            for found in look.processes
        ]
        print_table(("replica", "pid", "address", "state"), rows)
    if look.corrupt is not None:
        say(look.corrupt, style="red")
    elif word == "leftovers":
        for path in look.files:
            say(f"left: {path}")
        if look.state is not None and look.state.run_dir not in {None, *look.files}:
            say(f"what it wrote stays in {look.state.run_dir}")
        text = f"{len(look.processes)} processes and {len(look.files)} files or folders"
        say(f"a run ended without cleaning up: {text}; `teastorm down` removes them", style="red")
