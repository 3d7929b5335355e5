"""The page of this server in the web server of Dask's dashboard: ``/arkserver``.

Where the server asks clients for a token, so does the page: in a form, or as ``?token=...``; either is exchanged for a
cookie. What changes something needs the page's own token against requests from other sites.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from tornado.web import Application, HTTPError, RequestHandler

from arkserver.wire.auth import Authenticator

LINK = "arkserver"

_FILES = {"page.js": "text/javascript", "page.css": "text/css"}
_POLICY = "; ".join(
    [
        "default-src 'none'",  # nothing from elsewhere
        *(f"{what} 'self'" for what in ("script-src", "style-src", "connect-src", "form-action", "frame-ancestors")),
        "img-src data:",
        "base-uri 'none'",
    ]
)


@dataclass(frozen=True, slots=True)
class Site:
    """What the page shows and whom it lets in."""

    facts: Callable[[], dict[str, Any]]
    cancel: Callable[[int], bool]
    authenticator: Authenticator
    cookie: str
    """name of the cookie that stands for a token; browsers send cookies to all ports of a host"""
    visitors: set[str] = field(default_factory=set)
    """values of that cookie"""

    def admit(self, token: str) -> str | None:
        """A cookie for who has a token of the server."""
        if not self.authenticator.knows(token):
            return None
        visitor = secrets.token_urlsafe()
        self.visitors.add(visitor)
        return visitor


class _Handler(RequestHandler):
    """What all pages have in common."""

    def initialize(self, site: Site) -> None:
        """Take what is shown."""
        self.site = site

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")  # a token may be in the address
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    @property
    def admitted(self) -> bool:
        """Whether the browser showed a token, or none is needed."""
        return self.site.authenticator.shared is None or self.get_cookie(self.site.cookie) in self.site.visitors

    def check_admitted(self) -> None:
        """Raise when it did not."""
        if not self.admitted:
            raise HTTPError(403, reason="Token needed")

    def show(self, name: str, **values: str) -> None:
        """Answer with a page; it carries the token against requests from other sites."""
        text = _read(name).replace("{{xsrf}}", self.xsrf_token.decode())
        for key, value in values.items():
            text = text.replace("{{" + key + "}}", value)
        self.write(text)

    def enter(self, token: str) -> bool:
        """Let the browser in if the token is right."""
        visitor = self.site.admit(token)
        if visitor is not None:
            self.set_cookie(self.site.cookie, visitor, path="/", httponly=True, samesite="Strict")
            self.redirect(LINK)
        return visitor is not None


class PageHandler(_Handler):
    """The page; a form for the token where one is needed."""

    def get(self) -> None:
        """Answer."""
        token = self.get_query_argument("token", "")
        if token and self.enter(token):
            return
        if self.admitted:
            self.show("page.html")
        else:
            self.set_status(403)
            self.show("login.html", message="This token is not the server's." if token else "")

    def post(self) -> None:
        """Take a token from the form."""
        if not self.enter(self.get_body_argument("token", "")):
            self.set_status(403)
            self.show("login.html", message="This token is not the server's.")


class FactsHandler(_Handler):
    """What the page shows, as JSON."""

    def get(self) -> None:
        """Answer."""
        self.check_admitted()
        self.write(self.site.facts())


class CancelHandler(_Handler):
    """Ends a running command."""

    def post(self) -> None:
        """End the command of that number."""
        self.check_admitted()
        number = self.get_body_argument("number")
        if not (number.isdecimal() and self.site.cancel(int(number))):
            raise HTTPError(404, reason="No such command is running")
        self.write({"cancelled": int(number)})


class FileHandler(_Handler):
    """Script and style of the page."""

    def get(self, name: str) -> None:
        """Answer."""
        self.set_header("Content-Type", f"{_FILES[name]}; charset=utf-8")
        self.write(_read(name))


def application(facts: Callable[[], dict[str, Any]], cancel: Callable[[int], bool], who: Authenticator) -> Application:
    """The page and what belongs to it."""
    suffix = secrets.token_hex(4)
    routes: list[Any] = [
        (rf"/{LINK}", PageHandler),
        (rf"/{LINK}/facts", FactsHandler),
        (rf"/{LINK}/cancel", CancelHandler),
        (rf"/{LINK}/({'|'.join(_FILES)})", FileHandler),
    ]
    site = Site(facts, cancel, who, f"arkserver_{suffix}")
    return Application(
        [(path, handler, {"site": site}) for path, handler in routes],
        log_function=lambda _: None,
        xsrf_cookies=True,
        xsrf_cookie_name=f"arkserver_xsrf_{suffix}",
        xsrf_cookie_kwargs={"samesite": "Strict", "httponly": True, "path": "/"},
    )


def _read(name: str) -> str:
    return (files("arkserver.daemons") / "static" / name).read_text()
