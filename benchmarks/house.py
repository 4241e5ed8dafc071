"""The house in numbers and as a picture: rooms, circles, late imports, untyped dictionaries.

``python -m benchmarks.house`` counts, ``--graph`` draws the import graph into ``docs/architecture.md``, and ``--late``
lists imports of our own modules inside functions, outside the two seams where they are allowed; ``make imports`` calls it.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("prunefront", "dashboards", "sweeps", "prune_core")
ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- import graph: begin -->", "<!-- import graph: end -->"
SEAMS = ("sweeps.cli", "dashboards.cli", "sweeps.engine.cluster_check", "sweeps.run.sweep", "sweeps.export.check")
"""Where our own modules may be imported inside a function: in commands, so that ``--help`` stays quick; where Ray must not
be imported before its environment is set, or the code runs on a node; where ONNX files are checked without torch."""


@dataclass(frozen=True)
class Import:
    """One import of one of our modules by another."""

    source: str
    target: str
    late: bool


def modules(root: Path) -> dict[str, ast.Module]:
    """Return every module of the packages, parsed, by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(trees: dict[str, ast.Module]) -> Iterator[Import]:
    """Yield every import between our modules, type-only ones included."""
    for source, tree in trees.items():
        for node, late in _nodes(tree, late=False):
            if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                for alias in node.names:
                    target = next((name for name in (f"{node.module}.{alias.name}", node.module) if name in trees), None)
                    if target is not None:
                        yield Import(source, target, late)
            elif isinstance(node, ast.Import):
                yield from (Import(source, alias.name, late) for alias in node.names if alias.name in trees)


def _nodes(node: ast.AST, *, late: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        yield child, late
        yield from _nodes(child, late=late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def room(module: str) -> str:
    """Return the room of a module: package and folder, or the package alone for its public face."""
    return ".".join(module.split(".")[:2])


def circles(edges: set[tuple[str, str]]) -> list[set[str]]:
    """Return the groups of rooms that reach each other: strongly connected components of two or more."""
    reach = {name: {name} for edge in edges for name in edge}
    grown = True
    while grown:
        grown = False
        for source, target in edges:
            if not reach[target] <= reach[source]:
                reach[source] |= reach[target]
                grown = True
    groups = {frozenset(other for other in reach[name] if name in reach[other]) for name in reach}
    return [set(group) for group in groups if len(group) > 1]


def misplaced(found: list[Import]) -> list[Import]:
    """Return the late imports of our own modules outside the seams."""
    return [each for each in found if each.late and not each.source.startswith(SEAMS)]


def shared_keys(trees: dict[str, ast.Module]) -> set[str]:
    """Return the string keys (``row["ece"]``, ``row.get("ece")``) that are read or written in two rooms or more."""
    places: dict[str, set[str]] = defaultdict(set)
    for name, tree in trees.items():
        for node in ast.walk(tree):
            key = None
            if isinstance(node, ast.Subscript):
                key = node.slice
            elif (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args
            ):
                key = node.args[0]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                places[key.value].add(room(name))
    return {key for key, rooms in places.items() if len(rooms) > 1}


def graph_text(edges: set[tuple[str, str]]) -> str:
    """Return the graph between rooms as a Mermaid drawing; an import that another way implies is left out."""
    lines = ["```mermaid", "flowchart TD"]
    for package in PACKAGES:
        rooms = sorted({name for edge in edges for name in edge if name.startswith(f"{package}.")})
        lines += [f"  subgraph {package}", *(f"    {name}[{name.split('.')[1]}]" for name in rooms), "  end"]
    lines += [f"  {source} --> {target}" for source, target in sorted(_reduced(edges))]
    return "\n".join([*lines, "```"])


def _reduced(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Leave out an edge where another way leads to the same room (the graph has no circle)."""
    below: dict[str, set[str]] = defaultdict(set)
    for source, target in edges:
        below[source].add(target)

    def reaches(start: str, goal: str) -> bool:
        return start == goal or any(reaches(each, goal) for each in below[start])

    return {(a, b) for a, b in edges if not any(reaches(other, b) for other in below[a] if other != b)}


def main() -> int:
    """Print, draw or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graph", action="store_true", help="draw the import graph into docs/architecture.md")
    parser.add_argument("--late", action="store_true", help="list misplaced late imports, exit 1 where there are some")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout to count")
    asked = parser.parse_args()
    trees = modules(asked.root)
    found = list(imports(trees))
    edges = {(room(each.source), room(each.target)) for each in found if room(each.source) != room(each.target)}
    edges = {edge for edge in edges if all("." in name for name in edge)}
    if asked.late:
        for each in misplaced(found):
            print(f"{each.source} imports {each.target} inside a function (allowed: in commands and behind the Ray seam)")
        return 1 if misplaced(found) else 0
    if asked.graph:
        page = asked.root / "docs" / "architecture.md"
        text = page.read_text(encoding="utf-8")
        drawn = f"{BEGIN}\n{graph_text(edges)}\n{END}"
        page.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: drawn, text, flags=re.DOTALL), encoding="utf-8")
        return 0
    sizes = Counter(room(name) for name in trees if name.count(".") > 1)
    files = [path for package in PACKAGES for path in (asked.root / package).rglob("*.py")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    lines, untyped = source.count("\n"), len(re.findall(r"(?:[dD]ict|Mapping)\[str, Any\]", source))
    print(f"modules {len(trees)}, lines {lines}, rooms {len(sizes)}; most files in one room: {sizes.most_common(3)}")
    print(f"circles between rooms: {len(circles(edges))}")
    print(f"late imports of our own modules: {sum(each.late for each in found)}, misplaced {len(misplaced(found))}")
    print(f"dict[str, Any] per 1,000 lines: {1000 * untyped / lines:.1f}")
    print(f"string keys used in two rooms or more: {len(shared_keys(trees))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
