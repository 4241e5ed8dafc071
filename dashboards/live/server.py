"""The live page: the sweep as it runs, served from the study's files on loopback.

Starlette and uvicorn: MLflow brings both anyway, and one page that polls two JSON documents needs no more.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboards.analysis.points import candidate_points
from dashboards.figures.catalogue import live_drawn
from dashboards.live.report_files import report_file
from dashboards.reading.live_state import live_state
from dashboards.reading.live_trials import LiveTrials, live_trials
from dashboards.reading.study_folder import StudyFolder, read_study_folder
from dashboards.report.environment import environment_of
from dashboards.report.report import page_data
from prune_core.base.errors import BadInput
from sweeps.folder.paths import REPORT_PAGE
from sweeps.search.live_table import newest

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
FRESH_SECONDS = 2.0
REST = 9.0
"""Figures are drawn a tenth of the time at most: they rest this many times as long as the last drawing took."""
_LOG_LETTERS = 20_000
"""Of a log, the end is shown: a traceback says last what it is about."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class LiveStudy:
    """A study's folder, read again when something in it changed, and never by two requests at once.

    Drawing a large study takes seconds of a processor that its trials want: what took long is done the more seldom.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._looking, self._drawing = threading.Lock(), threading.Lock()
        self._state: tuple[float, dict[str, Any]] = (-FRESH_SECONDS, {})
        self._version: tuple[int, int] | None = None
        self._not_before = 0.0
        self._trials: LiveTrials | None = None
        self._figures = "{}"

    def state(self) -> dict[str, Any]:
        """Return the state, at most two seconds old, with the version of the figures that are to be had now."""
        with self._looking:
            if time.monotonic() - self._state[0] >= FRESH_SECONDS:
                version = self._version if self._version and time.monotonic() < self._not_before else newest(self._out)
                self._trials = live_trials(self._out)
                state = live_state(self._out, self._trials) | {"version": "-".join(map(str, version))}
                self._state = (time.monotonic(), state)
            return self._state[1]

    def trials(self) -> list[dict[str, Any]]:
        """Return every trial as a line of a table, as they were when the state was read."""
        self.state()
        return self._trials.rows() if self._trials is not None else []

    def log(self, key: str) -> str | None:
        """Return what a trial left for who wants to know why it failed; None where it left nothing."""
        self.state()
        found = next((one for one in (self._trials.trials if self._trials is not None else []) if one.key == key), None)
        if found is None or not found.log:
            return None
        return (found.folder / found.log).read_text(encoding="utf-8", errors="replace")[-_LOG_LETTERS:]

    def figures(self) -> str:
        """Return the figures as JSON, drawn again when a trial wrote a result."""
        with self._drawing:
            start = time.monotonic()
            if self._version is None or start >= self._not_before:
                version = newest(self._out)
                if version != self._version:
                    study = read_study_folder(self._out)
                    with study.columns_known():
                        points = candidate_points(study)
                        self._figures = str(page_data(points, live_drawn(points)))
                    self._version = version
                    now = time.monotonic()
                    self._not_before = now + REST * (now - start)
            return self._figures


def live_app(out: Path, *, token: str, hosts: Sequence[str] = LOOPBACK_HOSTS) -> Starlette:
    """Return the web application of a study's folder.

    Args:
        out: the folder.
        token: what a visitor must bring (``/?token=...``, kept as a cookie): loopback is open to every user of the machine.
        hosts: names by which the page may be asked for; a foreign one is another site's attempt to read it.

    Raises:
        BadInput: the folder is no study's.
        ValueError: an empty token, which everybody has.
    """
    if not token:
        raise ValueError("the live page needs a token")
    study = read_study_folder(out)
    live = LiveStudy(out)
    # Cookies are shared by all ports of a host: each token has its own, or two dashboards would sign each other out.
    cookie = f"prunefront_{hashlib.sha256(token.encode()).hexdigest()[:12]}"

    async def page(request: Request) -> Response:
        if "token" in request.query_params:
            # Kept as a cookie, so that it stays out of the address bar, of bookmarks and of screenshots.
            response: Response = RedirectResponse(".", status_code=303, headers=_HEADERS)
            response.set_cookie(cookie, token, httponly=True, samesite="strict")
            return response
        return HTMLResponse(_page(study), headers=_HEADERS)

    async def state(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(live.state), headers=_HEADERS)

    async def figures(request: Request) -> Response:
        try:
            text = await run_in_threadpool(live.figures)
        except BadInput as error:
            return PlainTextResponse(str(error), status_code=503, headers=_HEADERS)
        return Response(text, media_type="application/json", headers=_HEADERS)

    async def trials(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(live.trials), headers=_HEADERS)

    async def log(request: Request) -> Response:
        text = await run_in_threadpool(live.log, request.path_params["key"])
        return PlainTextResponse(text or "", 200 if text else 404, headers=_HEADERS)

    async def report(request: Request) -> Response:
        return await run_in_threadpool(report_file, out, request.path_params["path"] or REPORT_PAGE)

    async def script(request: Request) -> Response:
        text = await run_in_threadpool(_script, request.path_params["name"])
        return Response(text, media_type="text/javascript", headers=_HEADERS) if text else Response(status_code=404)

    async def icon(request: Request) -> Response:
        # Browsers ask by themselves where a page names no icon, such as a figure opened on its own: that is no error.
        return Response(status_code=204, headers=_HEADERS)

    def guarded(endpoint: Any) -> Any:
        async def checked(request: Request) -> Response:
            brought = request.query_params.get("token") or request.cookies.get(cookie) or ""
            if not hmac.compare_digest(brought.encode(), token.encode()):
                return PlainTextResponse("open this page with the address that the command printed", 403, headers=_HEADERS)
            response: Response = await endpoint(request)
            return response

        return checked

    pages = {
        "/": page,
        "/state.json": state,
        "/trials.json": trials,
        "/figures.json": figures,
        "/log/{key}": log,
        "/report/{path:path}": report,
        "/script/{name}": script,
        "/favicon.ico": icon,
    }
    return Starlette(
        routes=[Route(path, guarded(endpoint)) for path, endpoint in pages.items()],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )


def _page(study: StudyFolder) -> str:
    with study.columns_known():
        return environment_of("dashboards.live").get_template("live.html").render(study=study)


def _script(name: str) -> str:
    """Return one of the page's three scripts; empty for any other name."""
    if name == "plotly.js":
        from plotly.offline import get_plotlyjs

        return str(get_plotlyjs())
    return environment_of("dashboards.live").get_template(name).render() if name in ("page.js", "live.js") else ""


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(out: Path, *, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve the live page until interrupted.

    Args:
        out: the study's folder.
        host: the address to listen on; beyond loopback any host name is answered.
        port: 0 takes a free one.
        say: gets the page's address, with the token that is drawn for this time.

    Raises:
        BadInput: the folder is no study's, or the address cannot be listened on.
    """
    token = secrets.token_urlsafe(24)
    app = live_app(out, token=token, hosts=LOOPBACK_HOSTS if is_loopback(host) else ("*",))
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise BadInput(f"{host}:{port}: cannot listen there: {error.strerror or error}") from error
    with listener:
        shown = f"[{host}]" if ":" in host else host
        say(f"http://{shown}:{listener.getsockname()[1]}/?token={token}")
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])
