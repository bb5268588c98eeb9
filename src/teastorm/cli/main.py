"""`teastorm`: the group of commands. Each is imported when it is used, so that --help is quick."""

import difflib
import importlib
import importlib.util
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from teastorm.cli.errors import exit_code_of, raise_terminated
from teastorm.cli.outlet import patient_streams

COMMANDS = {
    "doctor": ("teastorm.cli.doctor:doctor", "Say whether this machine can run the testbed."),
    "list": ("teastorm.cli.list:list_", "List experiments, checks and protections."),
    "up": ("teastorm.cli.up:up", "Start the shop and keep it running."),
    "down": ("teastorm.cli.down:down", "End the shop, and whatever an earlier run left."),
    "status": ("teastorm.cli.status:status", "Show what runs, and what was left behind."),
    "rollback": ("teastorm.cli.rollback:rollback", "End faults that a dead run left on a cluster."),
    "load": ("teastorm.cli.load:load", "Offer load to a running shop."),
    "run": ("teastorm.cli.run:run", "Run an experiment and judge it."),
    "demo": ("teastorm.cli.demo:demo", "The incident in a few minutes: unprotected, protected."),
    "verify": ("teastorm.cli.verify:verify", "Judge a run folder again."),
    "report": ("teastorm.cli.report:report", "Write a run's report.html."),
    "simulate": ("teastorm.cli.simulate:simulate", "Simulate the shop, faster than time."),
    "tune": ("teastorm.cli.tune:tune", "Choose autoscaler settings for a demand."),
    "hpa": ("teastorm.cli.hpa:hpa", "Replay an autoscaler's decisions."),
    "clean": ("teastorm.cli.clean:clean", "Remove old runs."),
}


class LazyGroup(click.Group):
    """Finds commands by name in `COMMANDS`; only those whose module exists are shown.

    A command's return value is the exit code (None: 0). Errors become one sentence here.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of the table, which is the order of use."""
        return [name for name, (where, _) in COMMANDS.items() if _exists(where)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is not a click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion for a misspelt name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if near and "Did you mean" not in error.message:
                text = f"no such command {args[0]!r}; did you mean {near[0]!r}?"
                raise click.UsageError(text, ctx) from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and the table's help, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def main(  # type: ignore[override] # click overloads by a flag that is fixed here
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run a command; always ends by `sys.exit`."""
        given = list(sys.argv[1:] if args is None else args)
        options = {**extra, "standalone_mode": False}
        try:
            result = super().main(given, prog_name or "teastorm", **options)
        except SystemExit:
            raise
        except BaseException as error:  # noqa: BLE001 - the one place where errors become words
            sys.exit(exit_code_of(error, as_json="--json" in given))
        sys.exit(result if isinstance(result, int) else 0)


def _exists(where: str) -> bool:
    return importlib.util.find_spec(where.partition(":")[0]) is not None


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="teastorm", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Replay an overload day against a small shop and get a verdict a CI job can trust.

    \b
    Exit codes: 0 held, 1 deviated, 2 usage, 3 precondition, 4 inconclusive,
    5 still faulty, 70 internal error, 130 interrupted.
    """  # noqa: D301 - click's mark for "do not wrap"
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> NoReturn:
    """The entry point of the `teastorm` script."""
    # A shell starts background jobs with SIGINT ignored; a run must still end when it is told to.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # By default it would end this process at once, and leave the workers that compute for it.
    signal.signal(signal.SIGTERM, raise_terminated)
    patient_streams()
    cli.main()


if __name__ == "__main__":
    main()
