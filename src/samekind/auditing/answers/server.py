"""The page of answers on this machine alone, with each answer written to a file as it is given."""

from __future__ import annotations

import json
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from samekind.auditing.answers.answer_list import AnswerList
from samekind.auditing.answers.page import label_page, picture_bytes

_HOST = "127.0.0.1"
_NAMES = frozenset({"127.0.0.1", "localhost"})
_MOST_BODY = 10_000


class LabelServer(ThreadingHTTPServer):
    """Serves the page of a list of answers under an address that nobody guesses.

    Args:
        answers: The list.
        port: 0 takes any that is free.

    Raises:
        OSError: The port is taken.
    """

    daemon_threads = True

    def __init__(self, answers: AnswerList, port: int = 0) -> None:
        self.answers = answers
        self.secret = secrets.token_urlsafe(12)
        self.pictures = sorted({picture for pair in answers.pairs for picture in (pair.first, pair.second)})
        super().__init__((_HOST, port), _Handler)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{_HOST}:{self.server_address[1]}/{self.secret}/"


class _Handler(BaseHTTPRequestHandler):
    server: LabelServer
    timeout = 30

    def do_GET(self) -> None:
        """The page, or a picture of it."""
        if not self._may_pass():
            return
        name = self.path.removeprefix(f"/{self.server.secret}/")
        if not name:
            sources = {picture: f"picture/{place}" for place, picture in enumerate(self.server.pictures)}
            text = label_page(self.server.answers.pairs, sources, self.server.answers.answers(), "answer")
            self._reply(HTTPStatus.OK, text.encode("utf-8", "replace"), "text/html; charset=utf-8")
            return
        place = name.removeprefix("picture/")
        known = place.isdecimal() and len(place) < 10 and int(place) < len(self.server.pictures)
        content = picture_bytes(self.server.pictures[int(place)]) if known else None
        if content is None:
            self._refuse(HTTPStatus.NOT_FOUND, "no such picture")
        else:
            self._reply(HTTPStatus.OK, content, "image/jpeg")

    def do_POST(self) -> None:
        """Keep an answer."""
        if not self._may_pass():
            return
        length = self.headers.get("Content-Length", "")
        if self.headers.get_content_type() != "application/json" or not length.isdecimal() or int(length) > _MOST_BODY:
            self._refuse(HTTPStatus.BAD_REQUEST, "an answer is a short piece of JSON")
            return
        try:
            said = json.loads(self.rfile.read(int(length)))
            number, same = said["pair"], said["same"]
            if type(number) is not int or type(same) not in {bool, type(None)}:
                raise ValueError(said)  # noqa: TRY301 - as all that is wrong with it
            self.server.answers.answer(number, same)
        except (ValueError, KeyError, TypeError, IndexError):
            self._refuse(HTTPStatus.BAD_REQUEST, "an answer is {pair: number, same: true, false or null}")
        except OSError as error:
            self._refuse(HTTPStatus.INSUFFICIENT_STORAGE, f"{self.server.answers.path}: {error.strerror}")
        else:
            self._reply(HTTPStatus.OK, b"{}", "application/json")

    def _may_pass(self) -> bool:
        """Whether the request comes from this page: by its name, its secret and its origin."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        site = self.headers.get("Sec-Fetch-Site", "same-origin")
        if host in _NAMES and self.path.startswith(f"/{self.server.secret}/") and site in {"same-origin", "none"}:
            return True
        self._refuse(HTTPStatus.NOT_FOUND, "open the address that the command printed")
        return False

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        self._reply(status, text.encode(), "text/plain; charset=utf-8")

    def _reply(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing: a person answers in the browser."""
