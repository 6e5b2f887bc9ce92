import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from samekind import pairs_to_answer
from samekind.auditing.answers.answer_list import AnswerList
from samekind.auditing.answers.page import write_label_page
from samekind.auditing.answers.server import LabelServer
from samekind.errors import DatasetError
from samekind.evaluation.listed_items import read_pairs


@pytest.fixture
def server(photos: Path, tiny_model: Path) -> Iterator[LabelServer]:
    asked = pairs_to_answer(photos, tiny_model, count=8)
    with LabelServer(AnswerList(photos.parent / "pairs.csv", asked)) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(url: str, body: object = None, **headers: str) -> tuple[int, bytes]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"} | headers)  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(request) as reply:  # noqa: S310 - likewise
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_each_answer_is_in_the_file_at_once_and_can_be_taken_back(server: LabelServer) -> None:
    for number, same in ((0, True), (1, False), (0, False), (2, True)):
        assert ask(server.url + "answer", {"pair": number, "same": same})[0] == 200
    listed = read_pairs(server.answers.path)
    assert listed.same.tolist() == [False, False, True]
    assert ask(server.url + "answer", {"pair": 1, "same": None})[0] == 200
    assert server.answers.answers()[:3] == [False, None, True]
    assert len(server.answers.path.read_text().splitlines()) == 3


def test_the_page_and_its_pictures(server: LabelServer) -> None:
    status, page = ask(server.url)
    assert status == 200
    assert b"picture/0" in page
    assert ask(server.url + "picture/0")[1][:2] == b"\xff\xd8"
    assert ask(server.url + "picture/9999")[0] == 404
    assert ask(server.url + "picture/../../etc/passwd")[0] == 404


def test_nobody_else_may_ask(server: LabelServer) -> None:
    base = server.url.rsplit("/", 2)[0]
    assert ask(base + "/")[0] == 404
    assert ask(base + "/guess/answer", {"pair": 0, "same": True})[0] == 404
    assert ask(server.url, Host="evil.example:80")[0] == 404
    assert ask(server.url + "answer", {"pair": 0, "same": True}, **{"Sec-Fetch-Site": "cross-site"})[0] == 404
    assert not server.answers.path.exists()


@pytest.mark.parametrize(
    "body",
    [{"pair": 99, "same": True}, {"pair": -1, "same": True}, {"pair": "0", "same": True}, {"pair": 0, "same": 2}, []],
)
def test_what_is_no_answer_is_refused(server: LabelServer, body: object) -> None:
    assert ask(server.url + "answer", body)[0] == 400
    assert not server.answers.path.exists()


def test_what_a_list_held_is_kept_and_goes_on(photos: Path, tiny_model: Path) -> None:
    path = photos.parent / "pairs.csv"
    asked = pairs_to_answer(photos, tiny_model, count=4)
    AnswerList(path, asked).answer(2, True)
    again = AnswerList(path, asked)
    assert again.answers() == [None, None, True, None]
    other = AnswerList(path, pairs_to_answer(photos, tiny_model, count=4, seed=1))
    other.answer(0, False)
    assert len(path.read_text().splitlines()) == 3
    path.write_text("first,second,same,mine\na,b,1,x\n")
    with pytest.raises(DatasetError, match="is no list of answers"):
        AnswerList(path, asked)
    assert "mine" in path.read_text()


def test_a_page_by_itself_has_its_pictures(photos: Path, tiny_model: Path) -> None:
    write_label_page(photos.parent / "label.html", pairs_to_answer(photos, tiny_model, count=3))
    text = (photos.parent / "label.html").read_text("utf-8")
    assert text.count("data:image/jpeg;base64,") == 6 or text.count("data:image/jpeg;base64,") >= 3
    assert "http://" not in text


def test_too_few_pictures(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(DatasetError, match="two are needed"):
        pairs_to_answer(tmp_path, tiny_model)
