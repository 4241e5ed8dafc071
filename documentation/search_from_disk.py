"""The search of the site without a server: from disk a browser neither fetches an index nor starts a worker."""

from __future__ import annotations

import json
from pathlib import Path

SCRIPT = "search.js"
"""The file that the site's own script asks for where a page was opened from disk."""
_WORKER = """
{
  const source = %s, Served = window.Worker;
  window.Worker = class extends Served {
    constructor(url, ...more) {
      super(/search/.test(url) ? URL.createObjectURL(new Blob([source], { type: "text/javascript" })) : url, ...more);
    }
  };
}
"""


def write_search(site: Path) -> None:
    """Write the script that holds index and worker.

    Args:
        site: the built site.

    Raises:
        ValueError: there is not one worker, so that the site's search is made another way by now.
    """
    (worker,) = (site / "assets" / "javascripts" / "workers").glob("search.*.js")
    index = json.loads((site / "search.json").read_text(encoding="utf-8"))
    words = _WORKER % json.dumps(worker.read_text(encoding="utf-8"))
    (site / SCRIPT).write_text(f"var __index = {json.dumps(index)};{words}", encoding="utf-8")
