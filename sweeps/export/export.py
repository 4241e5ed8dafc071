"""From the front to the device: each network of the front as files, proven by loading them again, with a card."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from prune_core.base.errors import BadInput, Diverged
from prune_core.base.files import write_atomically, write_json
from prune_core.base.store import file_sha256
from prune_core.base.trial_folder import DESCRIPTION, REPORT, SELECTION, WEIGHTS
from prune_core.networks import architecture_of
from prune_core.networks.defining_module import defining_module
from prune_core.pruning import load_network
from prune_core.pruning.normalisation import INPUT_KEY
from prune_core.training import prepare_runtime
from prune_core.trial.data import TrialData, load_trial_data
from prune_core.trial.description import TrialDescription
from prune_core.trial.file_header import CLASSES_KEY, file_header
from sweeps.export.card import card_text
from sweeps.export.check import TOLERANCE
from sweeps.export.choice import Choice, choices, open_study
from sweeps.export.facts import SIZE, card_facts, int8_facts, limit_facts, record_of
from sweeps.export.files import FILES, INT8, check_formats, exported, write_onnx, write_program, write_safetensors
from sweeps.export.folder import CARD, README, check_target, models_folder, whole_folder
from sweeps.export.int8 import CALIBRATION_IMAGES, calibration_images, judge_onnx, write_int8
from sweeps.export.module import copy_module, remove_copies
from sweeps.export.proof import ExportFailed, checked, first_line, sample_of
from sweeps.folder.paths import STUDY
from sweeps.front.doubts import baseline_doubts
from sweeps.storage.files import bring_back
from sweeps.study.model import Study
from sweeps.study.trust import Confirm, require_trust
from sweeps.study.yaml import read_study_yaml

__all__ = ["ExportFailed", "Wanted", "export_study"]


@dataclass(frozen=True)
class Wanted:
    """What is made of each network: formats, and whether INT8 too."""

    formats: tuple[str, ...] = tuple(FILES)
    int8: bool = False


def export_study(
    out: Path,
    *,
    picks: Sequence[str] = (),
    wanted: Wanted | None = None,
    say: Callable[[str], None] | None = None,
    confirm: Confirm = require_trust,
) -> list[Path]:
    """Export the networks of a study's front, each into ``out/models/<name>/``.

    Each folder appears whole or not at all, and replaces what an earlier export left under its name.

    Args:
        out: the study's output folder.
        picks: names of candidates or keys of trials; none means the front.
        wanted: formats; all of float32 by default.
        say: told one line per network.
        confirm: asked before the study's plugins are imported.

    Returns:
        The folders.

    Raises:
        BadInput: no study, no front, an unknown pick, weights that are gone, packages that are missing, or what every
            network lacks (the images).
        ExportFailed: networks whose weights cannot be read, or whose files could not be made or failed their check; the
            others are exported. Its arguments are a line for each.
    """
    wanted = wanted or Wanted()
    check_formats(wanted.formats, int8=wanted.int8)
    study, records = open_study(out, confirm)
    failed: list[str] = []
    chosen = choices(out, study, records, picks, gone=failed.append)
    models = models_folder(out)
    for choice in chosen:
        check_target(models / choice.name)
    commit = (read_study_yaml(out / STUDY).get("provenance") or {}).get("commit")
    done: list[Path] = []
    refused: list[BadInput] = []
    for choice in chosen:
        try:
            with whole_folder(models, choice.name) as folder:
                line = _export_one(study, commit, choice, folder, wanted, records)
        except (ExportFailed, Diverged, BadInput) as error:
            failed.append(f"{choice.name}: {error}")
            refused += [error] if isinstance(error, BadInput) else []
            continue
        done.append(models / choice.name)
        if say is not None:
            say(f"{models / choice.name}: {line}")
    if len(refused) == len(chosen) and len({str(error) for error in refused}) == 1:
        raise refused[0]
    if failed:
        raise ExportFailed(*failed)
    return done


def _export_one(
    study: Study, commit: str | None, choice: Choice, folder: Path, wanted: Wanted, records: pd.DataFrame
) -> str:
    bring_back(choice.folder, (WEIGHTS, SELECTION, REPORT))
    described = _described(choice)
    data = load_trial_data(described.baseline, None)
    prepare_runtime(threads=1)
    network = load_network(choice.folder / WEIGHTS).eval()
    facts = card_facts(study, commit, choice, data, described.evaluation)
    own = records[records["network"].eq(choice.record["network"])]
    classes = len(data.dataset.classes)
    facts["doubts"] = [said for _, said in baseline_doubts(own, study.parsed_limits, classes, study.select_on)]
    names = _write_files(network, folder, wanted, data, _header(facts))
    sample, kept = sample_of(network, choice, data)
    checks, module = _proved(study, architecture_of(network).name, folder, names, sample)
    card = {
        **facts,
        "network": {**facts["network"], "module": module},
        "files": {name: _file_facts(folder / name, checks[name]) for name in names},
        "kept_logits": kept,
    }
    sizes = {name: card["files"][name]["size_bytes"] for name in names if name != INT8}
    card["limits"] = limit_facts(study, choice, record_of(choice), sizes)
    if FILES["safetensors"] in sizes:
        card["costs"] = {**card["costs"], SIZE: sizes[FILES["safetensors"]]}
    if wanted.int8:
        selection, report = judge_onnx(folder / INT8, data, described.evaluation)
        costs = {**facts["costs"], "size_bytes": (folder / INT8).stat().st_size}
        calibration = min(CALIBRATION_IMAGES, len(data.split.train.labels))
        card["int8"] = int8_facts(selection, report, study, calibration, costs)
    write_json(folder / CARD, card)
    write_atomically(folder / README, lambda path: path.write_text(card_text(card), encoding="utf-8"))
    return _line(card)


def _proved(
    study: Study, network: str, folder: Path, names: Sequence[str], sample: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return what the files do in a clean process, and the module beside them that builds the network.

    The copy of the module counts when the file loads with it alone; otherwise it is removed, and the module is taken from
    where the study has it.
    """
    built_by = defining_module(network)
    if built_by is None:
        return checked(folder, names, sample), None
    said = {"name": built_by.name, "code": dict(built_by.code)}
    copies = copy_module(built_by, folder, study.plugin_paths) if FILES["safetensors"] in names else []
    if copies:
        try:
            return checked(folder, names, sample, [built_by.name], [str(folder.resolve())]), {**said, "files": copies}
        except ExportFailed:
            remove_copies(folder, copies)
    return checked(folder, names, sample, study.plugins, study.plugin_paths), {**said, "files": []}


