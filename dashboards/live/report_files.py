"""The report of a study beside its live page, from the same server: no file but those of its own folder."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import FileResponse, PlainTextResponse, Response

from sweeps.folder.paths import REPORT_FOLDER

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".csv": "text/csv; charset=utf-8",
}
_HEADERS = {
    # the page names the scripts that it lets run by their digests, in a policy of its own: both policies hold
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def report_file(out: Path, name: str) -> Response:
    """Return a file of the report of a study, or "not found".

    Args:
        out: the study's folder.
        name: a path within the report's folder, as a browser asked for it.
    """
    folder = (out.resolve() / REPORT_FOLDER).resolve()
    path = (folder / name).resolve()
    inside = folder.is_relative_to(out.resolve()) and path.is_relative_to(folder)
    if not inside or not path.is_file() or path.suffix not in _TYPES:
        return PlainTextResponse("no such file in the report", 404, headers=_HEADERS)
    return FileResponse(path, media_type=_TYPES[path.suffix], headers=_HEADERS)
