"""The command that shows what happened to one trial."""

from __future__ import annotations

from pathlib import Path

import click

from sweeps.cli.echo import echo


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.argument("trial")
@click.option("--lines", type=click.IntRange(min=1), default=200, show_default=True, help="The last lines of each file.")
def logs(directory: Path, trial: str, lines: int) -> None:
    """Say what happened to TRIAL of the study in DIRECTORY: where it ran, what it printed, why it failed.

    TRIAL is its name, its key, or the beginning of one. Only the trial's folder is read, so this works on every machine that
    sees it.
    """
    from sweeps.run.trial_text import trial_lines

    for line in trial_lines(directory, trial, lines):
        echo(line)
