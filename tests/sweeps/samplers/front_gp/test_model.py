"""The numbers behind a proposal, against other libraries and against what can be computed by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import moocore
import numpy as np
import pytest
import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.stats import multivariate_t

from sweeps.samplers.front_gp.encoding import Encoding
from sweeps.samplers.front_gp.gain import Box, count
from sweeps.samplers.front_gp.kernel import F, Kernel, Pairs
from sweeps.samplers.front_gp.model import Posterior, Told, covariance, evidence, hyperparameters
from sweeps.samplers.front_gp.problem import trends_of
from sweeps.samplers.front_gp.scales import Scale

SPACE = {
    "network": CategoricalDistribution(["a", "b", "c"]),
    "method": CategoricalDistribution(["x", "y"]),
    "layers of y": CategoricalDistribution(["some", "all"]),
    "ratio of a": CategoricalDistribution(["0.3", "0.5", "0.9"]),
    "ratio": FloatDistribution(0.1, 0.9),
    "budget": CategoricalDistribution([0, 1, 2, 4]),
    "rate": FloatDistribution(1e-3, 1e-1, log=True),
}


def params(count_, seed=0):
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count_):
        one: dict[str, Any] = {"network": str(random.choice(["a", "b", "c"])), "method": str(random.choice(["x", "y"]))}
        if one["method"] == "y":
            one["layers of y"] = str(random.choice(["some", "all"]))
        if one["network"] == "a":
            one["ratio of a"] = str(random.choice(["0.3", "0.5", "0.9"]))
        else:
            one["ratio"] = float(random.uniform(0.1, 0.9))
        one["budget"] = int(random.choice([0, 1, 2, 4]))
        if one["budget"]:
            one["rate"] = float(10 ** random.uniform(-3, -1))
        found.append(one)
    return found


def trends(along, column=0):
    """A trend along one of the two columns."""
    found = torch.zeros(len(along), 2, dtype=F)
    found[:, column] = along
    return found


def told(count_=12, objectives=1):
    encoding = Encoding(SPACE)
    values = torch.as_tensor(np.random.default_rng(1).normal(size=(objectives, count_)), dtype=F)
    kernel = Kernel(len(encoding.categories), len(encoding.numeric))
    points = replace(encoding.points(params(count_)), trends=trends(torch.linspace(-1, 1, count_, dtype=F)))
    nothing = torch.zeros(objectives, dtype=F)
    return kernel, Told(points, values, torch.ones(count_, dtype=F), nothing, nothing, torch.ones(objectives, dtype=F))


def test_numbers_written_as_text_are_one_axis_with_numbers_and_what_is_absent_is_absent():
    encoding = Encoding(SPACE)
    assert [axis.name for axis in encoding.numeric] == ["budget", "rate", "ratio"]
    assert [name for name, _ in encoding.categories] == ["layers", "method", "network"]
    points = encoding.points(
        [
            {"network": "a", "method": "x", "ratio of a": "0.5", "budget": 0},
            {"network": "b", "method": "y", "layers of y": "all", "ratio": 0.5, "budget": 4, "rate": 1e-2},
        ]
    )
    ratio, budget, rate = (points.places[:, at] for at in (2, 0, 1))
    assert ratio.tolist() == pytest.approx([0.5, 0.5])
    assert budget.tolist() == pytest.approx([0, 1])
    assert rate[1] == pytest.approx(0.5)
    assert points.present[:, 1].tolist() == [False, True]
    assert points.codes[0, 0] == -1


def test_steps_of_an_epoch_axis_shrink_as_it_grows_and_those_of_a_ratio_do_not():
    encoding = Encoding({"epochs": IntDistribution(0, 40), "ratio": FloatDistribution(0, 0.9)})
    places = encoding.points([{"epochs": each, "ratio": 0.45} for each in (0, 10, 20)]).places
    assert places[1, 0] - places[0, 0] > 2 * (places[2, 0] - places[1, 0])
    assert places[0, 1] == pytest.approx(0.5)


def test_covariances_are_those_of_some_process_whatever_is_absent():
    kernel, data = told(40)
    theta = torch.randn(16, kernel.size, dtype=F, generator=torch.Generator().manual_seed(0))
    found = kernel.between(data.pairs, theta)
    assert torch.allclose(found, found.transpose(1, 2))
    assert float(torch.linalg.eigvalsh(found).min()) > -1e-9
    assert torch.allclose(torch.diagonal(found, dim1=1, dim2=2), torch.tensor(2.0, dtype=F))
    other = kernel.between(Pairs(data.points.take(torch.arange(7)), data.points), theta)
    assert torch.allclose(other, found[:, :7])


def test_what_only_some_candidates_lack_counts_alike_where_nobody_lacks_it():
    encoding = Encoding(SPACE)
    points = encoding.points([each for each in params(60, seed=3) if each["network"] != "a"])
    kernel = Kernel(len(encoding.categories), len(encoding.numeric))
    theta = torch.randn(4, kernel.size, dtype=F, generator=torch.Generator().manual_seed(1))
    tuned = torch.nonzero(points.present[:, 1])[:, 0][:6]
    assert len(tuned) == 6 and not bool(points.present[:, 1].all())
    some, whole = points.take(tuned), kernel.between(Pairs(points, points), theta)
    assert torch.allclose(kernel.between(Pairs(some, some), theta), whole[:, tuned][:, :, tuned])


def test_the_evidence_is_that_of_a_t_distribution():
    kernel, data = told()
    theta = torch.randn(3, kernel.size, dtype=F, generator=torch.Generator().manual_seed(2))
    ours = evidence(kernel, data, theta, torch.zeros(3, dtype=torch.int64))
    shape = covariance(kernel, data, theta).numpy()  # inverse gamma (2, 2): t with 4 degrees of freedom, scale 2 / 2
    means = kernel.mean(data.points, theta, torch.ones(3, dtype=F)).numpy()
    values = data.values[0].numpy()
    theirs = [multivariate_t(mean, each, df=4).logpdf(values) for mean, each in zip(means, shape, strict=True)]
    assert np.diff(ours.numpy()) == pytest.approx(np.diff(theirs))


def test_the_mean_given_what_was_told_is_the_textbooks():
    kernel, data = told()
    theta = torch.randn(2, kernel.size, dtype=F, generator=torch.Generator().manual_seed(3))
    points = replace(Encoding(SPACE).points(params(5, seed=9)), trends=trends(torch.linspace(2, -2, 5, dtype=F)))
    mean, variance = Posterior.of(kernel, data, theta, torch.zeros(2, dtype=torch.int64)).marginal(points)
    cross = kernel.between(Pairs(data.points, points), theta)
    inverse = torch.linalg.inv(covariance(kernel, data, theta))
    there, here = (kernel.mean(each, theta, torch.ones(2, dtype=F)) for each in (data.points, points))
    assert float(here.std()) > 0.1
    assert torch.allclose(mean, here + (cross.transpose(1, 2) @ inverse @ (data.values - there)[:, :, None])[:, :, 0])
    assert bool((variance > 0).all())


def test_draws_have_the_mean_and_the_spread_of_the_marginals():
    kernel, data = told()
    theta = torch.zeros(1, kernel.size, dtype=F)
    posterior = Posterior.of(kernel, data, theta, torch.zeros(1, dtype=torch.int64))
    points = Encoding(SPACE).points(params(4, seed=5))
    mean, variance = posterior.marginal(points)
    drawn = posterior.draws(points, 40_000, torch.Generator().manual_seed(0))[0]
    assert drawn.mean(0).numpy() == pytest.approx(mean[0].numpy(), abs=0.03)
    assert drawn.var(0).numpy() == pytest.approx(variance[0].numpy(), rel=0.05)


@pytest.mark.parametrize("column", [0, 1])
def test_what_is_dearer_or_further_is_expected_to_be_better_until_it_is_told_otherwise(column):
    kernel, _ = told()
    encoding = Encoding(SPACE)
    far = torch.tensor([-1.5, 1.5], dtype=F)
    other = replace(encoding.points(params(2, seed=4)), trends=trends(far, column))

    def rise(slope: float, better: float) -> float:
        """Expected difference between the two ends where values change so much with the trend; few values say no slope."""
        along = torch.linspace(-1.5, 1.5, 30, dtype=F)
        points = replace(encoding.points(params(30)), trends=trends(along, column))
        rest = (torch.tensor([each], dtype=F) for each in (0.0, 0.0, better))
        data = Told(points, slope * along[None], torch.ones(30, dtype=F), *rest)
        data = data if slope else data.take(torch.arange(14, 17))
        theta, which = hyperparameters(kernel, data, 16, 10, torch.Generator().manual_seed(0))
        means = kernel.mean(other, theta, data.better[which])
        return float((means[:, 1] - means[:, 0]).mean())

    assert rise(0.0, 1.0) > 0.3 and rise(0.0, -1.0) < -0.3 and rise(0.0, 0.0) == 0
    assert rise(-1.0, 1.0) < rise(0.0, 1.0) < rise(1.0, 1.0)


def test_how_dear_candidates_are_known_to_be_and_how_far_along():
    """By hand: a cost of 1, 10, 100 is -1.22, 0, 1.22 on a standardised log scale; what is to be large is turned round."""
    space = {"ratio": FloatDistribution(0, 1), "rate": FloatDistribution(0, 1)}
    points = Encoding(space).points([{"ratio": 0.2}, {"ratio": 0.4}, {"ratio": 0.6}, {"rate": 0.5}])
    cost = np.array([[1.0, 5.0], [10.0, 5.0], [100.0, 5.0], [np.nan, np.nan]])
    ends = 1.5**0.5
    axis = [axis.name for axis in Encoding(space).numeric].index("ratio")
    found = trends_of(points, cost[:, :1], (False,), (axis,))
    assert found.T.tolist() == [pytest.approx([-ends, 0, ends, 0]), pytest.approx([-ends, 0, ends, 0])]
    turned = trends_of(points, 1 / cost[:, :1], (True,), ())
    assert torch.allclose(turned[:, 0], found[:, 0]) and not turned[:, 1].any()
    assert not trends_of(points, cost[:, 1:], (False,), ()).any()


def test_hyperparameters_follow_the_data():
    """Values that differ by network alone put the weight there; pure noise raises the noise, or what is each one's own."""
    encoding = Encoding(SPACE)
    points = encoding.points(params(60))
    kernel = Kernel(len(encoding.categories), len(encoding.numeric))
    random = np.random.default_rng(0)
    by_network = torch.as_tensor([-1.0, 0.0, 1.5], dtype=F)[points.codes[:, 2]]
    values = torch.stack([by_network, torch.as_tensor(random.normal(size=60), dtype=F)])
    nothing = torch.zeros(2, dtype=F)
    data = Told(points, values, torch.ones(60, dtype=F), nothing, nothing, nothing)
    theta, which = hyperparameters(kernel, data, 8, 10, torch.Generator().manual_seed(0))
    weights, noise = kernel.unpack(theta)[2], kernel.noise(theta)
    assert which.tolist() == [0] * 8 + [1] * 8
    assert weights[:8, 3].mean() > weights[:8, [1, 2]].mean()
    alone = noise + weights[:, -1]  # one measurement of each does not tell these apart
    assert alone[8:].median() > 5 * alone[:8].median()


