"""The entry point of the command ``prunefront``: the commands about studies, and the pages about what they found."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sweeps.cli import cli, run_cli


@cli.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Build the report of a study from what is in its folder; prints the page's path."""
    click.echo(build(folder))


def build(folder: Path) -> Path:
    """Build a report; matplotlib, plotly and pandas are imported only now."""
    from dashboards.report import build_report

    return build_report(folder)


def main() -> None:
    """Run the command line and exit with its status."""
    sys.exit(run_cli(cli, sys.argv[1:], on_end=build))
