"""Every block and every command that a page shows has the form that the shell, Python, YAML or the command line asks for."""

from __future__ import annotations

import ast
import subprocess

import pytest
import yaml

from documentation.blocks import LANGUAGES, all_blocks, commands, inline_commands, pages
from documentation.gather import ROOT
from tests.docs.checking import wrong_in_sentence, wrong_with

BLOCKS = all_blocks()


def test_every_block_says_what_it_is() -> None:
    assert [f"{each.page}:{each.line}" for each in BLOCKS if each.language not in LANGUAGES] == []


def test_the_shell_can_read_every_block() -> None:
    functions = [f"block_{place}() {{\n{each.text}}}\n" for place, each in enumerate(BLOCKS) if each.language == "bash"]
    checked = subprocess.run(["bash", "-n"], input="".join(functions), text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_every_command_of_a_block_is_as_its_definition_says() -> None:
    shown = [(each, command) for each in BLOCKS if each.language == "bash" for command in commands(each.text)]
    wrong = {f"{each.page}:{each.line} {' '.join(words)}": wrong_with(list(words)) for each, words in shown}
    assert {place: why for place, why in wrong.items() if why} == {}
    assert len(shown) > 60


def test_every_command_of_a_sentence_is_as_its_definition_says() -> None:
    wrong = {(path.name, said): wrong_in_sentence(said) for path in pages() for said in inline_commands(path)}
    assert {place: why for place, why in wrong.items() if why} == {}


@pytest.mark.parametrize(
    "words, why",
    [
        ("prunefront run", "lacks"),
        ("prunefront runs smoke", "no command runs"),
        ("prunefront plan smoke --sets seeds=[0]", "No such option"),
        ("prunefront evaluate a.pth --data digits --limit many", "many"),
        ("prunefront status a b", "too many"),
        ("make demos", "no target"),
        ("python -m benchmarks.house --late --early", "no option --early"),
        ("sbatch sweeps/clusters/slurm.sh", "no such file"),
        ("prunfront run", "unknown program"),
    ],
)
def test_what_is_wrong_is_found(words: str, why: str) -> None:
    assert why in str(wrong_with(words.split()))


def test_what_is_wrong_in_a_sentence_is_found() -> None:
    assert wrong_in_sentence("run ... --retries") == "run has no option --retries"
    assert wrong_in_sentence("runs DIR") == "no command runs"
    assert wrong_in_sentence("COMMAND --help") is None


def test_python_and_yaml_can_be_read() -> None:
    for each in BLOCKS:
        if each.language == "python":
            ast.parse(each.text, f"{each.page}:{each.line}")
        elif each.language == "yaml":
            assert isinstance(yaml.safe_load(each.text), dict), f"{each.page}:{each.line}"


def test_pages_link_to_files_that_are_there() -> None:
    from documentation.gather import ROOT_PAGES, links

    made = {"reference/study-file.md", "reference/command-line.md", "reference/columns.md", "reference/python.md"}
    made |= set(ROOT_PAGES.values())
    for path in pages():
        for target in links(path.read_text(encoding="utf-8")):
            place = (path.parent / target).resolve()
            inside = place.relative_to(ROOT / "docs").as_posix() if place.is_relative_to(ROOT / "docs") else ""
            assert place.exists() or inside in made, f"{path.name}: {target}"
