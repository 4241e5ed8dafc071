"""The entry point of the command ``prunefront``: the commands about studies, and the pages about what they found."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sweeps.cli.echo import echo
from sweeps.cli.ending import end_process
from sweeps.cli.group import cli, run_cli
from sweeps.cli.secrecy import hide_credentials
from sweeps.folder.pages import JudgedNetwork, Pages

__all__ = ["PAGES", "build", "cli", "main"]


@cli.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Build the report of a study from the files in its folder.

    The last line that is printed is the path of the page.
    """
    echo(build(folder))


@cli.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on, 0.0.0.0 for all of this machine.",
)
@click.option(
    "--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one."
)
def dashboard(folder: Path | None, host: str, port: int) -> None:
    """Serve the live page of a study; without DIR, list runs/.

    The page works beside a running sweep and after it. Ctrl-C ends the server. The address that is printed holds a token, a
    new one at each start; nobody can open the page without it.
    """
    if folder is None:
        from dashboards.reading.study_list import study_list

        echo("\n".join(study_list(Path("runs"))))
        echo("serve the live page of one: prunefront dashboard FOLDER")
        return
    from dashboards.live.server import serve

    serve(folder, host=host, port=port, say=click.echo)


@cli.command()
@click.argument("first", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("second", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--csv", "table", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Also write the table to a file."
)
@click.option("--page", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Also write an HTML page.")
def compare(first: Path, second: Path, table: Path | None, page: Path | None) -> None:
    """Say what changed from one study to another.

    It shows the answer, the front, then the candidates that changed most.
    """
    from dashboards.analysis.comparison_text import compare_text

    echo(compare_text(first, second, table))
    if page is not None:
        from dashboards.report.comparison_page import write_comparison

        echo(f"page: {write_comparison(first, second, page)}")


def build(folder: Path) -> Path:
    """Build a report; matplotlib, plotly and pandas are imported only now."""
    from dashboards.report.report import build_report

    return build_report(folder, tell=echo)


def draw(network: JudgedNetwork, path: Path) -> None:
    """Draw one network of the front; matplotlib is imported only now."""
    from dashboards.figures.network import print_network

    print_network(network, path)


def draw_each(network: JudgedNetwork, folder: Path) -> list[Path]:
    """Draw one judged network, a file for each figure; matplotlib is imported only now."""
    from dashboards.figures.network import print_judgement

    return print_judgement(network, folder)


PAGES = Pages(report=build, picture=draw, pictures=draw_each)
"""What this room draws for the commands of `sweeps`."""


def main() -> None:
    """Run the command line and exit with its status."""
    hide_credentials()
    end_process(run_cli(cli, sys.argv[1:], pages=PAGES))
