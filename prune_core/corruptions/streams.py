"""One random stream per image: the same corruption in any batch, at the cost of a counter that is set."""

from __future__ import annotations

import numpy as np

from prune_core.base.seeds import derive_seed


class ImageStreams:
    """Random generators of the images of one cell (corruption, severity).

    Philox is counter-based: the cell is the key, the image number is one word of the counter, so that no two images share
    numbers (each has 2**128 blocks of its own) and no seeding is paid per image.
    """

    def __init__(self, seed: int, corruption: str, severity: int) -> None:
        self._bits = np.random.Philox(key=derive_seed(seed, "corruption", corruption, severity))
        self._generator = np.random.Generator(self._bits)
        self._state = self._bits.state

    def of(self, number: int) -> np.random.Generator:
        """Return the stream of image ``number`` (0 or more), at its beginning; valid until the next call."""
        self._state["state"]["counter"] = np.array([0, 0, number, 0], dtype=np.uint64)
        self._state["buffer_pos"] = 4
        self._state["has_uint32"] = 0
        self._bits.state = self._state
        return self._generator
