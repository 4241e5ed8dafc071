"""The reference pages that are made from the code: study file, command line, columns; nothing is written twice."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from dashboards.cli import cli
from sweeps.study.reference import column_rows, key_rows
from sweeps.study.shipped import study_lines

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 100


def study_file_page() -> str:
    """Return every key of a study file: meaning, default, and the names that ship."""
    rows = (
        (f"`{path}`", meaning, f"`{default}`" if default else "", ", ".join(f"`{name}`" for name in names))
        for path, meaning, default, names in key_rows()
    )
    return _page(
        "Study file",
        "Made from the model that checks study files; `prunefront studies --keys` prints the same, and "
        "`prunefront studies STUDY --keys` also what the plugins of a study add. `LABEL` stands for a name of yours, `N` "
        "for a position from 0; `training` and `fine_tuning` take the same keys wherever they stand. The studies that ship, "
        "each a start for one of your own (`prunefront studies NAME`):",
        "",
        *_block(study_lines()),
        *_table(("key", "meaning", "default", "names that ship"), rows),
    )


def columns_page() -> str:
    """Return every column of a record."""
    rows = ((f"`{column}`", *said.partition(": ")[::2]) for column, said in column_rows())
    return _page(
        "Columns",
        "The metrics and costs of `records.parquet` and `records.csv`, one row per trial and budget; made from the "
        "registries. `delta_NAME` is the difference to the control of the same seed and budget, in `front.csv` `NAME_std` "
        "the standard deviation over the seeds. A metric of yours adds its own ([how](../guides/own-metric.md)).",
        "",
        *_table(("column", "what it is", "better side; images; who may name it"), rows),
    )


def command_line_page() -> str:
    """Return every command with its arguments and options."""
    lines = [
        "Made from the definition of the command; `prunefront COMMAND --help` says the same. Exit statuses: 0 done, 1 the "
        "work or a trial failed, 2 the call or a file it names is wrong (one line on stderr says what), 130 interrupted.",
        "",
    ]
    for name, command in sorted(cli.commands.items()):
        context = click.Context(command, info_name=f"prunefront {name}", max_content_width=WIDTH)
        usage = " ".join(command.collect_usage_pieces(context))
        lines += [f"## {name}", "", *_block([f"prunefront {name} {usage}"]), *_paragraphs(command.help or ""), ""]
        rows = [record for one in command.get_params(context) if (record := one.get_help_record(context)) and record[1]]
        lines += _table(("option", "meaning"), ((f"`{left}`", right) for left, right in rows))
    return _page("Command line", *lines)


def benchmarks_page() -> str:
    """Return what each benchmark measures, from the first line of its module, and the command that repeats it."""
    rows = []
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        if '__name__ == "__main__"' in source:
            said = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
            rows.append((f"`python -m benchmarks.{path.stem}`", said))
    return _page(
        "What is measured, and how",
        "Every number in these pages comes from one of these commands; `--help`, or the head of the file, says what each "
        "takes. Made from the code.",
        "",
        *_table(("command", "what it measures"), rows),
    )


def _page(title: str, *lines: str) -> str:
    return "\n".join([f"# {title}", "", *lines]).rstrip() + "\n"


def _block(lines: Iterable[str]) -> list[str]:
    return ["```text", *lines, "```", ""]


def _paragraphs(text: str) -> Iterator[str]:
    yield from (line.strip().replace("\b", "") for line in text.splitlines())


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for row in rows:
        yield f"| {' | '.join(_cell(text) for text in row)} |"
    yield ""


def _cell(text: str) -> str:
    """Return text that stands in a cell as it is: no column ends, no tags."""
    parts = " ".join(text.split()).replace("|", "\\|").split("`")
    return "`".join(part if place % 2 else part.replace("<", "&lt;") for place, part in enumerate(parts))
