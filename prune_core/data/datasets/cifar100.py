"""``cifar100``: 60,000 colour images of 32x32 in a hundred classes (Krizhevsky 2009)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prune_core.data.cifar_files import CifarFiles, find_files, read_files
from prune_core.data.dataset import Request, Size, dataset
from prune_core.data.options import refuse_argument, refuse_rest, take_flag, take_folder

FILES = CifarFiles(
    dataset="cifar100",
    url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    size=169_001_437,
    md5="eb9058c3a382ffc7106e4002c42a8d85",
    folder="cifar-100-python",
    train=(("train", "16019d7e3df5f24257cddd939b257f8d"),),
    test=(("test", "f0ef6b0ae62326f3e7ffdfab6717acfc"),),
    meta=("meta", "7973b15100ade9c7d40fb424638fde48"),
    label_key="fine_labels",
    names_key="fine_label_names",
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
)


@dataset("cifar100", size=Size(50_000, 10_000, (32, 32, 3), 100))
def cifar100(argument: str, options: dict[str, Any], cache: Path) -> Request:
    """Open CIFAR-100, fine labels: (50000 + 10000, 32, 32, 3).

    Options: ``root``, a folder with the authors' archive or its unpacked files; ``download`` (default True).
    """
    refuse_argument("cifar100", argument)
    root = take_folder(options, "root")
    download = take_flag(options, "download", True)
    refuse_rest("cifar100", options, ("download", "mean", "root", "std"))
    downloads = cache / "downloads"
    path = find_files(FILES, [root or downloads], (root or downloads) if download else None)
    return Request(
        title="CIFAR-100",
        licence="none stated; free for research",
        source="CIFAR-100 (Krizhevsky 2009)",
        fingerprint={"md5": FILES.md5},
        decode=lambda: read_files(FILES, path),
    )
