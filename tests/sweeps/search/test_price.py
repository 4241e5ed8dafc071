"""What trying a candidate costs, and that a search can be made to weigh it."""

from __future__ import annotations

import optuna
import pytest

from prune_core.base.errors import BadInput
from prune_core.complexity import complexity
from prune_core.networks import build_network
from sweeps.cost.sizes import judged_images, sizes_of
from sweeps.search import optuna_study
from sweeps.search.optuna_search import OptunaSearch
from sweeps.search.optuna_study import OptunaBooks
from sweeps.search.price import Price
from sweeps.search.space import Candidate
from sweeps.study.model import load_study
from tests.sweeps.searching import OBJECTIVES, SPACE, drive


@pytest.fixture(scope="module")
def study():
    return load_study("quickstart", ["seeds=[0, 1]", "budgets=[0, 2]"])


def test_a_price_is_training_and_judging_of_every_seed_by_hand(study):
    sizes = sizes_of(study)
    assert sizes is not None
    arm = next(arm for arm in Price(study)._arms.values() if arm.network == "small_vgg")
    options = study.networks[arm.network].options
    macs = complexity(build_network("small_vgg", num_classes=10, in_channels=1, **options), (1, 28, 28)).macs
    price = Price(study)
    tuned, plain = price(Candidate(arm.name, "0.5", 2)), price(Candidate(arm.name, "0.5", 0))
    assert tuned - plain == pytest.approx(2 * 2 * sizes.train * 3 * macs, rel=0.2)  # the budget decides what is judged, too
    assert plain <= 2 * judged_images(sizes) * macs * (1 + 1e-9)
    assert price(Candidate(arm.name, "0.7", 2)) == tuned


def test_what_was_trained_for_a_shorter_budget_is_not_charged_again_and_judging_is():
    study = load_study("quickstart", ["seeds=[0, 1]", "budgets=[0, 2, 4]"])
    sizes, price = sizes_of(study), Price(study)
    assert sizes is not None
    arm = next(arm for arm in price._arms.values() if arm.network == "small_vgg")
    macs = complexity(
        build_network("small_vgg", num_classes=10, in_channels=1, **study.networks[arm.network].options), (1, 28, 28)
    ).macs
    epoch, longest = 2 * 3 * macs * sizes.train, Candidate(arm.name, "0.5", 4)
    assert price(longest) - price(longest, {2}) == pytest.approx(2 * epoch)
    assert price(longest, {2}) - 2 * epoch == pytest.approx(price(longest) - 4 * epoch), "what is left is judging"
    assert price(longest, {0}) == price(longest)
    shorter = Candidate(arm.name, "0.5", 2)
    assert price(shorter, {4}) == price(shorter), "the state on the way is not kept: walked again from 0"
    study = load_study("quickstart", ["seeds=[0, 1]", "budgets=[0, 2, 4]", "fine_tuning.schedule=cosine"])
    assert Price(study)(longest, {2}) == Price(study)(longest), "a short cosine is no beginning of a longer one"


def test_a_rate_of_its_own_is_charged_with_its_control(study):
    price, arm = Price(study), next(iter(Price(study)._arms))
    alone = price(Candidate(arm, "0.5", 2))
    assert price(Candidate(arm, "0.5", 2, {"learning_rate": 0.0123})) == pytest.approx(2 * alone)


def test_a_search_per_cost_tries_more_for_less(tmp_path, monkeypatch):
    monkeypatch.setattr(optuna_study, "open_storage", lambda out, url: optuna.storages.InMemoryStorage())

    def price(candidate, tried=()):
        return 1.0 + 10 * (candidate.budget or 0)

    def spent(**more):
        books = OptunaBooks("toy", tmp_path, None, space=SPACE, objectives=OBJECTIVES)
        search = OptunaSearch(books, 12, 0, batch=4, **more)
        search.reconcile({})
        return sum(price(Candidate.from_key(key)) for key in drive(search, width=4))

    assert spent(price=price) < 0.8 * spent()
    with pytest.raises(BadInput, match="sampler 'tpe' cannot weigh gain against cost"):
        spent(price=price, sampler="tpe")


def test_only_a_search_by_optuna_weighs_costs():
    with pytest.raises(BadInput, match=r"search\.gain: only a search by Optuna"):
        load_study("quickstart", ["search.gain=cost"])
