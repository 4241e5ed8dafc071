"""Options that the commands about one network share."""

from __future__ import annotations

from pathlib import Path

import click

from sweeps.cli.completion import dataset_names, network_names

FILE = click.Path(path_type=Path)
NETWORK = click.option(
    "--network", shell_complete=network_names, help="Name of the network; not needed for a file that prunefront wrote."
)
OPTION = click.option(
    "--option", "options", multiple=True, metavar="KEY=VALUE", help="Option of the network, for example width=8."
)
CLASSES = click.option("--num-classes", type=click.IntRange(min=2), help="Number of classes: the length of the output.")
DATA = click.option(
    "--data",
    required=True,
    shell_complete=dataset_names,
    help="A dataset's name, image_folder:PATH, or arrays:FILE (.npz).",
)
DATA_OPTION = click.option(
    "--data-option", "data_options", multiple=True, metavar="KEY=VALUE", help="Option of the dataset, for example root=DIR."
)
LIMIT = click.option(
    "--limit", type=click.IntRange(min=1), help="Judge on this many images, balanced over classes, the same at every call."
)
MEAN = click.option("--mean", help="Mean per channel that the network was trained with, for example 0.49,0.48,0.45.")
STD = click.option("--std", help="Standard deviation per channel that it was trained with.")


def _import_plugins(context: click.Context, _option: click.Parameter, modules: tuple[str, ...]) -> None:
    if context.resilient_parsing:  # the Tab key runs nobody's code
        return
    from sweeps.cli.consent import consent
    from sweeps.study.plugins import import_plugins_of

    if modules:
        import_plugins_of({"plugins": list(modules)}, Path.cwd(), confirm=consent(trust=False))


PLUGIN = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="MODULE",
    expose_value=False,
    callback=_import_plugins,
    help="Your Python module with networks, datasets, methods, corruptions, metrics or costs; the current folder is "
    "searched first.",
)
