"""The card of an exported network for people: Markdown made of ``card.json``, nothing else, so that both say the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from prune_core.metrics.numbers import cost_text, counted, share_text, three_digits
from prune_core.metrics.quantities import costs_known, title_of
from sweeps.export.card_code import load, prepare
from sweeps.export.card_numbers import difference_text, interval_text, number_text, spread_text
from sweeps.export.choice import spread_columns
from sweeps.front.seed_differences import FINE_TUNING, NOTHING


def card_text(card: Mapping[str, Any]) -> str:
    """Return the Markdown of a card.

    Args:
        card: what ``card.json`` holds. Texts that come from study files and class folders are shown as they stand: no markup
            in them works.
    """
    parts = [
        f"# {escaped(card['title'])}",
        *_notes(card),
        _what(card),
        "## How good it is",
        *_metrics(card),
        "## What it costs",
        _costs(card),
        *_limits(card),
        "## How to load it",
        *_loading(card),
        "## Where it comes from",
        _origin(card),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: object) -> str:
    """Return text that Markdown and HTML show as it stands, on one line."""
    line = " ".join(str(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*\[\]|!#~])", r"\\\1", line).replace("://", "&#58;//")


def _notes(card: Mapping[str, Any]) -> list[str]:
    study = card["study"]
    notes = []
    if study["demonstration"]:
        notes.append("> From a demonstration study: it shows the way, the numbers mean little.")
    if study["select_on"] == "report":
        notes.append("> Chosen on the report images: the numbers below are those it was chosen by, and too good.")
    notes += [f"> The unpruned network is doubtful: {escaped(said)}." for said in card.get("doubts", ())]
    notes += _limit_notes(card)
    candidate = card["candidate"]
    if candidate["collapsed"]:
        images = "report" if study["select_on"] == "report" else "selection"
        why = " It is on a front since nothing smaller is better, not since it is of use." if candidate["on_front"] else ""
        notes.append(
            f"> Collapsed: on the {images} images it has lost {100 * candidate['accuracy_lost']:.0f} points of accuracy "
            f"against its control (mean over seeds).{why}"
        )
    return notes


def _limit_notes(card: Mapping[str, Any]) -> list[str]:
    """What a reader of "met" must know: the file that ships is too large, or the report numbers say otherwise."""
    notes = []
    against = [each["report"] for each in card["limits"] if each["checkpoint"]["met"] and _says_no(each)]
    if against:
        words = "; ".join(f"{escaped(one['says'])}, on {escaped(one['images'])}" for one in against)
        notes.append(f"> Its report numbers miss limits that its selection numbers meet: {words}.")
    for each in card["limits"]:
        large = [f"`{name}` ({card['files'][name]['size_bytes']:,} bytes)" for name, met in each["files"].items() if not met]
        if large:
            notes.append(f"> {' and '.join(large)} {'miss' if len(large) > 1 else 'misses'} {escaped(each['limit'])}.")
    return notes


def _says_no(each: Mapping[str, Any]) -> bool:
    return each["report"] is not None and not each["report"]["met"]


def _what(card: Mapping[str, Any]) -> str:
    network, candidate = card["network"], card["candidate"]
    method = escaped(network["method"])
    done = {
        "baseline": "unpruned, as trained",
        "dense": "a smaller network, trained as it is",
        "scratch": f"the architecture of a network pruned at ratio {network['ratio']:g}, trained from scratch",
        "control": f"unpruned, fine-tuned for {counted(network['budget'], 'epoch')}",
    }.get(
        network["method"],
        f"pruned by {method} at ratio {network['ratio']:g}, fine-tuned for {counted(network['budget'], 'epoch')}",
    )
    where = "It is on the front of the study" if candidate["on_front"] else "It is not on the front of the study"
    frequency = candidate["front_frequency"]
    if frequency is not None:
        where += f" (and in {share_text(frequency)} of the fronts when the seeds are drawn again)"
    return (
        f"{escaped(network['network'])}, {done}, from the study {escaped(card['study']['name'])}. {where}. "
        f"This is the checkpoint of seed {card['checkpoint']['seed']}: {escaped(card['checkpoint']['chosen'])}."
    )


def _metrics(card: Mapping[str, Any]) -> list[str]:
    images, checkpoint, candidate, int8 = card["images"], card["checkpoint"], card["candidate"], card.get("int8")
    heads = ["on the report images", "this checkpoint (float32)", "95 % interval over images"]
    heads += ["the INT8 file", "95 % interval over images"] if int8 else []
    differences = checkpoint["differences"]
    heads += ["this checkpoint minus its control, same seed"] if differences else []
    heads += [f"its candidate over {counted(candidate['seeds'], 'seed')}"]
    rows = []
    for name in spread_columns():
        if name not in checkpoint["metrics"] or name.startswith("val_"):
            continue
        number, interval = number_text(name, checkpoint["metrics"][name]), interval_text(name, checkpoint["intervals"])
        cells = [escaped(title_of(name)), number, interval]
        if int8:
            cells += [number_text(name, int8["metrics"].get(name)), interval_text(name, int8["intervals"])]
        cells += [difference_text(name, differences.get(name))] if differences else []
        rows.append([*cells, spread_text(name, candidate["metrics"].get(name))])
    cells_text = (
        "no corrupted images"
        if images["corruptions"] is None
        else f"mPC and worst corruption: {escaped(images['corruptions'])}, {images['images_per_cell']} images per "
        f"corruption and severity; those of the selection images: {escaped(images['selection_corruptions'])}"
    )
    note = (
        f"{images['report']} report images of {escaped(images['data'])}; {cells_text}; {images['ece_bins']} bins of equal "
        "width. The intervals resample images and speak of this one file; an ECE's interval is around its bias-corrected "
        f"value. The control is the unpruned network, fine-tuned as long. {_of_seeds(candidate)}"
    )
    return [_table(heads, rows), note]


def _of_seeds(candidate: Mapping[str, Any]) -> str:
    differ = candidate.get("seeds_differ_in")
    if differ == NOTHING:
        return "The last column is without a deviation: every seed judged one checkpoint, which came with the study."
    over = "The last column is the mean and the standard deviation over"
    if differ == FINE_TUNING:
        return f"{over} seeds of fine-tuning from one checkpoint: another training of the network may differ by more."
    return f"{over} training seeds: what another training would give, not what this file does."


def _costs(card: Mapping[str, Any]) -> str:
    costs = card["costs"]
    known = [one for one in costs_known() if costs.get(one.name) is not None]
    rows = [[escaped(one.title), cost_text(one, costs[one.name])] for one in known]
    for name, file in card["files"].items():
        latency = file["check"]["host_latency"]
        median, low, high = (three_digits(latency[name]) for name in ("median_ms", "p10_ms", "p90_ms"))
        rows.append(
            [
                f"host latency of `{name}`, one image, one thread",
                f"{median} ms (10 to 90 % of {latency['runs']} runs: {low} to {high}); {escaped(file['check']['runtime'])}",
            ]
        )
    machine = escaped(card["exported_with"]["machine"])
    note = f"Host latency was measured where the export ran ({machine}); it is not the latency of your device."
    return _table(["cost", ""], rows) + "\n\n" + note


def _limits(card: Mapping[str, Any]) -> list[str]:
    if not card["limits"]:
        return ["## Limits", "The study sets none."]
    int8 = {each["limit"]: each for each in card.get("int8", {}).get("limits", [])}
    reported = any(each["report"] is not None for each in card["limits"])
    heads = ["limit", "judged on", "candidate, mean over seeds", "this checkpoint"]
    heads += ["its report numbers"] * reported + ["INT8 file"] * bool(int8)
    rows = []
    for each in card["limits"]:
        row = [escaped(each["limit"]), escaped(each["images"]) or "the network itself"]
        row += [_verdict(each["candidate"]), _of_files(each)]
        row += [_report_verdict(each["report"])] * reported
        rows.append(row + ([_verdict(int8[each["limit"]]["checkpoint"])] if int8 else []))
    return ["## Limits", _table(heads, rows)]


def _of_files(each: Mapping[str, Any]) -> str:
    """The verdict on the checkpoint; of a limit on the file's size that on each file."""
    if len(set(each["files"].values())) < 2:
        return _verdict(each["checkpoint"])
    return ", ".join(f"`{name}` {'met' if met else 'missed'}" for name, met in each["files"].items())


