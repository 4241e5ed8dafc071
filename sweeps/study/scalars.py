"""Plain values of a study file that YAML 1.1 reads otherwise than people, or than YAML 1.2: refused, not guessed."""

from __future__ import annotations

import re

_WORDS = re.compile(r"(?:yes|no|on|off)", re.IGNORECASE)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_OCTAL, _BINARY = re.compile(r"[-+]?0[oO][0-7_]+"), re.compile(r"[-+]?0[bB][01_]+")
_SIXTIES = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_GROUPED = re.compile(r"[-+]?(?=.*_)(?=.*[0-9])(?:0[xX][0-9a-fA-F_]+|[0-9.][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9_]+)?)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?")


def ambiguity(text: str) -> str | None:
    """Return why a value without quotes is ambiguous and what to write instead, None where it means one thing.

    Args:
        text: as it stands in the file.
    """
    if _WORDS.fullmatch(text):
        return "is true or false in YAML 1.1 and a word in YAML 1.2 (allowed: true or false; or in quotes, for a word)"
    if _LEADING_ZERO.fullmatch(text):
        return f"is octal or decimal{_as_octal(text)} (allowed: a number without leading 0; or in quotes, for text)"
    if _OCTAL.fullmatch(text) or _BINARY.fullmatch(text):
        return "is a number in one YAML and text in another (allowed: a decimal number; or in quotes, for text)"
    if _SIXTIES.fullmatch(text):
        return f"is counted in sixties by YAML 1.1{_in_sixties(text)} (allowed: a decimal number; or in quotes, for text)"
    if _GROUPED.fullmatch(text):
        return "is a number in YAML 1.1 and text in YAML 1.2 (allowed: a number without _; or in quotes, for text)"
    if _DATE.fullmatch(text):
        return "is a date in YAML 1.1 and text in YAML 1.2 (allowed: in quotes, for text)"
    return None


def _as_octal(text: str) -> str:
    digits = text.replace("_", "")
    return "" if set(digits) & set("89") else f", {int(digits, 8)} or {int(digits)}"


def _in_sixties(text: str) -> str:
    value = 0.0
    for part in text.lstrip("+-").replace("_", "").split(":"):
        value = 60 * value + float(part)
    return f", as {value:g}"
