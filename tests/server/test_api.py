"""The HTTP API as clients meet it, against a service in a process of its own."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest
from conftest import save_noise

import samekind
from samekind.gallery import Gallery


@pytest.fixture
def client(service):
    with service.client() as client:
        yield client


@pytest.fixture
def pictures(photo) -> dict[str, Path]:
    return {
        "first": photo("a.png", (200, 40, 40), 1),
        "second": photo("b.jpg", (200, 60, 40), 2),
        "third": photo("c.png", (40, 40, 200), 3),
    }


def files(*paths: Path, names=("first", "second", "third")) -> list[tuple[str, tuple[str, bytes]]]:
    return [(name, (path.name, path.read_bytes())) for name, path in zip(names, paths, strict=False)]


def test_verify_answers_as_python_does(client, pictures, tiny_model) -> None:
    first, second, third = pictures.values()
    model = samekind.load(tiny_model)
    for a, b in ((first, second), (first, third)):
        answer = client.post("/api/v1/verify", files=files(a, b))
        assert answer.status_code == 200
        verdict = model.verify(a, b)
        assert answer.json() == {name: getattr(verdict, name) for name in verdict.__dataclass_fields__}
        assert client.post("/api/v1/verify", files=files(b, a)).json() == answer.json()


def test_thresholds_are_taken_by_name_or_as_a_number(client, pictures) -> None:
    send = files(pictures["first"], pictures["second"])
    named = client.post("/api/v1/verify", files=send, data={"operating_point": "strict"}).json()
    assert (named["operating_point"], named["threshold"]) == ("strict", 0.8)
    given = client.post("/api/v1/verify", files=send, data={"threshold": "1"}).json()
    assert (given["operating_point"], given["threshold"], given["same"]) == (None, 1.0, False)


def test_trio_answers_as_python_does(client, pictures, tiny_model) -> None:
    answer = client.post("/api/v1/trio", files=files(*pictures.values())).json()
    verdict = samekind.load(tiny_model).verify_trio(*pictures.values())
    assert (answer["same"], answer["probability"]) == (verdict.same, verdict.probability)
    assert answer["most_alike"] == list(verdict.most_alike)
    assert [pair["similarity"] for pair in answer["pairs"]] == [pair.similarity for pair in verdict.pairs]


def test_embed_keeps_the_order(client, pictures, tiny_model) -> None:
    paths = [*pictures.values(), pictures["first"]]
    answer = client.post("/api/v1/embed", files=files(*paths, names=["images"] * 4)).json()
    np.testing.assert_array_equal(np.array(answer["embeddings"], np.float32), samekind.load(tiny_model).embed(paths))
    assert answer["dimension"] == len(answer["embeddings"][0])


def test_search_answers_as_the_gallery_does(client, pictures, gallery_file) -> None:
    send = files(pictures["first"], names=["image"])
    answer = client.post("/api/v1/search", files=send, data={"k": "5"}).json()
    with Gallery.open(gallery_file, read_only=True) as gallery:
        hits = gallery.search(pictures["first"], 5)
    assert [(hit["path"], hit["similarity"]) for hit in answer["hits"]] == [(h.row.name, h.similarity) for h in hits]
    assert len(answer["hits"]) == 5
    assert not Path(answer["hits"][0]["path"]).is_absolute()
    none = client.post("/api/v1/search", files=send, data={"min_probability": "1"}).json()
    assert none["hits"] == []


def test_a_search_among_what_meets_a_filter(client, pictures, gallery_file) -> None:
    send = files(pictures["first"], names=["image"])
    answer = client.post("/api/v1/search", files=send, data={"where": "path like '%0.png'"}).json()
    with Gallery.open(gallery_file, read_only=True) as gallery:
        wanted = [row.name for row in gallery.rows("path like '%0.png'")]
    assert sorted(hit["path"] for hit in answer["hits"]) == wanted
    refused = client.post("/api/v1/search", files=send, data={"where": "path = 'a'; DROP TABLE images"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "where"
    assert "at character 11" in refused.json()["errors"][0]["detail"]


def test_model_is_the_card(client, tiny_model) -> None:
    card = samekind.load(tiny_model).card
    assert samekind.Card.model_validate(client.get("/api/v1/model").json()) == card


def test_probes_and_numbers(client, pictures) -> None:
    assert client.get("/healthz").json() == client.get("/api/v1/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").status_code == 200
    client.post("/api/v1/verify", files=files(pictures["first"], pictures["second"]))
    client.get("/no/such/path")
    text = client.get("/metrics").text
    assert 'samekind_requests_total{method="POST",path="/api/v1/verify",status="200"}' in text
    assert "samekind_batch_images_bucket" in text
    assert "samekind_waiting_images 0.0" in text
    assert "/no/such/path" not in text  # or strangers could fill the memory with labels


TEXT = ("first", ("a.txt", b"hello", "text/plain"))
NO_IMAGE = ("second", ("b.png", b"hello", "image/png"))


@pytest.mark.parametrize(
    ("method", "path", "send", "status", "field", "says"),
    [
        ("POST", "/api/v1/verify", {"files": [NO_IMAGE]}, 422, "first", "missing"),
        ("POST", "/api/v1/verify", {"files": [TEXT]}, 415, "first", "not text/plain"),
        ("POST", "/api/v1/verify", {"files": [("first", ("a.png", b"", "image/png"))]}, 422, "first", "empty"),
        ("POST", "/api/v1/verify", {"files": [NO_IMAGE, NO_IMAGE]}, 422, "second", "more than once"),
        ("POST", "/api/v1/verify", {"files": [NO_IMAGE], "data": {"first": "x"}}, 422, "first", "not a JPEG"),
        ("POST", "/api/v1/verify", {"files": [NO_IMAGE], "data": {"frist": "x"}}, 422, "frist", "operating_point"),
        ("POST", "/api/v1/verify", {"files": [("threshold", ("a.png", b"1"))]}, 422, "threshold", "not a file"),
        ("POST", "/api/v1/search", {"files": [("image", ("a.png", b"1"))], "data": {"k": "0"}}, 422, "k", "greater"),
        ("POST", "/api/v1/embed", {"files": [("image", ("a.png", b"1"))]}, 422, "images", "missing"),
        ("POST", "/api/v1/embed", {"files": [("images", ("a.png", b"1"))] * 33}, 413, None, "at most 32 images"),
        ("POST", "/api/v1/embed", {"files": [("images", ("a.png", b"1"))] * 50}, 413, None, "at most 32 images"),
        ("POST", "/api/v1/embed", {"files": [("k", (None, b"1"))] * 50}, 413, None, "at most 16 fields"),
        ("POST", "/api/v1/verify", {"json": {"first": "/etc/passwd"}}, 415, None, "multipart/form-data"),
        ("POST", "/api/v1/verify", {}, 415, None, "multipart/form-data"),
        ("GET", "/api/v1/verify", {}, 405, None, "does not take GET"),
        ("GET", "/api/v1/nothing", {}, 404, None, "/docs lists"),
        ("GET", "/examples/nothing.jpg", {}, 404, None, "/docs lists"),
    ],
)
def test_errors_are_problem_documents(client, method, path, send, status, field, says) -> None:
    answer = client.request(method, path, **send)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert (problem["status"], problem["title"]) == (status, httpx.codes(status).name.replace("_", " ").title())
    assert says in problem["detail"]
    assert [error["field"] for error in problem["errors"] if error["field"] == field] == ([field] if field else [])


def test_every_unreadable_image_is_named(client, pictures) -> None:
    broken = pictures["first"].read_bytes()[:40]
    send = [("images", ("x", pictures["first"].read_bytes())), ("images", ("x", broken)), ("images", ("x", b"GIF8"))]
    problem = client.post("/api/v1/embed", files=send).json()
    assert [error["field"] for error in problem["errors"]] == ["images[1]", "images[2]"]
    assert "not a JPEG, PNG" in problem["errors"][1]["detail"]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"operating_point": "lax"}, "operating_point"),
        ({"threshold": "2"}, "threshold"),
        ({"threshold": "nan"}, "threshold"),
        ({"threshold": "high"}, "threshold"),
        ({"threshold": "0.5", "operating_point": "strict"}, "threshold"),
    ],
)
def test_a_bad_threshold_is_named(client, pictures, data, field) -> None:
    answer = client.post("/api/v1/verify", files=files(pictures["first"], pictures["second"]), data=data)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_other_formats_are_not_even_tried(client, tmp_path, photo) -> None:
    from PIL import Image

    with Image.open(photo()) as image:
        image.save(tmp_path / "a.tiff")
    problem = client.post("/api/v1/verify", files=files(photo(), tmp_path / "a.tiff")).json()
    assert problem["detail"].startswith("second: not a JPEG, PNG")


@pytest.mark.parametrize(
    "body",
    [
        b"no boundary at all",
        b"--x\r\n",
        b'--x\r\nContent-Disposition: form-data; name="first"; filename="a"\r\n\r\nabc',
        b"--x\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--x--\r\n",
    ],
)
def test_a_malformed_body_is_the_clients_fault(client, body) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/api/v1/verify", content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) in {
        (400, "application/problem+json"),
        (422, "application/problem+json"),
    }


@pytest.mark.parametrize("charset", ["punycode", "undefined", "utf-7", '"idna"'])
def test_text_is_utf_8_and_no_codec_of_the_clients_choice(client, charset) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="threshold"\r\n\r\n0.5\r\n--x--\r\n'
    headers = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
    answer = client.post("/api/v1/verify", content=body, headers=headers)
    assert (answer.status_code, "UTF-8" in answer.json()["detail"]) == (415, True)
    headers = {"Content-Type": "multipart/form-data; boundary=x; charset=UTF-8"}
    assert client.post("/api/v1/verify", content=body, headers=headers).status_code == 422


def test_text_is_bounded(client, pictures) -> None:
    send = files(pictures["first"], pictures["second"])
    answer = client.post("/api/v1/verify", files=send, data={"threshold": "0" * 1001})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (413, "threshold")
    assert client.post("/api/v1/verify", files=send, data={"threshold": "0" * 1000}).status_code == 200


def test_security_headers(client) -> None:
    for path in ("/", "/docs", "/api/v1/model", "/no/such/path"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert "server" not in headers
    assert client.get("/api/v1/model").headers["cache-control"] == "no-store"


def test_a_foreign_host_name_is_refused(client) -> None:
    answer = client.get("/api/v1/model", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["type"]) == (421, "urn:samekind:problem:unknown-host")


@pytest.mark.parametrize("kind", [None, "image/jpeg", "binary/octet-stream", "application/octet-stream"])
@pytest.mark.parametrize("name", [None, "a.jpg"])
def test_a_part_is_an_image_by_its_field_and_needs_no_file_name(client, tmp_path, kind, name) -> None:
    """Storage services and some clients leave the name out, or say a type that says nothing."""
    save_noise(tmp_path / "large.png", (200, 40, 40), 0, (200, 200))
    content = (tmp_path / "large.png").read_bytes()
    assert len(content) > 1000
    head = f'; filename="{name}"' if name else ""
    line = f"\r\nContent-Type: {kind}" if kind else ""
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{field}"{head}{line}\r\n\r\n'.encode() + content + b"\r\n"
        for field in ("first", "second")
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/api/v1/verify", content=body + b"--x--\r\n", headers=headers)
    assert (answer.status_code, answer.json().get("same")) == (200, True), answer.text
