"""Addresses as they may be shown: without who logs in, and without anything secret behind the question mark.

People write addresses with passwords in them, and passwords hold ``@``, ``/``, ``?`` and more, unescaped. No grammar tells
then what belongs to whom, so in doubt more is hidden: all before the last ``@``, and all behind a query's first secret key.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")
_SECRET_KEY = re.compile(r"pass|pwd|token|secret|key|signature|\bsig\b|auth(?!or)|cred|odbc", re.IGNORECASE)
_PAIR = re.compile(r"[?&;#]\s*([^=&;#?]*)=")
_FILES = ("sqlite", "file")
"""Schemes whose third slash begins a path on this machine, in which an ``@`` is an ``@``."""
_OBJECTS = ("s3", "gs")
"""Schemes of object storages: an ``@`` behind the bucket belongs to a name."""
_DATABASES = ("postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle")
"""Schemes that are told apart by who logs in: a name alone, without a password, is no secret there."""
_ANONYMOUS = "gs://anonymous@"
_SHORTEST = 3
"""Characters of a secret that is looked for in a text by itself; shorter ones are in every text."""


def shown(address: str) -> str:
    """Return one whole address as it may be shown."""
    scheme, user, rest = _split(address)
    if user is not None:
        # "?" or "#" before the "@": what is behind it may still belong to the secret
        rest = HIDDEN if re.search(r"[?#]", user) else f"{HIDDEN}@{rest}"
    return scheme + _without_secret_pairs(rest)


def masked(text: str, *known: str | None) -> str:
    """Return a text in which every address is as it may be shown.

    Args:
        text: a message, a traceback, a tag, ...
        known: addresses that the text may speak of, whole or in parts; those with blanks in them are found only so.
    """
    for address in filter(None, known):
        text = text.replace(address, shown(address))
        for secret in sorted(_secrets(address), key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
    return _ADDRESS.sub(lambda match: shown(match[0]), text)


def masked_plain(value: Any) -> Any:
    """Return plain data (mappings, lists, texts, numbers) in which every text is `masked`."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {masked_plain(key): masked_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(masked_plain(each) for each in value)
    return value


def has_credentials(address: str) -> bool:
    """Return whether a whole address holds, or may hold, something to log in with; a database user's name does not count."""
    scheme, user, rest = _split(address)
    if address.startswith(_ANONYMOUS) and "@" not in address.removeprefix(_ANONYMOUS):
        user, rest = None, address.removeprefix(_ANONYMOUS)
    base = scheme.partition("://")[0].partition("+")[0].lower()
    if user is not None and not (base in _DATABASES and re.fullmatch(r"[A-Za-z0-9._%-]+", user)):
        return True
    return _without_secret_pairs(rest) != rest


def speaks_of_credentials(text: str) -> bool:
    """Return whether an address with credentials stands somewhere in a text."""
    return any(has_credentials(found) for found in _ADDRESS.findall(text))


def _split(address: str) -> tuple[str, str | None, str]:
    """Return scheme with its ``://``, who logs in (None where nobody does), and the rest."""
    name, sign, rest = address.partition("://")
    if not sign:
        name, rest = "", address
    scheme, base, at = name + sign, name.partition("+")[0].lower(), rest.rfind("@")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path_only = rest.startswith("/") and (base in _FILES or not sign)
    object_name = base in _OBJECTS and not {":", "@"} & set(authority) and not re.search(r"[?#]", rest[: max(at, 0)])
    if at < 0 or path_only or object_name:
        return scheme, None, rest
    return scheme, rest[:at], rest[at + 1 :]


def _without_secret_pairs(rest: str) -> str:
    found = _first_secret(rest)
    return rest if found is None or rest[found:] == HIDDEN else rest[:found] + HIDDEN


def _first_secret(rest: str) -> int | None:
    """Return where the value of the first secret key begins; an ``&`` behind it may belong to the secret."""
    for pair in _PAIR.finditer(rest):
        if _SECRET_KEY.search(unquote(unquote(pair[1]))):
            return pair.end()
    return None


def _escaped(text: str) -> str:
    return repr(text)[1:-1]


def _secrets(address: str) -> set[str]:
    """Return the parts of an address that must not be shown by themselves, written in all the ways they may come back."""
    scheme, user, rest = _split(address)
    base = scheme.partition("://")[0].partition("+")[0].lower()
    found: list[str] = []
    if user is not None:
        name, _, password = user.partition(":")
        found = [password, user] if password else []
        found += [] if base in _DATABASES else [user, name]
    at = _first_secret(rest)
    if at is not None:
        value = rest[at:]
        found += [value, *re.split("[&;#]", value)[:1]]
    written = {way(each) for each in found for way in (str, unquote, unquote_plus, quote, quote_plus, _escaped)}
    return {each for each in written if len(each) >= _SHORTEST and each != HIDDEN}