def _described(choice: Choice) -> TrialDescription:
    try:
        return TrialDescription.read(choice.trial)
    except (OSError, BadInput) as error:
        raise BadInput(f"{choice.trial / DESCRIPTION}: cannot be read ({first_line(error)}); run the study again") from None


def _header(facts: Mapping[str, Any]) -> dict[str, str]:
    """What the files say about themselves, in their own headers."""
    return {
        "study": facts["study"]["name"],
        "name": facts["title"],
        "trial": facts["checkpoint"]["trial"],
        INPUT_KEY: json.dumps(facts["input"]),
        CLASSES_KEY: json.dumps(facts["output"]["classes"]),
    }


def _write_files(
    network: torch.nn.Module, folder: Path, wanted: Wanted, data: TrialData, header: Mapping[str, str]
) -> list[str]:
    """Write every wanted file and return their names in the order of the card."""
    try:
        if "safetensors" in wanted.formats:
            write_safetensors(network, folder / FILES["safetensors"], file_header(data))
        if wanted.int8 or set(wanted.formats) & {"pt2", "onnx"}:
            _write_program(exported(network, data.input_shape), folder, wanted, data, header)
    except (BadInput, OSError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise ExportFailed(f"cannot be exported ({type(error).__name__}: {first_line(error)})") from error
    if "onnx" not in wanted.formats:
        (folder / FILES["onnx"]).unlink(missing_ok=True)
    return [*(FILES[name] for name in FILES if name in wanted.formats), *([INT8] if wanted.int8 else [])]


def _write_program(
    program: torch.export.ExportedProgram, folder: Path, wanted: Wanted, data: TrialData, header: Mapping[str, str]
) -> None:
    """Write what is made of the program; INT8 is made of the ONNX file, which may not be wanted itself."""
    if "pt2" in wanted.formats:
        write_program(program, folder / FILES["pt2"])
    if "onnx" in wanted.formats or wanted.int8:
        write_onnx(program, folder / FILES["onnx"], header)
    if wanted.int8:
        write_int8(folder / FILES["onnx"], folder / INT8, calibration_images(data))


def _file_facts(path: Path, check: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "size_bytes": path.stat().st_size,
        "sha256": file_sha256(path),
        "tolerance": None if path.name == INT8 else TOLERANCE,
        "check": dict(check),
    }


def _line(card: Mapping[str, Any]) -> str:
    accuracy = card["checkpoint"]["metrics"].get("accuracy")
    text = ", ".join(card["files"]) + f"; seed {card['checkpoint']['seed']}"
    text += f", accuracy {100 * accuracy:.1f} %" if accuracy is not None else ""
    missed = [each["limit"] for each in card["limits"] if not each["checkpoint"]["met"] or not all(each["files"].values())]
    contradicted = [each["limit"] for each in card["limits"] if each["report"] is not None and not each["report"]["met"]]
    if card["limits"]:
        text += f", misses {' and '.join(missed)}" if missed else ", within the limits"
        text += f" (by its report numbers not {' and '.join(contradicted)})" if contradicted and not missed else ""
    if "int8" in card and "accuracy" in card["int8"]["metrics"]:
        text += f" (INT8 {100 * card['int8']['metrics']['accuracy']:.1f} %)"
    return text
