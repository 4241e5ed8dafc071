"""``cifar10``: 60,000 colour images of 32x32 in ten classes (Krizhevsky 2009)."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from prune_core.data.cifar_files import CifarFiles, find_files, read_files
from prune_core.data.class_folders import decode_class_folders, fingerprint, has_class_folders, is_archive
from prune_core.data.dataset import Arrays, Request, Size, dataset
from prune_core.data.options import refuse_argument, refuse_rest, take_flag, take_folder

_SOURCE = "CIFAR-10 (Krizhevsky 2009)"
_LICENCE = "none stated; free for research"

FILES = CifarFiles(
    dataset="cifar10",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    size=170_498_071,
    md5="c58f30108f718f92721af3b95e74349a",
    folder="cifar-10-batches-py",
    train=(
        ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
        ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
        ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
        ("data_batch_4", "634d18415352ddfa80567beed471001a"),
        ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
    ),
    test=(("test_batch", "40351d587109b95175f43aff81a1287e"),),
    meta=("batches.meta", "5ff9c542aee3614f3951f8cda6e48888"),
    label_key="labels",
    names_key="label_names",
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2023, 0.1994, 0.2010),
)


@dataset("cifar10", size=Size(50_000, 10_000, (32, 32, 3), 10))
def cifar10(argument: str, options: dict[str, Any], cache: Path) -> Request:
    """Open CIFAR-10: (50000 + 10000, 32, 32, 3).

    Options: ``root``, a folder with the authors' archive or its unpacked files, or class folders of pictures or an archive
    of them (default: what ``PRUNEFRONT_CIFAR10`` names, then the cache); ``download`` (default True).
    """
    refuse_argument("cifar10", argument)
    root = take_folder(options, "root")
    download = take_flag(options, "download", True)
    refuse_rest("cifar10", options, ("download", "mean", "root", "std"))
    named = os.environ.get("PRUNEFRONT_CIFAR10")
    downloads = cache / "downloads"
    places = [root] if root is not None else [*([Path(named).expanduser()] if named else []), downloads]
    for place in places:
        if has_class_folders(place) and not (is_archive(place) and place.name == FILES.archive):
            return _pictures(place)
    path = find_files(FILES, places, (root or downloads) if download else None)
    return Request("CIFAR-10", _LICENCE, _SOURCE, {"md5": FILES.md5}, lambda: read_files(FILES, path))


def _pictures(place: Path) -> Request:
    def decode() -> Arrays:
        return replace(decode_class_folders(place, 32, 3), mean=FILES.mean, std=FILES.std)

    source = f"{_SOURCE}, as pictures in class folders"
    return Request("CIFAR-10", _LICENCE, source, {"pictures": fingerprint(place)}, decode)
