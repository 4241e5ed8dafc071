"""The report: one HTML file that opens from disk, asks nothing of a network, and is the same for the same records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from markupsafe import Markup, escape

from dashboards.analysis.answers import Answer, answers
from dashboards.analysis.calibration_and_damage import ACCEPTED_ERROR, Depth, depths, ece_sentences, hurt_sentences
from dashboards.analysis.columns import compared_columns
from dashboards.analysis.control_comparison import control_sentence
from dashboards.analysis.counts import candidates_words, members_sentence
from dashboards.analysis.csv_tables import (
    answer_table,
    candidate_table,
    coverage_table,
    damage_table,
    effect_table,
    equal_cost_table,
    reliability_table,
    trend_table,
    write_tables,
)
from dashboards.analysis.decision import Decision, decide, named
from dashboards.analysis.dense_ladder import has_ladder
from dashboards.analysis.effects import Effect, confounded, effect_rows, effects
from dashboards.analysis.equal_cost import equal_cost
from dashboards.analysis.flipped_images import Flips, flipped_sentences, flipped_table, flips
from dashboards.analysis.from_scratch import against_scratch
from dashboards.analysis.kept_logits import away_sentence, damaged_sentences
from dashboards.analysis.learning import learning_curves
from dashboards.analysis.limits import decided_on
from dashboards.analysis.margins import against_margins
from dashboards.analysis.membership_text import frequency_sentences
from dashboards.analysis.per_seed import with_images
from dashboards.analysis.points import Points, candidate_points
from dashboards.analysis.provenance import claims_paper, deviations, run_facts
from dashboards.analysis.ratio_panels import ratio_figures
from dashboards.analysis.temperature_scaling import fitted_words, scaling_head, scaling_rows, scaling_table
from dashboards.analysis.trends import Trend, trend_sentences, trends
from dashboards.figures.catalogue import Drawn, all_figures, depth_figures, learning_drawn
from dashboards.figures.front.data import candidate_columns
from dashboards.figures.front.interactive import hovers
from dashboards.figures.palette import order
from dashboards.reading.run_pages import run_pages
from dashboards.reading.study_folder import StudyFolder, read_study_folder
from dashboards.report.environment import environment_of, json_for_script
from dashboards.report.parts import (
    class_rows,
    failures,
    flat,
    front_words,
    listed_columns,
    seed_count,
    selective_rows,
    shown_at_first,
    shown_columns,
    status_counts,
    table_rows,
)
from prune_core.base.errors import BadInput
from prune_core.base.files import replacing
from prune_core.base.garbage import rare_collections
from prune_core.base.kinds import NEVER_FINE_TUNED, REFERENCES
from sweeps.folder.paths import FIGURES, REPORT_FOLDER, REPORT_PAGE, REPORT_TABLES
from sweeps.front.claim_levels import DECIDABLE
from sweeps.front.doubts import baseline_doubts
from sweeps.records.checkpoints import one_checkpoint_line


def build_report(out: Path, *, print_figures: bool = True, tell: Callable[[str], None] | None = None) -> Path:
    """Write ``report/index.html``, ``report/figures/`` and ``report/tables/`` from what is in a study's folder.

    Works at any time: without a record, while the sweep runs, with failures only.

    Args:
        out: the study's folder.
        print_figures: also write the figures as PNG and SVG, which takes most of the time.
        tell: called with a line for each file that is damaged, and therefore left out.

    Returns:
        The path of the page.

    Raises:
        BadInput: the folder is no study's, its files cannot be read, or its report is a link to somewhere else.
    """
    study = read_study_folder(Path(out))
    folder = _own_folder(study.path)
    with study.columns_known(), rare_collections():
        return _build(study, folder, print_figures=print_figures, tell=tell)


def _build(study: StudyFolder, folder: Path, *, print_figures: bool, tell: Callable[[str], None] | None) -> Path:
    points = candidate_points(study)
    paper = folder / FIGURES if print_figures else None
    chosen, driving, sloping = answers(study, points), effects(study), trends(study)
    damaged = damaged_sentences(study, [answer.row for answer in chosen if answer.row is not None])
    say = tell if tell is not None else (lambda _: None)
    for line in damaged:
        say(f"warning: {study.path}: {line}")
    found = depths(study, [answer.row for answer in chosen if answer.row is not None])
    flipped = flips(study, [answer.row for answer in chosen if answer.row is not None])
    decision = decide(study, points, chosen)
    figures = [*all_figures(points, paper, named(decision)), *depth_figures(found, points, paper)]
    figures += learning_drawn(learning_curves(study, points, [card.row for card in decision.cards]))
    tables = {
        "candidates": candidate_table(points),
        "answers": answer_table(chosen),
        "effects": effect_table(driving),
        "trends": trend_table(sloping),
        "equal-cost": equal_cost_table(equal_cost(study, points)),
        "reliability": reliability_table(found),
        "damage": damage_table(found),
        "coverage": coverage_table(found),
        "flipped": flipped_table(flipped),
        "scaling": scaling_table(study, [answer.row for answer in chosen if answer.row is not None]),
    }
    write_tables(folder / REPORT_TABLES, tables)
    page = render(study, points, figures, Findings(chosen, driving, sloping, found, flipped, damaged, decision))
    if paper is not None:
        _remove_others(paper, [file for figure in figures for file in figure.files])
    with replacing(folder / REPORT_PAGE) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return folder / REPORT_PAGE


def _own_folder(out: Path) -> Path:
    """Return where the report goes; a folder that somebody sent may hold links that lead what is replaced elsewhere."""
    folder = out / REPORT_FOLDER
    for each in (folder, folder / FIGURES, folder / REPORT_TABLES):
        if each.is_symlink():
            raise BadInput(f"{each}: is a link (a report stays in the study's folder: remove the link)")
    return folder


def _remove_others(folder: Path, written: list[Path]) -> None:
    """Remove the figures of an earlier report that this one does not have: an old number beside a new page misleads."""
    for path in folder.glob("*.*"):
        if path not in written and path.suffix in (".png", ".svg") and path.is_file():
            path.unlink()


@dataclass(frozen=True)
class Findings:
    """What was computed for the tables, and is shown on the page too."""

    answers: Sequence[Answer]
    effects: list[Effect]
    trends: list[Trend]
    depths: list[Depth]
    flips: list[Flips]
    damaged: list[str]
    decision: Decision


def render(
    study: StudyFolder,
    points: Points,
    figures: list[Drawn],
    computed: Findings,
) -> str:
    """Return the page as text."""
    from plotly.offline import get_plotlyjs

    environment = environment_of()
    chosen, found = computed.answers, computed.depths
    return environment.get_template("report.html").render(
        study=study,
        points=points,
        figures=figures,
        answers=chosen,
        decision=computed.decision,
        classes=class_rows(found),
        selective=selective_rows(found),
        accepted=ACCEPTED_ERROR,
        ladder=has_ladder(points),
        margins=against_margins(study, points),
        effects=effect_rows(computed.effects),
        confounded=confounded(study.records),
        paper=claims_paper(study),
        deviations=deviations(study),
        trends=trend_sentences(study, computed.trends),
        equal=equal_cost(study, points),
        frequency=frequency_sentences(study, points),
        scaling=scaling_rows(study, [answer.row for answer in chosen if answer.row is not None]),
        scaling_head=scaling_head,
        scaling_fitted_on=fitted_words(study),
        with_images=with_images(study),
        doubts=baseline_doubts(study.records, study.limits, study.classes, study.select_on),
        one_checkpoint_line=one_checkpoint_line(study.records),
        hurt=[*ece_sentences(found), *hurt_sentences(found)],
        damaged=computed.damaged,
        away=away_sentence(study, [answer.row for answer in chosen if answer.row is not None]),
        flipped=flipped_sentences(computed.flips),
        scratch=against_scratch(study, points, tuple(compared_columns())),
        methods=order(set(points.complete["method"]) - set(REFERENCES)),
        always=NEVER_FINE_TUNED,
        beats=control_sentence(study, points),
        rows=table_rows(points),
        shown_at_first=lambda row: shown_at_first(points, row, named(computed.decision)),
        front_words=lambda row: front_words(points, row),
        members=members_sentence(points),
        totals=candidates_words(points),
        chosen_columns=shown_columns(points),
        all_columns=listed_columns(points),
        counts=status_counts(study.records),
        failures=failures(study.records),
        data=page_data(points, figures, run_pages(study)),
        plotly=Markup(get_plotlyjs()),  # noqa: S704  (plotly's own script)
        script=Markup(environment.get_template("page.js").render()),  # noqa: S704  (our own script)
        seeds=seed_count(points)[0],
        most_seeds=seed_count(points)[1],
        decidable=DECIDABLE,
        study_file=escape(
            yaml.safe_dump({k: v for k, v in study.plain.items() if k != "provenance"}, sort_keys=False, allow_unicode=True)
        ),
        columns=points.columns,
        limits=", ".join(map(str, study.limits)),
        decided_on=decided_on(study),
        command="prunefront run study.yaml --out ../again",
        provenance=flat(study.plain.get("provenance", {})),
        how=run_facts(study),
        headings={which.name: which.section for which in ratio_figures()},
        budgets=sorted({int(budget) for budget in points.complete["budget"]}),
    )


def page_data(points: Points, figures: list[Drawn], mlflow: str = "") -> Markup:
    """Return the figures, and what they share by the places of the candidates, for the page's script.

    Args:
        points: the candidates.
        figures: the page's.
        mlflow: what a run's page begins with, its id follows; empty where there is none.
    """
    drawn = {figure.name: figure.figure for figure in figures}
    found = {"hover": hovers(points), "candidates": candidate_columns(points), "figures": drawn}
    return json_for_script(found | ({"mlflow": mlflow} if mlflow else {}))
