"""`teastorm report`: write a run's report anew, or print its summary."""

import sys
from pathlib import Path

import click

from teastorm.cli.errors import CommandError
from teastorm.cli.judged import existing_run, in_one_sentence
from teastorm.cli.output import print_json, say


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a summary for a CI page.")
@click.option("--json", "as_json", is_flag=True, help="Print the paths as one versioned object.")
def report(*, run_dir: Path, as_markdown: bool, as_json: bool) -> int:
    """Write junit.xml and report.html of the run in RUN_DIR, from its records.

    The exit code is 0 whatever the verdict was; `teastorm verify` judges.
    """
    from teastorm.report.markdown import markdown  # noqa: PLC0415 - --help need not read parquet
    from teastorm.report.write import write_reports  # noqa: PLC0415 - the same
    from teastorm.verdict.judge import judge  # noqa: PLC0415 - the same

    with in_one_sentence():
        result = judge(existing_run(run_dir))
        if as_markdown:
            sys.stdout.write(markdown(result))
            return 0
        try:
            junit, html = write_reports(run_dir, result)
        except OSError as error:
            raise CommandError(2, f"{run_dir}: cannot be written ({error.strerror})") from error
    if as_json:
        print_json("teastorm.report/1", {"report": str(html), "junit": str(junit)})
    else:
        say(f"report: {html}")
    return 0
