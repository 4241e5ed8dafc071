"""The commands about one checkpoint: prune, evaluate; and corrupt, which makes the images to judge with."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prune_core.base.limits import MOST_BINS
from sweeps.cli.completion import corruption_names, dataset_names, method_names
from sweeps.cli.echo import echo
from sweeps.cli.network_options import CLASSES, DATA, DATA_OPTION, FILE, LIMIT, MEAN, NETWORK, OPTION, PLUGIN, STD

if TYPE_CHECKING:
    from prune_core.data import Dataset
    from sweeps.folder.pages import Pages


@click.command()
@click.argument("checkpoint", type=FILE)
@PLUGIN
@NETWORK
@OPTION
@CLASSES
@click.option("--in-channels", type=click.Choice(["1", "3"]), help="1 for grey images, 3 for colour (default).")
@click.option("--method", required=True, shell_complete=method_names, help="Pruning method.")
@click.option("--ratio", help="Share to remove, in [0, 1); leave it out for presets that bring their own.")
@click.option("--method-option", "method_options", multiple=True, metavar="KEY=VALUE", help="Option of the method.")
@click.option("-o", "--output", type=FILE, required=True, help="File to write (.safetensors).")
@click.option(
    "--image-size",
    type=click.IntRange(min=8),
    help="Height and width of the image that costs are measured with; default 32.",
)
@click.option(
    "--data",
    shell_complete=dataset_names,
    help="Also measure accuracy on a dataset: its name, image_folder:PATH, or arrays:FILE (.npz).",
)
@DATA_OPTION
@LIMIT
@MEAN
@STD
def prune(
    checkpoint: Path,
    network: str | None,
    options: tuple[str, ...],
    num_classes: int | None,
    in_channels: str | None,
    method: str,
    ratio: str | None,
    method_options: tuple[str, ...],
    output: Path,
    image_size: int | None,
    data: str | None,
    data_options: tuple[str, ...],
    limit: int | None,
    mean: str | None,
    std: str | None,
) -> int:
    """Prune CHECKPOINT, verify the result and write it to a file.

    The file itself says which network it holds. The costs before and after are printed.
    """
    from sweeps.one_network.open import open_checkpoint, read_options
    from sweeps.one_network.pruned import Unproven, check_output, prune_to_file

    check_output(output, checkpoint)
    values = {**read_options(data_options, "--data-option"), **_normalisation(mean, std)}
    dataset = _dataset(data, values, limit)
    opened = open_checkpoint(
        checkpoint,
        network,
        read_options(options, "--option"),
        num_classes=num_classes,
        in_channels=int(in_channels) if in_channels else None,
        dataset=dataset,
    )
    settings = read_options(method_options, "--method-option")
    try:
        lines = prune_to_file(
            checkpoint, opened, method, ratio, settings, output, data=dataset, size=image_size, limit=limit, given=values
        )
    except Unproven as error:
        echo(f"prunefront: {error}", err=True)
        return 1
    echo("\n".join(lines))
    return 0


@click.command()
@click.argument("checkpoint", type=FILE)
@PLUGIN
@NETWORK
@OPTION
@CLASSES
@DATA
@DATA_OPTION
@click.option(
    "--corruptions",
    shell_complete=corruption_names,
    default="none",
    show_default=True,
    help="none, generated (the 15), official, or names and groups (standard, extra), separated by commas.",
)
@click.option("--corruptions-folder", type=FILE, help="Folder of the official .npy files; by default the cache.")
@click.option("--fetch", is_flag=True, help="Download the official files if they are missing (2.9 GB, resumed, checked).")
@LIMIT
@MEAN
@STD
@click.option("--bins", type=click.IntRange(1, MOST_BINS), default=15, show_default=True, help="Bins of every ECE.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the generated corruptions.")
@click.option(
    "--accepted-error",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.05,
    show_default=True,
    help="Selective prediction: errors allowed among the accepted answers.",
)
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option(
    "--against", type=FILE, help="Compare with another checkpoint on the same images, for example with the unpruned one."
)
@click.option("--flipped", type=FILE, help="CSV file to write: the images that the two predict differently.")
@click.option("--plot", type=FILE, help="Folder to write to: a reliability diagram and a corruption heat map (PNG).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; its keys are the columns of a record.")
@click.pass_obj
def evaluate(
    pages: Pages,
    checkpoint: Path,
    network: str | None,
    options: tuple[str, ...],
    num_classes: int | None,
    data: str,
    data_options: tuple[str, ...],
    corruptions: str,
    corruptions_folder: Path | None,
    fetch: bool,
    limit: int | None,
    mean: str | None,
    std: str | None,
    bins: int,
    seed: int,
    accepted_error: float,
    device: str,
    against: Path | None,
    flipped: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Judge CHECKPOINT: accuracy, calibration, cost, robustness.

    Robustness needs --corruptions.
    """
    from prune_core.base.errors import BadInput
    from sweeps.one_network.figures import plotter, write_figures
    from sweeps.one_network.judged import judge_checkpoint
    from sweeps.one_network.open import read_options

    draw = plotter(plot, pages.pictures) if plot is not None else None
    if flipped is not None and against is None:
        raise BadInput("--flipped belongs to --against, which is missing")
    values = {**read_options(data_options, "--data-option"), **_normalisation(mean, std)}
    judged, *others = (
        judge_checkpoint(
            each,
            network,
            read_options(options, "--option"),
            num_classes=num_classes,
            data=data,
            data_options=values,
            corruptions=corruptions,
            corruptions_folder=corruptions_folder,
            fetch=fetch,
            limit=limit,
            bins=bins,
            seed=seed,
            device=device,
        )
        for each in (checkpoint, against)
        if each is not None
    )
    pictures = write_figures(judged, draw, plot) if plot is not None and draw is not None else []
    changed: list[str] = []
    record = dict(judged.record)
    if against is not None:
        from sweeps.one_network.against import against_lines, deltas, write_flipped

        changed = ["", *against_lines(judged, others[0], against.name)]
        record |= deltas(judged, others[0])
        if flipped is not None:
            write_flipped(judged, others[0], flipped)
            pictures.append(flipped)
    warnings = list(dict.fromkeys(line for each in (judged, *others) for line in each.warnings))
    if as_json:
        for line in warnings:
            echo(line, err=True)
        plain = {name: None if isinstance(value, float) and not isfinite(value) else value for name, value in record.items()}
        click.echo(json.dumps(plain, indent=1, allow_nan=False))
        return
    from sweeps.one_network.table import judgement_lines

    table = judgement_lines(judged, accepted_error=accepted_error)
    echo("\n".join([*warnings, *table, *changed, *("", *map(str, pictures))]).rstrip())


