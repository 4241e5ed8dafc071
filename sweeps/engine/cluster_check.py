"""Whether every node of a cluster can do the work, asked before the first trial: one line then, not a failed trial each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prune_core.base.description import FORMAT
from prune_core.base.errors import BadInput
from prune_core.base.files import read_json
from sweeps.folder.paths import DRIVER

if TYPE_CHECKING:
    from sweeps.study.model import Study

ANSWER_SECONDS = 120.0
"""A node that is still starting its first worker then is left alone."""


def check_nodes(out: Path, study: Study) -> None:
    """Ask every node that can run trials whether it has this version and the plugins, and sees the output folder.

    Args:
        out: the output folder, absolute, held by this driver.
        study: whose plugins are asked for.

    Raises:
        BadInput: a node does not; the line names it.
    """
    since = read_json(out / DRIVER)["since"]
    for node, found in _asked(out, since, study).items():
        if found["format"] not in (None, FORMAT):
            raise BadInput(f"node {node}: another version of prunefront there; install the same one on every node")
        if found["missing"]:
            raise BadInput(f"node {node}: cannot import what the study needs ({found['missing']}); install it on every node")
        if not found["sees"]:
            raise BadInput(f"--out {out}: node {node} does not see this folder, or may not write there; give a shared one")


def _asked(out: Path, since: float, study: Study) -> dict[str, dict[str, Any]]:
    """Return what each node answered, by its address; nodes that are lost or slow are left out."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    plugins, paths = list(study.plugins), list(study.plugin_paths)

    def probe(folder: str, holder: str, begun: float) -> dict[str, Any]:  # sent by value: the node may lack our code
        import json
        import os
        from pathlib import Path

        found: dict[str, Any] = {"missing": None, "format": None, "sees": False}
        try:
            from prune_core.base.description import FORMAT

            found["format"] = FORMAT  # first: another version may lack what comes below
            import sweeps.engine.worker  # noqa: F401  (all that a worker needs)
            from prune_core.base.plugins import import_plugins

            import_plugins(plugins, paths)
        except Exception as error:  # noqa: BLE001  (whatever a broken installation raises is what we ask for)
            found["missing"] = f"{type(error).__name__}: {error}"
        try:
            held = json.loads((Path(folder) / holder).read_text(encoding="utf-8"))
            found["sees"] = held["since"] == begun and os.access(folder, os.W_OK)
        except (OSError, ValueError, KeyError, RecursionError):
            found["sees"] = False
        return found

    remote = ray.remote(num_cpus=0, max_retries=0)(probe)
    able = [node for node in ray.nodes() if node["Alive"] and {"CPU", "GPU"} & set(node["Resources"])]
    asked = {}
    for node in able:
        here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        asked[remote.options(scheduling_strategy=here).remote(str(out), DRIVER, since)] = node["NodeManagerAddress"]
    ready, slow = ray.wait(list(asked), num_returns=len(asked), timeout=ANSWER_SECONDS) if asked else ([], [])
    for answer in slow:
        ray.cancel(answer, force=True)
    found = {}
    for answer in ready:
        try:
            found[asked[answer]] = ray.get(answer)
        except ray.exceptions.RayError:
            continue  # the node is lost
    return found
