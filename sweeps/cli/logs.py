"""The command that shows what happened to one trial."""

from __future__ import annotations

from pathlib import Path

import click

from sweeps.cli.echo import echo


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.argument("trial")
@click.option(
    "--lines",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="How many of the last lines of each file to show.",
)
def logs(directory: Path, trial: str, lines: int) -> None:
    """Say where TRIAL ran, what it printed and why it failed.

    TRIAL is the name or the key of a trial in DIRECTORY, or the beginning of either. Only the trial's folder is read, so
    this works on every machine that sees it.
    """
    from sweeps.run.trial_text import trial_lines

    for line in trial_lines(directory, trial, lines):
        echo(line)
