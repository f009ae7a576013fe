"""A person at the pages: signs in, fills in a form as it stands, posts it. Only the standard library."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlencode

TOKEN = "csrfmiddlewaretoken"
Fields = dict[str, list[str]]


class HttpError(Exception):
    """A page answers otherwise than a person would expect."""


@dataclass
class Forms(HTMLParser):
    """The forms of a page with the values that they would send if nobody touched them."""

    forms: list[Fields] = field(default_factory=list)
    _select: str = ""
    _area: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "form":
            self.forms.append({})
        elif not self.forms:
            return
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            chosen = self.forms[-1].setdefault(self._select, [value])  # the first, unless one is selected
            if "selected" in given:
                chosen[:] = [value]
        elif tag == "textarea":
            self._area = name
            self.forms[-1][name] = [""]
        elif tag == "input" and name:
            kind = given.get("type", "text")
            if kind in ("checkbox", "radio") and "checked" not in given:
                return
            if kind != "submit":
                self.forms[-1].setdefault(name, []).append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1][self._area][0] += data

    def with_field(self, name: str) -> Fields:
        """The first form that has this field."""
        return next(form for form in self.forms if name in form)


@dataclass(frozen=True)
class Answer:
    """sent: when the request began to be sent, seconds of the wall clock; first_byte_s, whole_s: after that."""

    status: int
    location: str
    text: str
    sent: float
    first_byte_s: float
    whole_s: float


@dataclass
class Person:
    """A session at one web server. May be used by several threads once signed in."""

    address: tuple[str, int]
    cookies: dict[str, str] = field(default_factory=dict)

    def sign_in(self, email: str, password: str) -> None:
        form = self.form("/accounts/login/", "login")
        answer = self.post("/accounts/login/", {**form, "login": [email], "password": [password]})
        if answer.status != 302:
            raise HttpError(f"{email} could not sign in ({answer.status})")

    def form(self, path: str, having: str) -> Fields:
        """The form of a page that has this field, as it stands."""
        page = self.get(path)
        if page.status != 200:
            raise HttpError(f"{path} answers {page.status}")
        forms = Forms()
        forms.feed(page.text)
        return forms.with_field(having)

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None)

    def post(self, path: str, fields: Fields) -> Answer:
        return self._ask("POST", path, urlencode(fields, doseq=True))

    def _ask(self, method: str, path: str, body: str | None) -> Answer:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": self._origin + path}
        connection = http.client.HTTPConnection(*self.address, timeout=120)
        sent, started = time.time(), time.perf_counter()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            first = time.perf_counter() - started
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or ():
            for morsel in SimpleCookie(line).values():
                self.cookies[morsel.key] = morsel.value
        location = answer.headers.get("Location", "")
        return Answer(answer.status, location, text, sent, first, time.perf_counter() - started)

    @property
    def _origin(self) -> str:
        return "http://{}:{}".format(*self.address)
