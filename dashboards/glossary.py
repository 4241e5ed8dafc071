"""The terms of the pages, each with one plain definition: shown in the glossary, and on the spot where a term stands."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

TERMS: dict[str, str] = {
    "accuracy": "share of images whose class is predicted right",
    "baseline": "the trained network before pruning and before any fine-tuning",
    "candidate": "one network, method, pruning ratio and fine-tuning budget; its numbers are means over the seeds",
    "collapsed": "more than 10 points of accuracy below the control: of no use, whatever its other numbers say",
    "control": "the same network fine-tuned for as long and not pruned; every difference is against it, seed by seed",
    "dense ladder": "smaller networks trained as they are, without pruning: what pruning has to beat",
    "ECE": "expected calibration error: how far confidence is from accuracy on average; 0 % is perfect",
    "front": "the candidates that no other dominates: none is as good or better in all that decides, and better in one",
    "interval": "the range that holds the true difference in 95 % of studies like this one",
    "MACs": "multiply-accumulates of one prediction, with every weight multiplied, zeros included",
    "mPC": "mean performance under corruption: accuracy averaged over 15 corruptions at 5 severities",
    "NLL": "negative log-likelihood: how surprised the network is by the right class; lower is better",
    "nonzero MACs": "the MACs without those by weights that are zero: what hardware that skips zeros would do",
    "nonzero parameters": "weights that are not zero; a dense file stores the zeros too",
    "point": "percentage point: from 97 % to 96 % is one point",
    "pruning ratio": "the share asked to go, of weights, filters or channels by method: compare methods at equal cost",
    "report images": "images that decide nothing; the numbers of this page are measured on them unless it says otherwise",
    "rPC": "relative performance under corruption: mPC divided by accuracy",
    "seed": "one independent repetition, from a baseline of its own",
    "selection images": "images that decide: who is on the front, who meets limits, what is recommended",
    "worst corruption": "the corruption with the lowest accuracy, averaged over its severities",
}
_SHOWN = ("nonzero MACs", "nonzero parameters", "worst corruption", "dense ladder", "ECE", "mPC", "rPC", "NLL", "MACs")
"""The terms that are explained where they stand; the longer ones first, since one may hold another."""
_FOUND = re.compile(rf"(?<![\w])({'|'.join(map(re.escape, _SHOWN))})(?![\w])", re.IGNORECASE)
_BY_LETTERS = {name.lower(): name for name in TERMS}


def explained(text: str) -> Markup:
    """Return text as HTML, each term in it once with its definition (``<abbr>``)."""
    seen: set[str] = set()

    def marked(match: re.Match[str]) -> str:
        term = _BY_LETTERS[match[0].lower()]
        if term in seen or (term.isupper() or term[1:2].isupper()) and match[0] != term:
            return match[0]
        seen.add(term)
        return f'<abbr title="{escape(TERMS[term])}">{match[0]}</abbr>'

    return Markup(_FOUND.sub(marked, str(escape(text))))  # noqa: S704  (escaped, and our own tags)
