"""The command ``export``: the front's networks as deployable files."""

from __future__ import annotations

import os
from pathlib import Path

import click

from sweeps.cli.consent import TRUST, confirm_places, consent
from sweeps.cli.echo import echo


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--pick",
    "picks",
    multiple=True,
    metavar="NAME_OR_KEY",
    help="A candidate by its name (see --list), 'recommended', or a trial by its key; may be repeated. By default the "
    "recommended network and the whole front.",
)
@click.option("--int8", is_flag=True, help="Also write INT8 ONNX, calibrated on training images and judged again.")
@click.option(
    "--formats",
    help="safetensors, onnx, pt2, or several separated by commas; by default all, without onnx if its packages are missing.",
)
@click.option("--list", "only_list", is_flag=True, help="Say what would be exported, and export nothing.")
@click.option("--mlflow", is_flag=True, help="Also log the chosen networks as MLflow models, each with its run.")
@TRUST
def export(
    directory: Path, picks: tuple[str, ...], int8: bool, formats: str | None, only_list: bool, mlflow: bool, trust: bool
) -> int:
    """Export the networks on the front of DIR, each with a card.

    They are written to DIR/models. Every file is loaded again and compared with the network before it counts.
    """
    from sweeps.export.choice import choices, open_study
    from sweeps.export.listing import table_lines

    if only_list:
        study, records = open_study(directory)
        gone: list[str] = []
        for line in [*table_lines(choices(directory, study, records, picks, gone=gone.append)), *gone]:
            echo(line)
        return 0
    from sweeps.export.export import ExportFailed, Wanted, export_study
    from sweeps.export.files import formats_here

    confirm = consent(trust)
    if mlflow:
        place = open_study(directory)[0].tracking.mlflow
        confirm_places(directory, [place], received=True, trust=trust or place == os.environ.get("MLFLOW_TRACKING_URI"))
    if formats is None:
        names = formats_here()
        if "onnx" not in names:
            echo("without model.onnx, which needs: pip install 'prunefront[export]'")
    else:
        names = tuple(dict.fromkeys(part.strip() for part in formats.split(",") if part.strip()))
    failed: list[str] = []
    try:
        export_study(directory, picks=picks, wanted=Wanted(names, int8), say=echo, confirm=confirm)
    except ExportFailed as error:
        failed += error.args
        for line in failed:
            echo(f"not exported: {line}", err=True)
    except OSError as error:
        echo(f"not exported: {error.strerror}: {error.filename or directory / 'models'}", err=True)
        return 1
    if mlflow:
        from sweeps.tracking.models import log_front_models

        not_logged: list[str] = []
        for line in log_front_models(directory, picks, failed=not_logged.append, confirm=confirm):
            echo(line)
        for line in not_logged:
            if line not in failed:  # said by the export already: its weights are gone
                echo(line, err=True)
        failed += not_logged
    return 1 if failed else 0