def test_what_seeds_scatter_says_how_noisy_a_measurement_is():
    kernel, data = told(20)
    calm, loud = (
        replace(
            data, seeds=torch.full((20,), 3.0, dtype=F), scatter=torch.tensor([each]), freedom=torch.tensor([38.0], dtype=F)
        )
        for each in (38 * 0.001, 38 * 0.5)
    )
    noises = []
    for each in (calm, loud):
        theta, which = hyperparameters(kernel, each, 8, 8, torch.Generator().manual_seed(0))
        posterior = Posterior.of(kernel, each, theta, which)
        noises.append(float((kernel.noise(theta) * posterior.rate / (posterior.shape - 1)).mean()))
    assert noises[0] == pytest.approx(0.001, rel=0.5)
    assert noises[1] == pytest.approx(0.5, rel=0.5)


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_the_counted_volume_is_the_hypervolume(objectives):
    random = np.random.default_rng(objectives)
    engine = torch.quasirandom.SobolEngine(objectives, scramble=True, seed=0)
    box = Box(engine.draw(16384).to(F).numpy())
    values = random.random((12, objectives))
    bits = np.bitwise_or.reduce(box.dominated(values), axis=0)
    theirs = moocore.hypervolume(-values, ref=[0.0] * objectives)
    assert count(bits) / box.size == pytest.approx(theirs, abs=0.01)


def test_a_scale_goes_there_and_back():
    for name, values, largest in (
        ("logit", [0.1, 0.5, 0.97], True),
        ("log", [0.01, 0.2, 0.4], False),
        ("linear", [-1, 3], True),
    ):
        tensor = torch.tensor(values, dtype=F)
        scale = Scale.of(tensor, largest)
        assert scale.name == name
        assert torch.allclose(scale.back(scale.forward(tensor)), tensor)
    assert math.isfinite(float(Scale.of(torch.tensor([0.0, 1.0], dtype=F), True).forward(torch.tensor([0.0], dtype=F))))
