"""`teastorm verify`: judge a finished run folder again."""

from pathlib import Path

import click

from teastorm.cli.errors import CommandError
from teastorm.cli.judged import (
    existing_run,
    in_one_sentence,
    print_result,
    say_verdict,
    show_checks,
)
from teastorm.printable import printable


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print result.json's object, nothing else.")
def verify(*, run_dir: Path, as_json: bool) -> int:
    """Judge the run in RUN_DIR again, from its records; the exit code is the verdict's.

    Writes result.json, junit.xml and report.html anew. Needs no shop.
    """
    folder = existing_run(run_dir)
    from teastorm.runner.judging import write_reports  # noqa: PLC0415 - --help reads no parquet
    from teastorm.verdict.judge import judge  # noqa: PLC0415 - the same
    from teastorm.verdict.result import FILE, write_result  # noqa: PLC0415 - the same

    with in_one_sentence():
        result = judge(folder)
    said = _said_before(run_dir)
    if said not in {"", str(result.verdict)}:
        _trouble(f"{run_dir / FILE} said {said}; its records say {result.verdict}")
    try:
        write_result(run_dir, result)
    except OSError as error:
        sentence = f"{run_dir}: cannot be written ({error.strerror})"
        raise CommandError(2, sentence) from error
    write_reports(run_dir, result, _trouble)
    if as_json:
        print_result(result, result.exit_code)
    else:
        show_checks(result)
        say_verdict(result, result.exit_code)
    return result.exit_code


def _trouble(sentence: str) -> None:
    click.echo(f"teastorm: {printable(sentence)}", err=True)


def _said_before(run_dir: Path) -> str:
    """The verdict that result.json has so far; empty when there is none that can be read."""
    import orjson  # noqa: PLC0415 - --help need not load it

    from teastorm.verdict import files  # noqa: PLC0415 - the same
    from teastorm.verdict.errors import RunFolderError  # noqa: PLC0415 - the same
    from teastorm.verdict.result import FILE  # noqa: PLC0415 - the same

    try:
        said = orjson.loads(files.content(run_dir, FILE))
    except (RunFolderError, orjson.JSONDecodeError):
        return ""
    return str(said.get("verdict", "")) if isinstance(said, dict) else ""
