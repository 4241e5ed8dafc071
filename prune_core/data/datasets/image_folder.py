"""``image_folder:PATH``: anybody's pictures in class folders, or a tar archive of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prune_core.base.errors import BadInput
from prune_core.data.class_folders import decode_class_folders, fingerprint
from prune_core.data.dataset import Request, dataset
from prune_core.data.options import refuse_rest, take_names, take_size


@dataset("image_folder", argument="PATH")
def image_folder(argument: str, options: dict[str, Any], cache: Path) -> Request:
    """Open ``train/<class>/`` and ``test/<class>/``; options ``size`` (pixels), ``channels`` (1 or 3) and ``classes``.

    Classes are numbered in the order of their sorted names, or in the order of ``classes``, which names each of them once.
    """
    size = take_size(options, None)
    channels = options.pop("channels", None)
    if isinstance(channels, bool) or channels not in (None, 1, 3):
        raise BadInput(f"dataset option 'channels' is {channels!r} (allowed: 1, 3)")
    classes = take_names(options, "classes")
    refuse_rest("image_folder", options, ("channels", "classes", "mean", "size", "std"))
    if not argument:
        raise BadInput("dataset 'image_folder' needs a path: image_folder:PATH")
    path = Path(argument).expanduser()
    if not path.exists():
        raise BadInput(f"dataset 'image_folder': there is no folder or archive {argument!r}")
    return Request(
        title=path.resolve().name.removesuffix(".gz").removesuffix(".tgz").removesuffix(".tar"),
        licence="the owner's",
        source=f"pictures in {path.resolve().name}",
        fingerprint={
            "pictures": fingerprint(path),
            "size": size,
            "channels": channels,
            **({} if classes is None else {"classes": list(classes)}),
        },
        decode=lambda: decode_class_folders(path, size, channels, classes),
    )
