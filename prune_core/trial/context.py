"""What every verb of a trial needs to know: plain data, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from prune_core.base.description import canonical_json
from prune_core.base.errors import BadInput
from prune_core.base.keys import baseline_key
from prune_core.base.seeds import derive_seed
from prune_core.base.store import Store
from prune_core.training import Recipe
from prune_core.trial.data import TrialData
from prune_core.trial.watch import Watch


@dataclass(frozen=True)
class Trial:
    """One trial on its way.

    Attributes:
        description: the frozen description.
        key: its content key.
        folder: where it writes.
        store: baselines, and evaluations of them.
        data: the images.
        device: where it computes.
        watch: signs of life, and the question whether to stop.
        bins: of every ECE.
        report_budgets: at which the test images are judged under corruption too; None is all.
        keep: ``none`` keeps no weights and logits of the budgets.
        checkpoint_seconds: between checkpoints in mid-epoch.
    """

    description: Mapping[str, Any]
    key: str
    folder: Path
    store: Store
    data: TrialData
    device: torch.device
    watch: Watch
    bins: int
    report_budgets: frozenset[int] | None
    keep: str
    checkpoint_seconds: float

    @property
    def baseline(self) -> Mapping[str, Any]:
        """The description of its baseline."""
        described: Mapping[str, Any] = self.description["baseline"]
        return described

    @property
    def baseline_key(self) -> str:
        """The key of its baseline in the store."""
        return baseline_key(self.baseline)

    @property
    def prunes(self) -> bool:
        """Whether anything is removed."""
        return self.description["kind"] in ("pruned", "scratch")

    @property
    def only_judges(self) -> bool:
        """Whether the baseline is judged as it is, and nothing is trained further."""
        return self.description["kind"] in ("baseline", "dense")

    def judges_cells(self, budget: int) -> bool:
        """Return whether the test images are judged under corruption at a budget."""
        return self.report_budgets is None or budget in self.report_budgets

    @property
    def from_scratch(self) -> bool:
        """Whether a pruned architecture is trained with fresh weights, instead of a pruned network fine-tuned."""
        return bool(self.description["kind"] == "scratch")

    @property
    def stream(self) -> tuple[object, ...]:
        """What the draws of fine-tuning derive from: shared by all trials of one baseline and seed.

        Common random numbers: a pruned network and its control see the same images in the same order, so their difference
        is less noisy. Nothing of it depends on which trials run, or when.
        """
        return ("fine-tuning", self.baseline["study_seed"], self.baseline_key, self.description["seed"])

    @property
    def score_seed(self) -> int:
        """Seed of random scores: the same for every ratio of an arm, so that its masks are nested."""
        network, method = canonical_json(self.baseline["network"]), canonical_json(self.description["method"])
        return derive_seed("scores", self.baseline["study_seed"], network, method, self.description["seed"]) % 2**31

    def fine_tuning(self, length: int) -> Recipe:
        """Return the recipe of fine-tuning; its length is the budget in the key, or so many epochs.

        Raises:
            BadInput: the recipe depends on its length, but the description has none.
        """
        recipe = Recipe.from_dict(self.description["fine_tuning"])
        budget = self.description.get("budget")
        if recipe.depends_on_length and budget is None:
            raise BadInput("fine_tuning: a schedule that depends on its length needs the budget in the trial's description")
        return replace(recipe, epochs=length if budget is None else budget)
