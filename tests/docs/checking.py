"""Checks a command of the docs against the definition of whatever it calls, without running it."""

from __future__ import annotations

import re
from collections.abc import Callable

import click

from dashboards.cli import cli
from documentation.gather import ROOT

MAKE_TARGETS = frozenset(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
ELSEWHERE = frozenset(
    {"sbatch", "docker", "kubectl", "ray", "mlflow", "optuna-dashboard", "sed", "mkdir", "nvidia-smi", "tail"}
)
ELSEWHERE |= {
    "squeue",
    "scancel",
    "sleep",
    "nvidia-smi",
    "tail",
    "eval",
    "umask",
    "git",
    "cd",
    "source",
    "pip",
    "pre-commit",
}
"""Programs that are not ours: the shell's grammar is checked, and files of the repository that they name."""
PLACEHOLDER = re.compile(r"^(\.\.\.|[A-Z][A-Z0-9_.=-]*)$")


def wrong_with(words: list[str]) -> str | None:
    """Return what is wrong with a simple command; None where it is as its definition says."""
    while words and (re.match(r"^[A-Z_]+=", words[0]) or words[0] in ("do", "then", "else")):
        words = words[1:]
    if not words or words[0] in ("for", "while", "if", "done", "fi"):  # the shell's own words
        return None
    name, rest = words[0].removeprefix(".venv/bin/"), words[1:]
    if name == "timeout":
        return wrong_with(rest[1:])
    if re.fullmatch(r"python3?(\.\d+)?", name) and rest[:1] == ["-m"]:
        return _module(rest[1], rest[2:])
    if name in ELSEWHERE or name.startswith("sweeps/clusters/"):
        return next((f"no such file: {word}" for word in words if _ours(word) and not (ROOT / word).exists()), None)
    known: dict[str, Callable[[list[str]], str | None]] = {"make": _make, "prunefront": _prunefront}
    return known[name](rest) if name in known else f"unknown program {name}"


def wrong_in_sentence(said: str) -> str | None:
    """Return what is wrong with ``prunefront SAID``, in which placeholders and dots may stand for arguments."""
    words = said.split()
    if PLACEHOLDER.match(words[0]) or words[0] in ("--version", "--help"):
        return None
    command = cli.commands.get(words[0])
    if command is None:
        return f"no command {words[0]}"
    options = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    given = [word.partition("=")[0] for word in words[1:] if re.match(r"^--?[a-z]", word)]
    return next((f"{words[0]} has no option {word}" for word in given if word not in options), None)


def _prunefront(words: list[str]) -> str | None:
    words = words[: words.index(">")] if ">" in words else words
    command = cli.commands.get(words[0]) if words else None
    if command is None:
        return f"no command {' '.join(words[:1])}"
    context = click.Context(command, info_name=words[0])
    try:
        given, left, _ = command.make_parser(context).parse_args(words[1:])
        for each in command.params:
            value = given.get(str(each.name))
            missing = value is None or each.value_is_missing(value)
            if missing and each.required:
                return f"{words[0]} lacks {each.human_readable_name}"
            if not missing:
                each.type_cast_value(context, value)
    except click.ClickException as error:
        return error.format_message()
    return f"too many arguments: {left}" if left else None


def _make(words: list[str]) -> str | None:
    return next((f"no target {word}" for word in words if "=" not in word and word not in MAKE_TARGETS), None)


def _module(name: str, words: list[str]) -> str | None:
    """Modules of ours that take options by argparse: each option has to stand in the source."""
    if name in ("prunefront", "dashboards"):
        return _prunefront(words)
    if name in ("pytest", "pip", "build", "venv", "http.server"):
        return None
    path = ROOT / name.replace(".", "/")
    file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__main__.py"
    if not file.is_file():
        return f"no module {name}"
    near = ROOT.glob(f"{name.replace('.', '/')}_*.py")
    source = "".join(each.read_text(encoding="utf-8") for each in (file, *near))
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    return next((f"{name} has no option {word}" for word in options if f'"{word}"' not in source), None)


def _ours(word: str) -> bool:
    return word.startswith(("sweeps/", "docs/", "examples/", "benchmarks/"))
