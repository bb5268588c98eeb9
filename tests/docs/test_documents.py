"""What README and docs say can be typed, clicked and opened: commands parse, links and files exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from teastorm.cli.main import cli
from teastorm.runner.catalogue import find

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<body>.*?)^(?P=indent)```", re.M | re.S)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FOLDERS = ("charts", "deploy", "docs", "experiments", "services", "src", "tests", "tools")
# What a page leaves to its reader: "…", a name in capitals.
ELIDED = "…"
OPERATORS = {"|", "||", "&&", ">", ">>", "2>", ";", "&"}


def fenced(text: str) -> Iterator[str]:
    """The lines that a person would type, continued lines joined, prompts and comments off."""
    for block in FENCE.finditer(text):
        if block["kind"] in {"yaml", "python", "json"}:
            continue
        for line in block["body"].replace("\\\n", " ").splitlines():
            yield line.strip().removeprefix("$ ")


def calls(text: str) -> Iterator[tuple[list[str], bool]]:
    """Each call of teastorm: its words, and whether it stands whole in a block."""
    for whole, lines in ((True, fenced(text)), (False, INLINE.findall(FENCE.sub("", text)))):
        for line in lines:
            words = [w.removeprefix(".venv/bin/") for w in words_of(line)]
            if words[:1] == ["teastorm"] and len(words) > 1:
                yield words[1:], whole


def spoken(words: list[str]) -> list[str]:
    """Without what is left out, and with what is optional; an elided value stands for one."""
    before = ["", *words]
    kept = [w for b, w in zip(before, words, strict=False) if w != ELIDED or b.startswith("--")]
    return [re.sub(r"^\[(.+)\]$", r"\1", word) for word in kept]


def words_of(line: str) -> list[str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # an apostrophe: prose
        return []
    end = next((n for n, word in enumerate(words) if word in OPERATORS), len(words))
    return words[:end]


CALLS = [
    pytest.param(words, whole, id=f"{page.stem}: {' '.join(words)}")
    for page in PAGES
    for words, whole in calls(page.read_text(encoding="utf-8"))
]


def parse(words: list[str]) -> click.Context:
    """As the command line would, short of doing it. click.UsageError for what it would refuse."""
    command: click.Command = cli
    context = click.Context(cli, info_name="teastorm")
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        if found is None:
            raise click.UsageError(f"no such command: {words[0]}")
        command, words = found, words[1:]
    return command.make_context(command.name, list(words), parent=context)


@pytest.mark.parametrize(("words", "whole"), CALLS)
def test_a_command_in_the_documents_is_one(words: list[str], whole: bool) -> None:
    elided = any(ELIDED in word for word in words)
    try:
        context = parse(spoken(words))
    except click.MissingParameter:
        # `teastorm tune --verify` in a sentence names an option, not a call.
        assert elided or not whole
        return
    if words[0] == "run":
        assert find(context.params["experiment"]).is_file()


def test_the_documents_have_commands_and_a_wrong_one_is_found() -> None:
    assert len(CALLS) > 40
    with pytest.raises(click.UsageError, match="No such option"):
        parse(["run", "overload-3x", "--arms", "protected"])
    with pytest.raises(click.UsageError):
        parse(["simulate", "--orders", "many"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))
    text = page.read_text(encoding="utf-8")
    named = [word for line in fenced(text) for word in re.findall(r"^make ([a-z0-9-]+)", line)]
    named += re.findall(r"`make ([a-z0-9-]+)", text)
    assert set(named) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    for named in INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        # "docs/reference" is a path, "src/teastorm/cli: …" is not.
        if re.fullmatch(rf"(?:{'|'.join(FOLDERS)})/[\w./-]+", named):
            assert (ROOT / named).exists(), named
