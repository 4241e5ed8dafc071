"""Notebooks without a notebook server: their cells run in this process, and what they show written back into the file.

``python -m documentation.notebook FILE`` runs a notebook from its folder's parent, the repository, and writes the outputs.
"""

from __future__ import annotations

import ast
import base64
import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pandas as pd

Cell = dict[str, Any]


def run_cells(notebook: dict[str, Any]) -> list[list[Cell]]:
    """Run the code cells of a notebook in order, and return the outputs of each: text, tables and figures.

    Args:
        notebook: of the format 4, as JSON says it.
    """
    import matplotlib as mpl

    mpl.use("agg")
    names: dict[str, Any] = {"__name__": "__main__"}
    with pd.option_context("display.width", 140, "display.max_columns", 20):
        return [_outputs("".join(cell["source"]), names) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def write_outputs(path: Path) -> None:
    """Run a notebook and write what its cells show into it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    results = iter(run_cells(notebook))
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            count += 1
            cell["outputs"], cell["execution_count"] = next(results), count
            for output in cell["outputs"]:
                if output["output_type"] == "execute_result":
                    output["execution_count"] = count
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _outputs(source: str, names: dict[str, Any]) -> list[Cell]:
    """Run one cell; the value of its last line is shown, as a notebook shows it."""
    tree = ast.parse(source)
    end = tree.body[-1] if tree.body else None
    last = end if isinstance(end, ast.Expr) else None
    if last is not None:
        tree.body.pop()
    said = io.StringIO()
    with redirect_stdout(said):
        exec(compile(tree, "<cell>", "exec"), names)  # noqa: S102 (a cell is code)
        value = None if last is None else eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)  # noqa: S307
    found: list[Cell] = []
    if said.getvalue():
        found.append({"output_type": "stream", "name": "stdout", "text": said.getvalue().splitlines(keepends=True)})
    if value is not None:
        found.append({"output_type": "execute_result", "metadata": {}, "data": _shown(value), "execution_count": None})
    return found


def _shown(value: Any) -> dict[str, Any]:
    from matplotlib.figure import Figure

    if isinstance(value, Figure):
        drawn = io.BytesIO()
        value.savefig(drawn, format="png", dpi=80, metadata={"Software": None})
        return {"image/png": base64.b64encode(drawn.getvalue()).decode(), "text/plain": [repr(value)]}
    shown = {"text/plain": repr(value).splitlines(keepends=True)}
    html = getattr(value, "_repr_html_", lambda: None)()
    return {"text/html": html.splitlines(keepends=True), **shown} if html else shown


if __name__ == "__main__":
    write_outputs(Path(sys.argv[1]))
