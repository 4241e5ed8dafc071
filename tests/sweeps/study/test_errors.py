"""Whatever is wrong with a study file becomes one line: which key, what is wrong, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from prune_core.base.errors import BadInput
from sweeps.study.model import load_study

SMALL = """
name: mine
data: {name: digits, validation: 200, test: 200}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [unstructured]}]
ratios: [0.5]
budgets: [0, 2]
seeds: [0]
"""

WRONG = [
    (
        "ratois=[0.5]",
        "unknown key 'ratois'",
        "did you mean ratios?",
        "(allowed: those that `prunefront studies --keys` lists)",
    ),
    ("foo=1", "unknown key 'foo' (allowed: name, title", "plugins", "tracking)"),
    ("data.valdation=3", "data: unknown key 'valdation'", "did you mean validation", "allowed: "),
    ("arms.0.method=[unstructured]", "arms.0: unknown key 'method'", "methods", "allowed: "),
    ("resources.thread=2", "resources: unknown key 'thread'", "threads", "allowed: "),
    ("training.learning_rat=1", "training: unknown key 'learning_rat'", "learning_rate?", "lists)"),
    ("training.learning_rate=-1", "training: learning_rate", "-1", "allowed: "),
    (
        "networks.small_vgg.checkpoint=a.pt",
        "unknown key 'checkpoint'",
        "allowed: name",
        "it belongs in baseline: {checkpoint: ...}",
    ),
    ("networks.small_vgg.baseline=a.pt", "networks.small_vgg.baseline", "must be a mapping", "(allowed: checkpoint, sha256"),
    ("networks={a: {name: mine}}", "unknown network 'mine'", "one of your own needs its module", "plugins: [MODULE]"),
    ("training.schedule=linear", "training: schedule", "linear", "allowed: constant"),
    ("fine_tuning.epochs=3", "fine_tuning: epochs", "budgets", "allowed: "),
    ("networks.small_vgg.baseline={checkpoint: a.pt, sha256: abc}", "baseline.sha256", "'abc'", "allowed: 64 hexadecimal"),
    ("arms.0.round_epochs=2", "arms.0.round_epochs", "one round", "allowed: rounds from 2"),
    ("arms.0.rounds=4", "arms.0.rounds", "after 3 epochs, the longest budget is 2", "allowed: a budget from 3"),
    ("arms.0.scratch=[0.7]", "arms.0.scratch", "0.7", "allowed: 0.5"),
    ("arms.0={methods: [unstructured], scratch: 0.5, rounds: 2}", "arms.0.scratch", "at once", "allowed: rounds: 1"),
    ("arms.0.scratch=0.5", "arms.0.scratch", "as a baseline", "allowed: training.epochs from 1"),
    ("resources.gpus_per_trial=0.5", "resources", "gpus_per_trial is 0.5 with device cpu", "allowed: 0, or device: cuda"),
    ("ratios=[]", "ratios", "empty", "allowed: "),
    ("ratios=[0.5, 0.50]", "ratios", "'0.5'", "twice"),
    ("ratios=[1.0]", "ratios.0", "out of range", "allowed: decimals in [0, 1)"),
    ("ratios=[-0.1]", "ratios.0", "out of range", "allowed: decimals in [0, 1)"),
    ("ratios=[many]", "ratios.0", "'many'", "allowed: decimals in [0, 1)"),
    ("ratios=[.nan]", "ratios.0", "nan", "allowed: decimals in [0, 1)"),
    ("budgets=[]", "budgets", "empty", "allowed: "),
    ("budgets=[-1]", "budgets.0", "-1", "allowed: whole numbers of epochs"),
    ("budgets=[2.5]", "budgets.0", "2.5", "allowed: whole numbers of epochs"),
    ("budgets=[true]", "budgets.0", "True", "allowed: whole numbers of epochs"),
    ("budgets={a: 1}", "budgets", "must be a list", "a"),
    ("seeds=[0, 0]", "seeds", "0", "twice"),
    ('networks={"=cmd()": {name: small_vgg}}', "networks.=cmd()", "=cmd()", "a spreadsheet takes for a formula"),
    ('networks={"\\e[31m": {name: small_vgg}}', "networks.", "31m", "printable characters"),
    ('title="a\\u202eb"', "title", "title", "printable characters"),
    ("seeds=[-1]", "seeds.0", "-1", "allowed: whole numbers from 0"),
    ("name=../up", "name", "../up", "allowed: letters, digits, . _ and -"),
    ("networks={}", "networks", "{} is empty", "allowed: at least one entry"),
    ("arms=[]", "arms", "empty", "allowed: at least one entry"),
    ("evaluation.ece_bins=0", "evaluation.ece_bins", "0 is not allowed", "allowed: numbers from 1"),
    ("resources.cpus_per_trial=0", "resources.cpus_per_trial", "0 is not allowed", "allowed: numbers above 0"),
    ("resources.cpus_per_trial=.inf", "resources.cpus_per_trial", "must be a finite number", "inf"),
    ("resources.threads=1000000", "resources.threads", "1000000 is not allowed", "allowed: numbers up to 1024"),
    ("resources.custom={a100: .inf}", "resources.custom", "custom.a100 is inf", "allowed: fractions up to 1"),
    ("networks.small_vgg.options.width=100000000", "options", "does not fit into the memory", "width=100000000"),
    ("resources.gpus_per_trial=-1", "resources", "gpus_per_trial is -1", "allowed: auto, fractions up to 1"),
    ("resources.gpus_per_trial=.nan", "resources", "gpus_per_trial is nan", "allowed: auto, fractions up to 1"),
    ("dense={all: {name: small_vgg}}", "dense.all", "label is not allowed", "allowed: letters, digits, - _ ."),
    ("tracking.optuna=mine.db", "tracking.optuna", "'mine.db' is no address", "allowed: sqlite:///FILE"),
    ("networks.small_vgg.options.widht=4", "networks.small_vgg.options", "widht", "width"),
    ("networks.small_vgg.options.width=0", "networks.small_vgg.options", "width", "whole numbers from 1"),
    ("networks.small_vgg.options.num_classes=4", "networks.small_vgg.options", "num_classes", "allowed: "),
    ("networks.vgg61={}", "networks.vgg61", "vgg61", "did you mean vgg19 or vgg16"),
    ("networks.all={name: vgg16}", "networks.all", "label", "allowed: "),
    ("dense.small_vgg={}", "dense.small_vgg", "also under networks", "allowed: "),
    ("arms.0.methods=[]", "arms.0.methods", "empty", "allowed: "),
    ("arms.0.methods=[l1_filer]", "arms.0.methods", "l1_filer", "did you mean l1_filter"),
    ("arms.0.networks=[resnet8]", "arms.0.networks", "resnet8", "allowed: all, small_vgg"),
    ("arms.0.options={scoope: global}", "arms.0.options", "scoope", "did you mean scope"),
    ("arms.0.options={scope: galaxy}", "arms.0.options", "galaxy", "allowed: global, layerwise"),
    ("arms.0={methods: l1_filter, options: {layers: [2, 99]}}", "arms.0.options", "99", "are 1 to 3"),
    ("arms.0={methods: l1_filter, options: {layers: vgg16_a}}", "arms.0.options", "vgg16_a", "allowed: all"),
    ("arms.0.ratios=[0]", "arms.0.ratios", "prunes nothing", "allowed: "),
    ("search.early_stopping=1.5", "search.early_stopping", "less than 1", "1.5"),
    ("search={kind: optuna, early_stopping: 0.5}", "search.early_stopping", "within a batch", "allowed: search.batch"),
    ("search.sampler=tep", "search.sampler", "'tep'", "did you mean tpe"),
    ("arms.0.choices={layrs: [all]}", "arms.0.choices", "layrs", "did you mean layers"),
    ("arms.0.choices={layers: [all, [2, 99]]}", "arms.0.choices", "99", "are 1 to 3"),
    ("arms.0.choices={layers: all}", "arms.0.choices.layers", "must be a list", "all"),
    ("arms.0.choices={layers: []}", "arms.0.choices.layers", "[]", "allowed: "),
    ("arms.0.choices={layers: [all, all]}", "arms.0.choices.layers", "'all'", "allowed: different values"),
    ("arms.0={methods: l1_filter, options: {layers: all}, choices: {layers: [all]}}", "arms.0.choices", "options", "one of"),
    ("data.name=minst5k", "data", "minst5k", "did you mean mnist5k"),
    ("data.validation=-3", "data.validation", "-3 is not allowed", "allowed: numbers from 0"),
    ("data.validation=0", "data.validation", "nothing to choose on", "allowed: "),
    ("evaluation.corruptions=offical", "evaluation.corruptions", "'offical'", "allowed: 'none', 'generated', 'official'"),
    ("evaluation.images_per_cell=500", "evaluation.images_per_cell", "500", "allowed: up to 200"),
    ("evaluation.ece_bins=1001", "evaluation.ece_bins", "1001 is not allowed", "allowed: numbers up to 1000"),
    ("evaluation.folder=x", "evaluation.folder", "'generated'", "allowed: "),
    ("evaluation.report_budgets=[1]", "evaluation.report_budgets", "1 is none of", "allowed: 0, 2"),
    ("evaluation={report_budgets: [0], corruptions: none}", "evaluation.report_budgets", "no corruptions", "allowed: "),
    ("objectives=[accuracy, acuracy]", "objectives", "acuracy", "did you mean accuracy"),
    ("objectives=[ece, val_ece]", "objectives", "'ece'", "twice"),
    ("objectives={ece: max}", "objectives", "smaller", "min"),
    ("limits=[ece is small]", "limits.0", "'ece is small'", "allowed: "),
    ("limits=[val_eec <= 1]", "limits.0", "val_eec", "did you mean val_ece"),
    ("limits=[ece_t <= 0.05]", "limits.0", "selection", "allowed: val_ece_t"),
    ("margins={accuracy: -0.1}", "margins", "-0.1", "allowed: numbers from 0"),
    ("margins={acc: 0.1}", "margins", "'acc'", "allowed: "),
    ("primary=[nll]", "primary.0", "'nll'", "allowed: 'accuracy', 'ece', 'mpc'"),
    ("primary=[ece, ece]", "primary", "'ece'", "twice"),
    ("select_on=test", "select_on", "'test'", "allowed: 'validation', 'report'"),
    ("search.kind=bayes", "search.kind", "'bayes'", "allowed: 'grid', 'random', 'optuna'"),
    ("search.learning_rate=[0.1, 0.01]", "search.learning_rate", "no range", "allowed: "),
    (
        "search={kind: random, candidates: 9, learning_rate: [0.01, 0.010001]}",
        "search.learning_rate",
        "too narrow",
        "allowed: ",
    ),
    ("resources.device=gpu", "resources.device", "'gpu'", "allowed: 'cpu', 'cuda'"),
    ("training.precision=tf32", "training.precision", "'tf32' needs a GPU", "allowed with device cpu: fp32, bf16"),
    ("arms.0.fine_tuning={precision: tf32}", "arms.0.fine_tuning.precision", "'tf32'", "allowed with device cpu"),
    ("training.precision=fp16", "training", "'fp16'", "fp32, tf32, bf16"),
    ("resources.threads=1.5", "resources.threads", "whole number", "1.5"),
    ("rule=papers", "rule", "'papers'", "allowed: 'exact', 'paper'"),
    ("plugins=[no_such_module_here]", "plugins", "no_such_module_here", "cannot be imported"),
    ("baseline={checkpoint: nothing.pt}", "checkpoint", "nothing.pt", "allowed: "),
    ("baseline={checkpoint: 'x{seed}.pt', sha256: '" + "0" * 64 + "'}", "sha256", "several", "allowed: "),
    ("data=5", "data", "mapping", "5"),
    ("=3", "--set '=3'", "KEY=VALUE", "allowed"),
    ("seeds", "--set 'seeds'", "KEY=VALUE", "allowed"),
    ("arms.7.ratios=0.5", "arms is a list of 1", "arms.7", "allowed: 0 to 0"),
    ("name.first=x", "--set 'name.first=x'", "name", "no keys of its own"),
    ("seeds=[0", "--set seeds", "line 1", "expected"),
]


@pytest.mark.parametrize(("override", "where", "what", "allowed"), WRONG, ids=[case[0] for case in WRONG])
def test_one_line_says_where_what_and_what_is_allowed(
    tmp_path: Path, override: str, where: str, what: str, allowed: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SMALL, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load_study(path, [override])
    line = str(caught.value)
    assert "\n" not in line
    for part in (where, what, allowed):
        assert part in line, line
    assert override.startswith(("=", "seeds", "arms.7", "name.first")) or line.startswith("mine.yaml: "), line


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("name: mine\nratios: [0.5\n", ["mine.yaml, line 3"]),
        ("name: mine\nname: yours\n", ["mine.yaml, line 2", "'name' is there twice"]),
        ("- a\n- b\n", ["mine.yaml", "mapping"]),
        ("", ["mine.yaml", "mapping"]),
        ("name: !!python/object/apply:os.system [ls]\n", ["mine.yaml", "could not determine a constructor"]),
        ("name: mine\n", ["this key is missing", "and "]),
    ],
)
def test_files_that_are_no_study(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load_study(path)
    line = str(caught.value)
    assert "\n" not in line
    for part in parts:
        assert part in line, line


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(BadInput, match="UTF-8"):
        load_study(path)
