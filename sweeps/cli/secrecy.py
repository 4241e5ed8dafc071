"""The last line of defence: what Python itself prints, tracebacks and log lines, shows no credentials, moves no cursor."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from prune_core.base.addresses import masked
from prune_core.base.plain_text import printable

_VARIABLES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "AWS_ENDPOINT_URL", "http_proxy", "https_proxy")
"""Addresses of the environment, which may hold credentials."""


def hide_credentials() -> None:
    """Mask the tracebacks and the log lines of this process from here on."""
    sys.excepthook = _show
    threading.excepthook = lambda ended: _show(ended.exc_type, ended.exc_value, ended.exc_traceback)
    logging.setLogRecordFactory(_record)


def _without(text: str) -> str:
    return printable(masked(text, *map(os.environ.get, _VARIABLES)))


def _show(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    if not issubclass(kind, SystemExit):  # a thread may end so
        sys.stderr.write(_without("".join(traceback.format_exception(kind, error, where))))


def _record(*arguments: Any, **options: Any) -> logging.LogRecord:
    made = logging.LogRecord(*arguments, **options)
    try:
        text = made.getMessage()
    except (TypeError, ValueError):  # whoever logs says something that does not fit together: logging tells them itself
        return made
    hidden = _without(text)
    if hidden != text:
        made.msg, made.args = hidden, ()
    if isinstance(made.exc_info, tuple) and made.exc_info[0] is not None:
        made.exc_text = _without("".join(traceback.format_exception(*made.exc_info)).rstrip("\n"))
    return made
