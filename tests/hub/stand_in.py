"""A hub on loopback, as far as the hub's client asks one, with faults; and that client in a process of its own."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Repository:
    """Files by revision, and what goes wrong with them.

    ``status`` answers every request with it; ``fault`` spoils the content: ``cut`` ends it early, ``changed`` flips a
    bit, ``text`` is a page of a proxy, ``slow`` hangs up in the middle of the first try only. ``etag`` is the hash that
    names a file: SHA-256 is the hub's for large ones.
    """

    files: dict[str, bytes]
    commits: tuple[str, ...] = ("main", COMMIT)
    status: int | None = None
    code: str = ""
    fault: str = ""
    etag: str = "sha1"
    committed: list[dict[str, bytes]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


class StandIn(ThreadingHTTPServer):
    """Answers for repositories that tests put into it, and notes what it is asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, Repository] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._file(body=False)

    def do_GET(self) -> None:
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"] and parts[4:5] in ([], ["revision"]):
            name = "/".join(parts[2:4])
            if repository := self._repository(name, parts[5] if len(parts) > 5 else "main"):
                repository.asked.append("list")
                self._json({"id": name, "siblings": [{"rfilename": file} for file in repository.files]})
        elif "resolve" in parts:
            self._file(body=True)
        else:
            self._json({"error": "not here"}, 404)

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[:3] == ["api", "repos", "create"]:
            asked = json.loads(data)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            if repository := self._repository(name, None, made=True):
                private = asked.get("private") or asked.get("visibility") == "private"
                repository.asked.append(f"create private={private}")
                self._json({"url": f"{self.server.endpoint}/{name}"})
        elif parts[0] == "api" and "preupload" in parts:
            if self._repository("/".join(parts[2:4]), None):
                files = json.loads(data)["files"]
                self._json(
                    {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]}
                )
        elif parts[0] == "api" and "commit" in parts:
            if (repository := self._repository("/".join(parts[2:4]), None)) and self._takes(repository):
                lines = [json.loads(line) for line in data.splitlines()]
                files = {line["value"]["path"]: base64.b64decode(line["value"]["content"]) for line in lines[1:]}
                repository.committed.append(files)
                repository.files |= files
                self._json({"commitUrl": f"{self.server.endpoint}/{'/'.join(parts[2:4])}/commit/{COMMIT}",
                            "commitOid": COMMIT, "pullRequestUrl": None})  # fmt: skip
        elif parts == ["api", "validate-yaml"]:
            self._json({"errors": [], "warnings": []})
        else:
            self._json({"error": "not here"}, 404)

    def _takes(self, repository: Repository) -> bool:
        if repository.fault == "commit":
            self._json({"error": "a fault of its own"}, 500)
            return False
        return True

    def _repository(self, name: str, revision: str | None, *, made: bool = False) -> Repository | None:
        if made:
            self.server.repositories.setdefault(name, Repository({}))
        repository = self.server.repositories.get(name)
        if repository is None:
            self._error(404, "RepoNotFound")
        elif repository.status is not None:
            self._error(repository.status, repository.code)
        elif revision is not None and revision not in repository.commits:
            self._error(404, "RevisionNotFound")
        else:
            return repository
        return None

    def _error(self, status: int, code: str) -> None:
        self._json({"error": code or "no"}, status, {"X-Error-Code": code, "X-Error-Message": code} if code else {})

    def _file(self, *, body: bool) -> None:
        owner, name, _, revision, *file = self.path.partition("?")[0].strip("/").split("/")
        repository = self._repository(f"{owner}/{name}", revision)
        if repository is None:
            return
        path = "/".join(file)
        repository.asked.append(f"{self.command} {path}")
        if path not in repository.files:
            self._error(404, "EntryNotFound")
            return
        data = repository.files[path]
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.new(repository.etag, data).hexdigest()}"',
                   "Accept-Ranges": "none"}  # fmt: skip
        sent = data
        if repository.fault == "changed":
            sent = data[:200] + bytes([data[200] ^ 1]) + data[201:]
        elif repository.fault == "text":
            sent = b"<html>please log in to this network</html>".ljust(len(data))
        elif body and (repository.fault == "cut" or (repository.fault == "slow" and _first_time(repository, path))):
            sent = data[: len(data) // 2]
        self.send_response(200)
        for key, value in (
            {"Content-Length": str(len(data)), "Content-Type": "application/octet-stream"} | headers
        ).items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(sent)
            if len(sent) < len(data):
                self.close_connection = True

    def _json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        for key, one in (
            {"Content-Length": str(len(data)), "Content-Type": "application/json"} | (headers or {})
        ).items():
            self.send_header(key, one)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests say what went wrong."""


_LOOP = """
import json, sys, time
import samekind
from samekind.publishing.push import push
import huggingface_hub.utils._http as http
http.time.sleep = lambda seconds: None  # the client waits between its tries
from huggingface_hub import file_download
if hasattr(file_download, "time"): file_download.time.sleep = lambda seconds: None
for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        if name == "load":
            said = {"fingerprint": samekind.load(*arguments).card.fingerprint}
        else:
            said = {"address": push(arguments[0], arguments[1], private=arguments[2])}
    except samekind.SamekindError as error:
        said = {"error": type(error).__name__, "message": str(error)}
    except BaseException as error:
        said = {"error": "not ours: " + repr(error), "message": ""}
    print("ANSWER" + json.dumps(said), flush=True)
"""


def _first_time(repository: Repository, path: str) -> bool:
    return repository.asked.count(f"GET {path}") == 1


class Client:
    """samekind in a process whose hub is the stand-in; its client reads where the hub is when it is imported."""

    def __init__(self, endpoint: str, home: Path, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1",
                              "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_OFFLINE": "0",
                              "HF_HUB_DOWNLOAD_TIMEOUT": "3", "HF_TOKEN": "hf_t",
                              **environment},
        )  # fmt: skip

    def ask(self, *question: object) -> dict[str, str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("ANSWER"):
                answer: dict[str, str] = json.loads(line.removeprefix("ANSWER"))
                return answer
        raise AssertionError("the client has ended")

    def close(self) -> None:
        self._process.communicate(timeout=300)


Ask = Callable[..., dict[str, str]]
