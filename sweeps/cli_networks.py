"""The commands about one checkpoint: prune, evaluate; and corrupt, which makes the images to judge with."""

from __future__ import annotations

import json
from pathlib import Path

import click

FILE = click.Path(path_type=Path)
NETWORK = click.option("--network", help="Name of the network; a file of ours says it itself.")
OPTION = click.option(
    "--option", "options", multiple=True, metavar="KEY=VALUE", help="Option of the network, for example width=8."
)
CLASSES = click.option("--num-classes", type=click.IntRange(min=2), help="Length of the output.")
DATA = click.option("--data", required=True, help="A dataset's name, image_folder:PATH, or arrays:FILE (.npz).")


@click.command()
@click.argument("checkpoint", type=FILE)
@NETWORK
@OPTION
@CLASSES
@click.option("--in-channels", type=click.Choice(["1", "3"]), help="1 for grey images, 3 for colour (default).")
@click.option("--method", required=True, help="Pruning method.")
@click.option("--ratio", help="Share to remove, in [0, 1); left out for presets that bring their own.")
@click.option("--method-option", "method_options", multiple=True, metavar="KEY=VALUE", help="Option of the method.")
@click.option("-o", "--output", type=FILE, required=True, help="File to write (.safetensors).")
def prune(
    checkpoint: Path, network: str | None, options: tuple[str, ...], num_classes: int | None, in_channels: str | None,
    method: str, ratio: str | None, method_options: tuple[str, ...], output: Path,
) -> None:  # fmt: skip
    """Prune CHECKPOINT into one self-describing file."""
    from sweeps.one_network import open_network, prune_to_file, read_options

    dense = open_network(
        checkpoint, network, read_options(options, "--option"), num_classes=num_classes,
        in_channels=int(in_channels) if in_channels else None,
    )  # fmt: skip
    click.echo(prune_to_file(dense, method, ratio, read_options(method_options, "--method-option"), output))


@click.command()
@click.argument("checkpoint", type=FILE)
@NETWORK
@OPTION
@CLASSES
@DATA
@click.option("--data-option", "data_options", multiple=True, metavar="KEY=VALUE", help="Option of the dataset.")
@click.option("--corruptions", default="none", show_default=True, help="none, generated or official.")
@click.option("--corruptions-folder", type=FILE, help="Folder of the official .npy files; by default the cache.")
@click.option("--limit", type=click.IntRange(min=1), help="Judge on so many images, balanced over classes.")
@click.option("--mean", help="Mean per channel the network was trained with, for example 0.49,0.48,0.45.")
@click.option("--std", help="Standard deviation per channel.")
@click.option("--bins", type=click.IntRange(min=1), default=15, show_default=True, help="Bins of every ECE.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the generated corruptions.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; its keys are the columns of a record.")
def evaluate(
    checkpoint: Path, network: str | None, options: tuple[str, ...], num_classes: int | None, data: str,
    data_options: tuple[str, ...], corruptions: str, corruptions_folder: Path | None, limit: int | None,
    mean: str | None, std: str | None, bins: int, seed: int, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Judge CHECKPOINT: accuracy, calibration, cost, and robustness where corruptions are asked for."""
    from sweeps.one_network import read_options
    from sweeps.one_network_judged import judge_checkpoint, judgement_lines

    values = {**read_options(data_options, "--data-option"), **_normalisation(mean, std)}
    record = judge_checkpoint(
        checkpoint, network, read_options(options, "--option"), num_classes=num_classes, data=data, data_options=values,
        corruptions=corruptions, corruptions_folder=corruptions_folder, limit=limit, bins=bins, seed=seed, device=device,
    )  # fmt: skip
    click.echo(json.dumps(record, indent=1) if as_json else "\n".join(judgement_lines(record)))


@click.command()
@DATA
@click.option("--corruption", "names", multiple=True, help="Name of a corruption, may be repeated; by default the 15.")
@click.option("--limit", type=click.IntRange(min=1), help="So many images, balanced over classes.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the corruptions.")
@click.option("-o", "--output", type=FILE, required=True, help="Folder to write: one .npy per corruption, and labels.npy.")
def corrupt(data: str, names: tuple[str, ...], limit: int | None, seed: int, output: Path) -> None:
    """Corrupt images in the layout of CIFAR-10-C: NAME.npy holds severities 1 to 5 one after the other."""
    from sweeps.one_network_judged import corrupt_to_folder

    click.echo(corrupt_to_folder(data, names, limit=limit, seed=seed, output=output))


def _normalisation(mean: str | None, std: str | None) -> dict[str, list[float]]:
    from prune_core.errors import BadInput

    found = {}
    for name, text in (("mean", mean), ("std", std)):
        if text is None:
            continue
        try:
            found[name] = [float(part) for part in text.replace(" ", ",").split(",") if part]
        except ValueError:
            raise BadInput(f"--{name} is {text!r} (allowed: numbers with commas between, one per channel)") from None
    return found
