"""A study file becomes a Study: defaults resolved, paths absolute, equal to what its own YAML says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from prune_core.base.errors import BadInput
from prune_core.networks import NETWORKS
from sweeps.study.model import Study, load_study
from sweeps.study.values import canonical_ratio, parse_limit
from sweeps.study.yaml import read_study_yaml, write_study

SMALL = """
name: mine
data: {name: digits, validation: 200, test: 200}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [unstructured, l1_filter]}]
ratios: [0.50, 0.3]
budgets: [2, 0]
seeds: [1, 0]
"""


def load(folder: Path, text: str, *overrides: str) -> Study:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_study(path, overrides)


def test_defaults_are_resolved_and_visible(tmp_path: Path) -> None:
    study = load(tmp_path, SMALL)
    assert study.ratios == ("0.3", "0.5")
    assert study.budgets == (0, 2)
    assert study.seeds == (1, 0)
    assert study.networks["small_vgg"].name == "small_vgg"
    assert study.networks["small_vgg"].options == {
        "width": 4,
        "conv_bias": False,
        "head": "linear",
        "initialisation": "he",
    }
    assert study.training["momentum"] == 0.9
    assert "epochs" in study.training
    assert "epochs" not in study.fine_tuning


def test_the_resolved_study_is_a_study_file_that_gives_the_same_study(tmp_path: Path) -> None:
    study = load(tmp_path, SMALL + "limits: [val_ece_t<=5e-2]\nmargins: {accuracy: 0.01}\n")
    write_study(study.to_plain(), tmp_path / "study.yaml", provenance={"git": "0123abc"})
    again = load_study(tmp_path / "study.yaml")
    assert again == study
    assert read_study_yaml(tmp_path / "study.yaml")["provenance"] == {"git": "0123abc"}
    assert load_study(tmp_path / "study.yaml", ["seeds=[7]"]).seeds == (7,)


def test_objectives_are_the_four_and_count_macs_where_all_methods_remove_structure(tmp_path: Path) -> None:
    mixed = load(tmp_path, SMALL)
    assert mixed.objectives == {"accuracy": "max", "ece": "min", "mpc": "max", "nonzero_parameters": "min"}
    assert list(mixed.decisive) == ["val_accuracy", "val_ece", "val_mpc", "nonzero_parameters"]
    structured = load(tmp_path, SMALL, "arms=[{methods: [l1_filter, random_filters]}]")
    assert list(structured.objectives) == ["accuracy", "ece", "mpc", "macs"]
    plain = load(tmp_path, SMALL, "evaluation.corruptions=none")
    assert list(plain.objectives) == ["accuracy", "ece", "nonzero_parameters"]
    report = load(tmp_path, SMALL, "select_on=report", "objectives=[val_accuracy, parameters]")
    assert report.decisive == {"accuracy": "max", "parameters": "min"}


@pytest.mark.parametrize(
    ("overrides", "budgets"),
    [
        ([], (0, 2)),  # 100 images per cell are cheap
        (["data.test=600", "evaluation.images_per_cell=501"], (2,)),
        (["data.test=600", "evaluation.images_per_cell=501", "select_on=report"], (0, 2)),  # they decide
        (["evaluation.report_budgets=[2]"], (2,)),
        (["evaluation.report_budgets=0"], (0, 2)),  # the longest is always there
        (["evaluation.corruptions=none"], ()),
    ],
)
def test_budgets_at_which_corrupted_test_images_are_judged(
    tmp_path: Path, overrides: list[str], budgets: tuple[int, ...]
) -> None:
    assert load(tmp_path, SMALL, *overrides).report_budgets == budgets


def test_a_copy_with_other_fields_decides_by_them(tmp_path: Path) -> None:
    study = load(tmp_path, SMALL, "limits=[val_accuracy >= 0.5]")
    assert (len(study.decisive), len(study.parsed_limits)) == (4, 1)  # worked out, and kept
    copy = study.model_copy(update={"objectives": {"accuracy": "max"}, "limits": ()})
    assert (copy.decisive, copy.parsed_limits) == ({"val_accuracy": "max"}, ())


def test_overrides_reach_into_sections_lists_and_missing_sections(tmp_path: Path) -> None:
    study = load(tmp_path, SMALL, "arms.0.ratios=0.9", "resources.threads=2", "training.learning_rate=1e-2", "title=a=b")
    assert study.arms[0].ratios == ("0.9",)
    assert study.resources.threads == 2
    assert study.training["learning_rate"] == 0.01
    assert study.title == "a=b"


def test_paths_are_relative_to_the_study_file(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"x")
    study = load(tmp_path, SMALL + "baseline: {checkpoint: weights.pt}\n")
    baseline = study.networks["small_vgg"].baseline
    assert baseline is not None and baseline.checkpoint == tmp_path / "weights.pt"
    assert study.baseline is None  # the short form is resolved into the network's section


def test_plugins_beside_the_study_file_are_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NETWORKS, "_entries", dict(NETWORKS._entries))  # what a plugin adds must not reach other tests
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my_lab_networks.py").write_text(
        "from prune_core.networks import NETWORKS, build_network\n"
        "@NETWORKS.register('my_lab_net')\n"
        "def build(*, num_classes: int, in_channels: int, width: int = 4):\n"
        "    return build_network('small_vgg', num_classes=num_classes, in_channels=in_channels, width=width)\n",
        encoding="utf-8",
    )
    study = load(tmp_path, SMALL.replace("small_vgg", "my_lab_net") + "plugins: [my_lab_networks]\n")
    assert study.networks["my_lab_net"].options["width"] == 4
    assert str(tmp_path) in study.plugin_paths


@pytest.mark.parametrize(
    ("given", "text"),
    [(0.5, "0.5"), ("0.50", "0.5"), (0.30, "0.3"), ("1e-1", "0.1"), (0, "0"), ("0.0", "0"), (0.125, "0.125")],
)
def test_a_ratio_has_one_text(given: object, text: str) -> None:
    assert canonical_ratio(given) == text


@pytest.mark.parametrize(
    ("text", "measured", "holds", "excess"),
    [
        ("val_ece_t <= 0.05", 0.05, True, 0.0),
        ("val_ece_t<0.05", 0.05, False, 0.0),
        ("val_ece_t <= 0.05", 0.07, False, 0.02),
        ("val_accuracy >= .9", 0.8, False, 0.1),
        ("parameters <= 200_000", 1000.0, True, -199000.0),
        ("val_accuracy > 0", float("nan"), False, float("nan")),
    ],
)
def test_a_limit_holds_or_says_by_how_much_not(text: str, measured: float, holds: bool, excess: float) -> None:
    limit = parse_limit(text)
    assert limit.holds(measured) is holds
    assert limit.excess(measured) == pytest.approx(excess, nan_ok=True)
    assert (limit.excess(measured) <= 0) is holds  # what Optuna asks: the same answer at the bound of a strict limit


def test_limits_come_back_as_comparisons(tmp_path: Path) -> None:
    study = load(tmp_path, SMALL + "limits: ['val_ece_t<=0.05', 'parameters <= 2e5']\n")
    assert study.limits == ("val_ece_t <= 0.05", "parameters <= 200000")
    assert [limit.value for limit in study.parsed_limits] == [0.05, 200000.0]


def test_a_study_name_is_a_shipped_one_or_a_file() -> None:
    with pytest.raises(BadInput, match="did you mean quickstart"):
        load_study("quickstrat")
    with pytest.raises(BadInput, match="no study file"):
        load_study("nowhere/study.yaml")


def test_a_list_of_corruptions_is_resolved_to_names_and_the_benchmarks_own_is_called_generated(tmp_path: Path) -> None:
    listed = load(tmp_path, SMALL, "evaluation.corruptions=[fog, extra]")
    assert listed.evaluation.corruptions == ["fog", "speckle_noise", "gaussian_blur", "spatter", "saturate"]
    assert load(tmp_path, SMALL, "evaluation.corruptions=[standard]") == load(tmp_path, SMALL), "the same keys"
    for wrong, said in (("[fogg]", "did you mean fog"), ("[]", "or a list"), ("fog", "or a list")):
        with pytest.raises(BadInput, match=rf"evaluation\.corruptions: .*{said}"):
            load(tmp_path, SMALL, f"evaluation.corruptions={wrong}")


def test_a_rule_by_name_that_is_a_share_is_the_share(tmp_path: Path) -> None:
    budgets = "budgets=[0, 1]"
    short = load(tmp_path, SMALL, budgets, "search.early_stopping=0.5")
    assert short.search.early_stopping == 0.5
    assert load(tmp_path, SMALL, budgets, "search.early_stopping={rule: ranks, keep: 0.5}") == short
    with pytest.raises(BadInput, match=r"search\.early_stopping: unknown early-stopping rule 'rank'"):
        load(tmp_path, SMALL, budgets, "search.early_stopping={rule: rank}")
    with pytest.raises(BadInput, match=r"search\.early_stopping: 'half' must be a number"):
        load(tmp_path, SMALL, budgets, "search.early_stopping=half")
