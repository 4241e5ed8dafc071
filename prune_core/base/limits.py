"""What a file may ask of this machine before it is read: declared sizes are held against these, in one place.

Generous for real use, and far below what a file made to exhaust a machine declares. `docs/data.md` lists them for users.
"""

from __future__ import annotations

import os

MB, GB = 10**6, 10**9

PICTURE_BYTES = 256 * MB
"""Of one picture as a file."""
PICTURE_PIXELS = 80_000_000
"""Width times height of one picture, before it is scaled."""
DATA_BYTES = 32 * GB
"""Of a whole dataset as decoded arrays; never more than the machine's memory."""
ARCHIVE_MEMBERS = 5_000_000
"""Files and folders in one tar archive (ImageNet has 1.3 million)."""
TAR_HEADER_BYTES = MB
"""Of what stands before one file in a tar archive: names, links, maps of sparse files."""
NPY_HEADER_BYTES = 10_000
"""Of the head of one array, which says its type and shape."""
LOGITS_BYTES = 16 * GB
"""Of the kept logits of one network on one set of images."""
CHECKPOINT_SLACK_BYTES = 64 * MB
"""By how much a checkpoint may be larger than its file: torch compresses nothing."""
JSON_BYTES = 64 * MB
"""Of one file of JSON."""
YAML_BYTES = 4 * MB
"""Of one study file."""
YAML_NODES = 100_000
"""Values of one study file, with every alias (`*name`) written out."""
YAML_DEPTH = 50
"""Lists and mappings inside each other in a study file."""
MOST_BINS = 1000
"""Of an ECE: of the 10,000 test images of CIFAR-10 ten are in a bin then, too few to say how accurate it is."""
TABLE_ROWS = 2_000_000
"""Of a table of records."""
TABLE_BYTES = 4 * GB
"""Of a table of records in memory."""


def data_bytes() -> int:
    """Return how many bytes a decoded dataset may have on this machine."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return DATA_BYTES
    return min(DATA_BYTES, memory)


def size_text(count: int) -> str:
    """Return a number of bytes as people say it: 256 MB, 32 GB, 1,000 GB."""
    for unit, name in ((GB, "GB"), (MB, "MB"), (1000, "kB")):
        if count >= unit:
            return f"{count / unit:,.0f} {name}" if count >= 10 * unit else f"{count / unit:.3g} {name}"
    return f"{count} bytes"
