"""YAML of study files: merge keys, values that mean two things, and files made to exhaust a machine."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from prune_core.base.errors import BadInput
from sweeps.study.model import Study, load_study, study_from_plain
from sweeps.study.reference import key_lines
from sweeps.study.yaml import parse_yaml, study_text

STUDY = """
name: mine
data: {name: digits, validation: 200, test: 200}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [unstructured]}]
training: {epochs: 1}
ratios: [0.5]
budgets: [0]
seeds: [0]
"""


def load(folder: Path, more: str, *overrides: str, text: str = STUDY) -> Study:
    (folder / "mine.yaml").write_text(text + more, encoding="utf-8")
    return load_study(folder / "mine.yaml", overrides)


def refused(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        parse_yaml(text, "mine.yaml")
    assert "\n" not in str(caught.value) and str(caught.value).startswith("mine.yaml")
    return str(caught.value)


def test_merge_keys_and_a_place_for_them(tmp_path: Path) -> None:
    notes = "x-recipe: &recipe {learning_rate: 0.03, batch_size: 16}\nx-more: &more {momentum: 0.8, batch_size: 64}\n"
    study = load(tmp_path, notes + "fine_tuning: {<<: *recipe, batch_size: 32}\n")
    assert study.fine_tuning["learning_rate"] == 0.03 and study.fine_tuning["batch_size"] == 32
    both = load(tmp_path, notes + "fine_tuning:\n  <<: [*recipe, *more]\n")
    assert (both.fine_tuning["momentum"], both.fine_tuning["batch_size"]) == (0.8, 16)  # the first one counts
    chain = notes + "x-last: &last {<<: *recipe, batch_size: 8}\nfine_tuning: {<<: *last}\ndense: {}\n"
    assert load(tmp_path, chain).fine_tuning["batch_size"] == 8
    assert load(tmp_path, notes + "fine_tuning: {<<: *recipe, batch_size: 32}\n") == study
    assert any(line.startswith("x-NAME ") for line in key_lines())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("x-a: &a {no_such: 1}\nevaluation: {<<: *a}\n", "evaluation: unknown key 'no_such'"),
        ("y-a: 1\n", "unknown key 'y-a'"),
        ("evaluation: {<<: 3}\n", "mapping"),
        ("x-a: &a {seed: 1}\nevaluation: {<<: *a, <<: *a}\n", "the key '<<' is there twice"),
        ("evaluation: {<<: *nowhere}\n", "undefined alias"),
    ],
)
def test_merge_keys_that_are_wrong(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        load(tmp_path, more)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    ["010", "-010", "007", "08", "0_1", "0o17", "0b101", "1:30", "190:20:30", "1:30.5", "0:30", "1_000", "1_000.5", "0x_FF"]
    + ["yes", "No", "ON", "off", "2024-01-01", "2024-01-01T10:00:00Z"],
)
def test_ambiguous_values_name_key_and_line(value: str) -> None:
    for text, key in ((f"a: 1\nb:\n  c: {value}\n", "b.c"), (f"a: 1\n\nb: [0, {value}]\n", "b.1")):
        said = refused(text)
        assert ", line 3, column " in said and f": {key}: {value} " in said and "in quotes" in said
    assert f"the key {value} of b " in refused(f"a: 1\n\nb: {{{value}: 1}}\n")
    assert parse_yaml(f"a: '{value}'", "x") == {"a": value} == parse_yaml(f'a: "{value}"', "x")


def test_what_the_two_readings_are() -> None:
    assert "8 or 10" in refused("seeds: 010")
    assert "as 90" in refused("max_hours: 1:30")


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-3", -3), ("0.5", 0.5), ("1e-3", 0.001), (".5", 0.5), ("1.0e+3", 1000.0), ("0x1F", 31), ("true", True)]
    + [("a_b", "a_b"), ("v1_0", "v1_0"), ("image_folder:/d/1_2", "image_folder:/d/1_2"), ("none", "none"), ("~", None)]
    + [("val_ece_t <= 0.05", "val_ece_t <= 0.05"), ("parameters <= 200_000", "parameters <= 200_000"), ("1.1.0", "1.1.0")]
    + [("yesterday", "yesterday"), ("on-site", "on-site"), ("_", "_"), ("y", "y"), ("10", 10), ("100.0", 100.0)],
)
def test_clear_values_stay_what_they_are(text: str, value: object) -> None:
    assert parse_yaml(f"a: {text}", "x") == {"a": value}


def test_yes_is_clear_where_nothing_but_true_and_false_may_stand(tmp_path: Path) -> None:
    assert load(tmp_path, "demonstration: yes\n").demonstration
    assert load(tmp_path, "", "demonstration=on").demonstration
    for override, said in (("evaluation.images_per_cell=yes", "yes is true or false"), ("seeds=[010]", "8 or 10")):
        with pytest.raises(BadInput, match=said):
            load(tmp_path, "", override)
    with pytest.raises(BadInput, match=r"line 6, column 12: the key no of networks "):
        load(tmp_path, "", text=STUDY.replace("networks: {small_vgg", "\n\nnetworks: {no"))


def test_a_resolved_study_is_read_again_whatever_its_texts_look_like(tmp_path: Path) -> None:
    texts = ["010", "08", "1:30", "0:30", "no", "1e3", "1_000", "2024-01-01", "0o7", "null", "1.5", "<<", "=", "x"]
    study = load(tmp_path, f"tracking: {{tags: {{{', '.join(f'{chr(97 + n)}: {t!r}' for n, t in enumerate(texts))}}}}}\n")
    assert list(study.tracking.tags.values()) == texts
    text = study_text(study.to_plain(), provenance={"commit": "0" * 39 + "1"})
    again = study_from_plain(parse_yaml(text, "study.yaml"), where="study.yaml", folder=tmp_path)
    assert again == study


def test_what_version_0_1_0_wrote_is_read_as_it_was_meant() -> None:
    """It left texts such as 08 without quotes, which no reading of YAML 1.1 takes for a number."""
    old = yaml.safe_dump({"tags": {"a": "08", "b": "0:30", "c": "010"}, "provenance": {"commit": "x"}})
    assert "a: 08" in old
    assert parse_yaml(old, "study.yaml")["tags"] == {"a": "08", "b": "0:30", "c": "010"}


def test_aliases_that_multiply_and_circles() -> None:
    laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    assert "100,000 values" in refused(laughs)
    merges = "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 12))
    assert "100,000 values" in refused(merges)
    assert "inside of what it names" in refused("a: &a [1, *a]")
    assert "inside of what it names" in refused("a: &a {b: *a}")


@pytest.mark.parametrize("text", ["[" * 200_000, "{a: " * 200_000, "- " * 50_000 + "1", "[" * 60 + "]" * 60])
def test_values_nested_too_deeply(text: str) -> None:
    assert "50 lists and mappings inside each other" in refused(text)


def test_files_that_are_too_large_or_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="allowed: up to 4 MB"):
        load(tmp_path, "# " + "x" * 5_000_000)
    assert refused("a: \x00")
    assert refused("a: " + "9" * 5000)
    assert refused("a: 2024-99-99")
