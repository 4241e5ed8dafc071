"""What every verb of a trial needs to know: plain data, frozen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from prune_core.base.description import canonical_json
from prune_core.base.errors import BadInput
from prune_core.base.seeds import derive_seed
from prune_core.base.store import Store
from prune_core.training import Recipe
from prune_core.trial.data import TrialData
from prune_core.trial.description import BaselineDescription, TrialDescription
from prune_core.trial.order import TrialOrder
from prune_core.trial.watch import Watch


@dataclass(frozen=True)
class Trial:
    """One trial on its way.

    Attributes:
        description: what is done, and with what.
        order: where, and how.
        store: baselines, and evaluations of them.
        data: the images.
        device: where it computes.
        watch: signs of life, and the question whether to stop.
    """

    description: TrialDescription
    order: TrialOrder
    store: Store
    data: TrialData
    device: torch.device
    watch: Watch

    @property
    def key(self) -> str:
        """The trial's key; a checkpoint of another one is not used."""
        return self.description.key

    @property
    def folder(self) -> Path:
        """Where the trial writes."""
        return self.order.folder

    @property
    def baseline(self) -> BaselineDescription:
        """The description of its baseline."""
        return self.description.baseline

    @property
    def baseline_key(self) -> str:
        """The key of its baseline in the store."""
        return self.baseline.key

    @property
    def prunes(self) -> bool:
        """Whether anything is removed."""
        return self.description.kind in ("pruned", "scratch")

    @property
    def only_judges(self) -> bool:
        """Whether the baseline is judged as it is, and nothing is trained further."""
        return self.description.kind in ("baseline", "dense")

    def judges_cells(self, budget: int) -> bool:
        """Return whether the test images are judged under corruption at a budget."""
        return self.order.report_budgets is None or budget in self.order.report_budgets

    @property
    def from_scratch(self) -> bool:
        """Whether a pruned architecture is trained with fresh weights, instead of a pruned network fine-tuned."""
        return self.description.kind == "scratch"

    @property
    def stream(self) -> tuple[object, ...]:
        """What the draws of fine-tuning derive from: shared by all trials of one baseline and seed.

        Common random numbers: a pruned network and its control see the same images in the same order, so their difference
        is less noisy. Nothing of it depends on which trials run, or when.
        """
        return ("fine-tuning", self.baseline.study_seed, self.baseline_key, self.description.seed)

    @property
    def score_seed(self) -> int:
        """Seed of random scores: the same for every ratio of an arm, so that its masks are nested. Code is no part of it."""
        method, network = self.description.method, replace(self.baseline.network, code={})
        method = None if method is None else replace(method, code={})
        plain = (
            canonical_json(network.to_plain()),
            canonical_json(None if method is None else method.to_plain()),
        )
        return derive_seed("scores", self.baseline.study_seed, *plain, self.description.seed) % 2**31

    def fine_tuning(self, length: int) -> Recipe:
        """Return the recipe of fine-tuning; its length is the budget in the key, or so many epochs.

        Raises:
            BadInput: the recipe depends on its length, but the description has none.
        """
        recipe = self.description.fine_tuning or Recipe()
        budget = self.description.budget
        if recipe.depends_on_length and budget is None:
            raise BadInput("fine_tuning: a schedule that depends on its length needs the budget in the trial's description")
        return replace(recipe, epochs=length if budget is None else budget)
