"""What a trial's files say of their images, so that the file that is judged is the file that ships, to the byte."""

from __future__ import annotations

import json

from prune_core.pruning.normalisation import INPUT_KEY, Normalisation, input_text
from prune_core.trial.data import TrialData

CLASSES_KEY = "classes"
"""Of the text in a saved file's header: the names of the classes, in the order of the outputs."""


def file_header(data: TrialData) -> dict[str, str]:
    """Return what a network's file says of its input and its classes; all that an export adds to it is in there already."""
    normalisation = Normalisation(tuple(data.dataset.mean), tuple(data.dataset.std))
    return {
        INPUT_KEY: input_text(data.input_shape, normalisation),
        CLASSES_KEY: json.dumps(list(data.dataset.classes)),
    }