@click.command()
@PLUGIN
@DATA
@DATA_OPTION
@click.option(
    "--corruption",
    "names",
    shell_complete=corruption_names,
    multiple=True,
    help="A corruption or a group (standard, extra); may be repeated. By default the 15, on a contact sheet all 19.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Corrupt this many images, balanced over classes.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the corruptions.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    help="A .png file for a contact sheet; a folder for one NAME.npy per corruption, and labels.npy.",
)
def corrupt(
    data: str, data_options: tuple[str, ...], names: tuple[str, ...], limit: int | None, seed: int, output: Path
) -> None:
    """Corrupt images: a contact sheet, or files as of CIFAR-10-C.

    Each file holds severities 1 to 5 one after the other, as in CIFAR-10-C.
    """
    from sweeps.one_network.images import corrupt_to
    from sweeps.one_network.open import read_options

    options = read_options(data_options, "--data-option")
    echo(corrupt_to(data, names, options=options, limit=limit, seed=seed, output=output))


def _dataset(name: str | None, options: dict[str, Any], limit: int | None) -> Dataset | None:
    from prune_core.base.errors import BadInput
    from prune_core.data import load_dataset

    if name is not None:
        return load_dataset(name, **options)
    if options or limit is not None:
        raise BadInput("--data-option, --mean, --std and --limit belong to --data, which is missing")
    return None


def _normalisation(mean: str | None, std: str | None) -> dict[str, list[float]]:
    from prune_core.base.errors import BadInput

    found = {}
    for name, text in (("mean", mean), ("std", std)):
        if text is None:
            continue
        try:
            found[name] = [float(part) for part in text.replace(" ", ",").split(",") if part]
        except ValueError:
            raise BadInput(f"--{name} is {text!r} (allowed: numbers with commas between, one per channel)") from None
    return found
