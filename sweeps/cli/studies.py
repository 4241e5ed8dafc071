"""The commands about studies: run, plan, status, rescore, studies, doctor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prune_core.base.errors import BadInput
from prune_core.base.limits import MOST_BINS
from sweeps.cli.completion import study_names
from sweeps.cli.consent import TRUST, confirm_places, consent
from sweeps.cli.echo import echo
from sweeps.study.trust import REMEDY

if TYPE_CHECKING:
    from sweeps.study.model import Study

SET = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the study, for example seeds=[0]."
)
OUT = click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Output folder; by default runs/<study name>, or STUDY itself if that is a folder.",
)


@click.command()
@click.argument("study", shell_complete=study_names)
@OUT
@click.option(
    "--address",
    envvar="RAY_ADDRESS",
    help="A Ray cluster: HOST:PORT of its head, or auto on one of its nodes; by default RAY_ADDRESS, else a new local Ray.",
)
@SET
@click.option("--max-hours", type=float, help="Stop after this many hours, with a report of what is done by then.")
@click.option("--allow-failures", is_flag=True, help="Exit with status 0 even if trials failed or diverged.")
@click.option("--retry", is_flag=True, help="Run failed and diverged trials again.")
@click.option(
    "--profile", is_flag=True, help="Say at the end where the time went: of the driver by stage, of the workers by place."
)
@TRUST
@click.pass_context
def run(
    ctx: click.Context,
    study: str,
    out: Path | None,
    address: str | None,
    overrides: tuple[str, ...],
    max_hours: float | None,
    allow_failures: bool,
    retry: bool,
    profile: bool,
    trust: bool,
) -> int:
    """Run what is missing of STUDY, and end with the report.

    STUDY is the name of a study that ships, a study file, or an output folder. A folder that was
    moved is first adapted to its new place.
    """
    from sweeps.engine.session import cluster_address
    from sweeps.study.model import load_study
    from sweeps.study.options import check_device

    _check_hours(max_hours)
    address = cluster_address(address)
    loaded = load_study(study, overrides, confirm=consent(trust))
    _confirm_places(study, loaded, overrides, trust)
    if address is None:  # a cluster's workers have devices of their own
        check_device(loaded.resources.device)
    from sweeps.run.driver import run_study
    from sweeps.run.stages import Stages

    folder = _folder(out, study, loaded.name)
    return run_study(
        loaded,
        folder,
        address=address,
        max_hours=max_hours,
        allow_failures=allow_failures,
        retry=retry,
        on_end=ctx.obj.report,
        picture=ctx.obj.picture,
        stages=Stages() if profile else None,
    )


@click.command()
@click.argument("study", shell_complete=study_names)
@OUT
@SET
@click.option("--max-hours", type=float, help="Say whether a run with this --max-hours would be stopped by it.")
@TRUST
def plan(study: str, out: Path | None, overrides: tuple[str, ...], max_hours: float | None, trust: bool) -> None:
    """Say what `run STUDY` would do, and run nothing.

    It shows trials, records, what is done already, hours, disk and memory.
    """
    from sweeps.folder.links import refuse_links
    from sweeps.plan.data import check_data
    from sweeps.plan.official_files import with_official_files
    from sweeps.plan.plan import make_plan
    from sweeps.run.plan_text import plan_text
    from sweeps.study.model import load_study
    from sweeps.tracking.place import checked_uri

    _check_hours(max_hours)
    loaded = load_study(study, overrides, confirm=consent(trust))
    folder = _folder(out, study, loaded.name)
    refuse_links(folder)
    if check_data(loaded):
        with_official_files(loaded, folder, required=True)
    checked_uri(loaded.tracking.mlflow)
    echo(plan_text(make_plan(loaded, folder, data_required=False), folder, hours=max_hours))


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
def status(directory: Path) -> None:
    """Say how far the study in DIRECTORY is."""
    from sweeps.run.status import status_text

    echo(status_text(directory))


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--bins", type=click.IntRange(1, MOST_BINS), help="Bins of every ECE; by default the study's.")
@TRUST
@click.pass_context
def rescore(ctx: click.Context, directory: Path, bins: int | None, trust: bool) -> None:
    """Compute every metric of DIRECTORY again from the kept logits.

    It needs no network, and writes the tables and the report again.
    """
    from prune_core.metrics.numbers import counted
    from sweeps.run.rescore import rescore_study

    found = rescore_study(directory, bins, confirm=consent(trust, ask=False))
    gone = f"; {found.without} lack logits and stay as they are" if found.without else ""
    echo(f"{counted(found.done, 'record')} scored anew, ECE of {counted(found.bins, 'bin')}{gone}")
    if found.left:
        echo(f"the columns of plugins stay as they are: {', '.join(found.left)} not imported ({REMEDY})")
    if ctx.obj.report is not None:
        echo(f"report: {ctx.obj.report(directory)}")


@click.command()
@click.argument("name", required=False, shell_complete=study_names)
@click.option(
    "--keys",
    is_flag=True,
    help="List every key of a study file (meaning, default, names) and every column; with NAME, also those of its plugins.",
)
@TRUST
def studies(name: str | None, keys: bool, trust: bool) -> None:
    """List the studies that ship; with NAME, print that study file.

    Such a file is a start for your own. With --keys, list keys and columns instead.
    """
    from sweeps.study.yaml import find_study, read_study_yaml, study_folder

    if keys:
        from sweeps.study.plugins import import_plugins_of
        from sweeps.study.reference import column_lines, key_lines
        from sweeps.study.trust import is_received

        evaluation = None
        if name is not None:
            path = find_study(name)
            plain = read_study_yaml(path)
            received = study_folder(name) is not None or is_received(path, plain)
            import_plugins_of(plain, path.parent.resolve(), received=received, confirm=consent(trust))
            found = plain.get("evaluation")
            evaluation = found if isinstance(found, dict) else {}
        said = "The columns of a record, with the images that each is measured on and who may name it:"
        echo("\n".join([*key_lines(), said, *column_lines(evaluation)]))
    elif name is not None:
        click.echo(find_study(name).read_text(encoding="utf-8"), nl=False)
    else:
        from sweeps.study.shipped import study_lines

        echo("\n".join(study_lines()))


@click.command()
def doctor() -> None:
    """Say what this machine has, and what is missing."""
    from sweeps.cli.doctor import findings

    for line in findings():
        echo(line)


def _confirm_places(name: str, study: Study, overrides: tuple[str, ...], trust: bool) -> None:
    """Ask about the places that a folder's study names; what the user names in the call needs no other word."""
    from sweeps.study.trust import is_received
    from sweeps.study.yaml import find_study, read_study_yaml, study_folder

    path = find_study(name)
    received = study_folder(name) is not None or is_received(path, read_study_yaml(path))
    own = os.environ.get("MLFLOW_TRACKING_URI")
    said = {text.partition("=")[0].strip() for text in overrides}
    places = {
        "tracking.mlflow": study.tracking.mlflow,
        "tracking.optuna": study.tracking.optuna,
        "storage": study.storage,
    }
    asked = [place for key, place in places.items() if place != own and not said & {key, key.partition(".")[0]}]
    confirm_places(path.parent, asked, received=received, trust=trust)


def _folder(out: Path | None, study: str, name: str) -> Path:
    from sweeps.study.yaml import study_folder

    folder = out or study_folder(study) or Path("runs") / name
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"--out {folder}: is a file (allowed: a folder, there or not)")
    return folder


def _check_hours(hours: float | None) -> None:
    if hours is not None and not hours > 0:
        raise BadInput(f"--max-hours is {hours:g} (allowed: numbers above 0)")
