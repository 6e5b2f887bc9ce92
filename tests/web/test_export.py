"""``samekind export-web``, with a built page that is only imitated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import run

import samekind
from samekind.errors import ModelFileError, SamekindError, WebPageError
from samekind.model_file.file import read_model, write_model
from samekind.web import export


@pytest.fixture(autouse=True)
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "built"
    (folder / "assets").mkdir(parents=True)
    for name in ("index.html", "service-worker.js", "assets/index-1.js"):
        (folder / name).write_text(name, encoding="utf-8")
    monkeypatch.setattr(export, "built_page", lambda: folder)
    return folder


def test_the_folder_has_the_page_the_model_as_it_is_and_a_list_of_both(tiny_model: Path, tmp_path: Path) -> None:
    page = export.export_web(tmp_path / "site", tiny_model)
    site = json.loads((tmp_path / "site" / "site.json").read_text("utf-8"))
    assert (tmp_path / "site" / page.model).read_bytes() == tiny_model.read_bytes()
    assert site["model"] == page.model
    assert site["bytes"] == tiny_model.stat().st_size
    assert site["files"] == ["assets/index-1.js", "index.html"]
    found = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.*")}
    assert found == {page.model, "site.json", "service-worker.js", *site["files"]}
    assert page.bytes == sum(path.stat().st_size for path in (tmp_path / "site").rglob("*.*"))


def test_the_version_changes_with_the_model_and_with_the_page(tiny_model: Path, tmp_path: Path, built: Path) -> None:
    def version(model: Path) -> str:
        export.export_web(tmp_path / "site", model)
        return json.loads((tmp_path / "site" / "site.json").read_text("utf-8"))["version"]

    first = version(tiny_model)
    assert version(tiny_model) == first
    (built / "index.html").write_text("new", encoding="utf-8")
    second = version(tiny_model)
    samekind.load(tiny_model).save(tmp_path / "other.onnx")
    assert len({first, second, version(tmp_path / "other.onnx")}) == 3


def test_a_new_page_takes_the_place_of_the_old_one_and_leaves_what_is_not_its_own(
    tiny_model: Path, tmp_path: Path, built: Path
) -> None:
    first = export.export_web(tmp_path / "site", tiny_model)
    (tmp_path / "site" / "robots.txt").write_text("mine", encoding="utf-8")
    (built / "assets" / "index-1.js").rename(built / "assets" / "index-2.js")
    other = tmp_path / "other.onnx"
    samekind.load(tiny_model).save(other)
    second = export.export_web(tmp_path / "site", other)
    names = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.*")}
    assert {second.model, "assets/index-2.js", "robots.txt"} < names
    assert not {first.model, "assets/index-1.js"} & names


def test_a_folder_with_other_files_is_refused_and_left_as_it_is(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("mine", encoding="utf-8")
    with pytest.raises(WebPageError, match=r"site: has other files in it"):
        export.export_web(tmp_path / "site", tiny_model)
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["index.html"]
    assert (tmp_path / "site" / "index.html").read_text("utf-8") == "mine"


def test_a_list_that_names_files_elsewhere_removes_none_of_them(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    wrong = {"made_by": "samekind", "model": "../precious.txt", "files": [str(tmp_path / "precious.txt"), 7]}
    (tmp_path / "site" / "site.json").write_text(json.dumps(wrong), encoding="utf-8")
    export.export_web(tmp_path / "site", tiny_model)
    assert (tmp_path / "precious.txt").exists()


def test_a_broken_model_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"no model")
    with pytest.raises(ModelFileError, match=r"mine\.onnx"):
        export.export_web(tmp_path / "site", tmp_path / "mine.onnx")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("changes", "refused"),
    [({"pair": None, "trio": None}, "not calibrated"), ({"resize": "crop"}, "the page squashes pictures")],
)
def test_a_model_that_the_page_cannot_judge_by_is_refused(
    tiny_model: Path, tmp_path: Path, changes: dict[str, object], refused: str
) -> None:
    model = read_model(tiny_model)
    write_model(tmp_path / "other.onnx", model.data, model.card.model_copy(update=changes))
    with pytest.raises(SamekindError, match=refused):
        export.export_web(tmp_path / "site", tmp_path / "other.onnx")
    assert not (tmp_path / "site").exists()


def test_without_the_built_page_the_command_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(export.resources, "files", lambda _: tmp_path)
    result = run("export-web", tmp_path / "site")
    assert result.returncode == 2
    assert "cd web && npm install && npm run build" in result.stderr
    assert not (tmp_path / "site").exists()


def test_the_command_says_what_it_wrote_and_how_to_see_it(tiny_model: Path, tmp_path: Path) -> None:
    result = run("export-web", tmp_path / "site", "--model", tiny_model)
    assert result.returncode == 0
    assert f"python -m http.server --directory {tmp_path / 'site'}" in result.stdout
