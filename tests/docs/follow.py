"""Does what a reader of the pages does, in one process: runs commands and blocks of code in the folder it is started in.

``python -m tests.docs.follow STEPS.json RESULTS.json``: a list of steps, each ``{kind, text, place, file}``; the results are
the steps with the status of each and what it printed.
"""

from __future__ import annotations

import io
import json
import sys
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from dashboards.cli import PAGES
from documentation.blocks import commands
from sweeps.cli.group import cli, run_cli
from sweeps.study.model import study_from_plain
from sweeps.study.yaml import SHIPPED, read_study_yaml


def follow(step: dict[str, str]) -> int:
    """Do one step and return its status."""
    kind, text = step["kind"], step["text"]
    if kind == "file":
        Path(step["file"]).write_text(text, encoding="utf-8")
    elif kind == "python":
        exec(compile(text, step["place"], "exec"), {"__name__": "__reader__"})
    elif kind == "yaml":
        part = Path("part.yaml")
        part.write_text(text, encoding="utf-8")
        plain = {**read_study_yaml(SHIPPED / "quickstart.yaml"), **read_study_yaml(part)}
        study_from_plain(plain, where=step["place"], folder=Path.cwd())
    else:
        [words] = commands(text)
        words = words[1:]
        if ">" not in words:
            return run_cli(cli, words, pages=PAGES)
        at, kept = words.index(">"), io.StringIO()
        with redirect_stdout(kept):
            status = run_cli(cli, words[:at], pages=PAGES)
        Path(words[at + 1]).write_text(kept.getvalue(), encoding="utf-8")
        return status
    return 0


def main() -> None:
    """Follow the steps of a file."""
    sys.path.insert(0, str(Path.cwd()))
    results: list[dict[str, Any]] = []
    for step in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        said, began = io.StringIO(), time.process_time()
        try:
            with redirect_stdout(said), redirect_stderr(said):
                status = follow(step)
        except Exception:  # noqa: BLE001 (whatever a block raises is its result)
            status = 1
            said.write(traceback.format_exc())
        results.append({**step, "status": status, "said": said.getvalue()[-2000:], "cpu": time.process_time() - began})
    Path(sys.argv[2]).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main()
