"""A search by ask and tell: it proposes what may be chosen, once each, and learns from what it is told."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from prunefront import Candidate, load_study, search


def told(candidate: Candidate) -> dict[str, float]:
    """Numbers that anybody can compute: unstructured pruning loses nothing, the other methods do."""
    ratio = float(candidate.ratio)
    loss = 0.0 if candidate.arm.endswith("unstructured") else 0.5 * ratio
    return {"val_accuracy": 1 - loss, "val_ece": 0.1, "val_mpc": 0.9 - loss, "nonzero_parameters": 1000 * (1 - ratio)}


@pytest.mark.parametrize("kind, count", [("grid", 4), ("random", 3), ("optuna", 3)])
def test_a_search_asks_for_different_candidates_of_the_space(kind: str, count: int, tmp_path: Path) -> None:
    more = {"grid": [], "random": [f"search.candidates={count}"]}
    study = load_study(
        "smoke", [f"search.kind={kind}", *more.get(kind, [f"search.candidates={count}", "search.sampler=random"])]
    )
    found = search(study, tmp_path)
    assert set(found.columns) == {"val_accuracy", "val_ece", "val_mpc", "nonzero_parameters"}
    asked: list[Candidate] = []
    while not found.done:
        for candidate in found.ask(4):
            asked.append(candidate)
            found.tell(candidate, told(candidate))
    assert len({each.key for each in asked}) == len(asked) == count
    assert {each.key for each in asked} <= {each.key for each in found.candidates}
    [books] = optuna.get_all_study_summaries(f"sqlite:///{tmp_path / 'optuna.db'}")
    assert (books.study_name, books.n_trials) == ("smoke", count)


def test_a_candidate_that_failed_is_not_asked_for_again(tmp_path: Path) -> None:
    study = load_study("smoke", ["search.kind=optuna", "search.candidates=3", "search.sampler=random"])
    found = search(study, tmp_path)
    [first] = found.ask()
    found.tell(first, None)
    rest = [each for _ in range(2) for each in found.ask()]
    assert first.key not in {each.key for each in rest}