def _report_verdict(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "–"
    return f"{'met' if found['met'] else '**missed**'}: {escaped(found['says'])}, on {escaped(found['images'])}"


def _loading(card: Mapping[str, Any]) -> list[str]:
    given, out = card["input"], card["output"]
    shape = " x ".join(str(size) for size in given["shape"])
    classes = _classes(out["classes"])
    wanted = f"Input: `images`, float32, {shape} ({given['layout']}). Output: `logits`, one per class: {classes}."
    temperature = card["checkpoint"]["metrics"].get("temperature")
    if temperature is not None:
        wanted += f" For the probabilities after temperature scaling divide them by {temperature:.4g} before the softmax"
        int8 = card.get("int8", {}).get("metrics", {}).get("temperature")
        wanted += "." if int8 is None else f", those of the INT8 file by {int8:.4g}."
    parts = [wanted, _code(prepare(given))]
    module = card["network"]["module"]
    for name, file in card["files"].items():
        code = _code(load(name, None if module is None else module["name"]))
        parts += [f"### `{name}`", *_needs(name, module), code, _file(file)]
    return parts


def _needs(name: str, module: Mapping[str, Any] | None) -> list[str]:
    """What has to be beside a file, or that nothing has to, for a network that a module of the user's own builds."""
    if module is None:
        return []
    if not name.endswith(".safetensors"):
        return ["Needs no module: the file holds the whole network."]
    called = escaped(module["name"])
    if not module["files"]:
        return [f"Needs the module `{called}`, which builds the network, where Python finds it; it is not copied here."]
    files = ", ".join(f"`{escaped(file)}`" for file in module["files"])
    return [f"Needs the module `{called}`, which builds the network: {files} beside it, copied from where the study ran."]


def _code(lines: Sequence[str]) -> str:
    return "```python\n" + "\n".join(lines) + "\n```"


def _file(file: Mapping[str, Any]) -> str:
    check = file["check"]
    text = (
        f"{file['size_bytes']:,} bytes, SHA-256 `{file['sha256']}`. Loaded again in a clean process: over {check['images']} "
        f"images the logits differ by at most {check['largest_difference']:.2g} from the network that was judged "
    )
    if file["tolerance"] is None:
        return f"{text}(quantised: {100 * check['same_class']:.1f} % have the same class)."
    share = f"{check['relative_difference']:.1g} of the largest logit, allowed {file['tolerance']:g}"
    return f"{text}({share}; {100 * check['same_class']:.1f} % have the same class)."


def _origin(card: Mapping[str, Any]) -> str:
    study, images, checkpoint = card["study"], card["images"], card["checkpoint"]
    title = f" ({escaped(study['title'])})" if study["title"] else ""
    rows = [
        ["study", f"{escaped(study['name'])}{title}"],
        ["code of the study", f"commit `{escaped(study['commit'])}`" if study["commit"] else "commit not known"],
        ["trial", f"`{escaped(checkpoint['trial'])}`, {counted(card['network']['budget'], 'epoch')} of fine-tuning"],
        ["MLflow run", f"`{escaped(checkpoint['mlflow_run_id'])}`" if checkpoint["mlflow_run_id"] else "none known"],
        [
            "images",
            f"{escaped(images['data'])}: {images['training']} for training, {images['selection']} for selection, "
            f"{images['report']} for the report",
        ],
        ["licence of the images", escaped(images["licence"])],
        ["source of the images", escaped(images["source"])],
        ["checksum of the images", f"`{escaped(images['checksum'])}`"],
        [
            "exported with",
            ", ".join(f"{escaped(name)} {escaped(version)}" for name, version in card["exported_with"]["packages"].items()),
        ],
    ]
    if "int8" in card:
        int8 = card["int8"]
        rows.append(["INT8", f"{escaped(int8['scheme'])}; {int8['calibration_images']} training images"])
    return _table(["", ""], rows)


def _classes(names: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(escaped(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more (see card.json)"


def _verdict(found: Mapping[str, Any]) -> str:
    return "met" if found["met"] else f"missed: {escaped(found['why_not'])}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
