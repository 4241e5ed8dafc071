from __future__ import annotations

import io

import pytest
from rich.console import Console

from sweeps.cli.echo import echo
from sweeps.front.text import FrontTable
from sweeps.run.progress import drawn_front, say

EVIL = "\x1b[2Jvgg\r\u202e[bold]x[/bold]"
MOVING = ("\x1b[2J", "\r", "\u202e")


def test_names_that_are_printed_move_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    echo(f"{EVIL}\nhttps://me:hunter2@h/")
    echo(EVIL, err=True)
    said = capsys.readouterr()
    assert not any(each in said.out + said.err for each in MOVING)
    assert said.out.count("\n") == 2
    assert "hunter2" not in said.out


def test_names_on_the_console_neither_and_are_no_markup() -> None:
    file = io.StringIO()
    console = Console(file=file, width=200)
    say(console, f"{EVIL} at https://me:hunter2@h/")
    console.print(drawn_front("the front", FrontTable(("", *"abcd"), ((EVIL, *"1111"),), "note")))
    said = file.getvalue()
    assert not any(each in said for each in MOVING)
    assert said.count("[bold]x[/bold]") == 2
    assert "hunter2" not in said
