"""Values that are no image, no path and no list of these: refused in our words by whatever is public, nothing done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import samekind
from samekind.errors import SamekindError
from samekind.gallery import Gallery

# Of each case: what is called with a value for the argument that is to be refused.
Call = Callable[[Any], object]
IMAGES: dict[str, Callable[[samekind.Recognizer], Call]] = {
    "embed": lambda model: model.embed,
    "verify": lambda model: lambda value: model.verify(value, value),
    "verify_trio": lambda model: lambda value: model.verify_trio(value, value, value),
    "verify_pairs": lambda model: model.verify_pairs,
    "verify_trios": lambda model: model.verify_trios,
    "explain": lambda model: lambda value: model.explain(value, value),
    "adapt": lambda model: model.adapt,
    "save": lambda model: model.save,
    "evaluate": lambda model: lambda value: samekind.evaluate(model, value or ""),
    "evaluate pairs": lambda model: lambda value: samekind.evaluate(model, pairs=value or ""),
    "pairs_to_answer": lambda model: lambda value: samekind.pairs_to_answer(value, model),
}
PATHS: dict[str, Call] = {
    "load": lambda value: samekind.load(value or ""),
    "check": samekind.check,
    "audit": samekind.audit,
    "apply_audit": lambda value: samekind.apply_audit(value, "manifest.csv"),
    "apply_audit to": lambda value: samekind.apply_audit("audit.csv", value),
    "calibrate": lambda value: samekind.calibrate("general", value or "", "mine.onnx"),
    "calibrate to": lambda value: samekind.calibrate("general", "photos", value or ""),
    "calibrate pairs": lambda value: samekind.calibrate("general", None, "mine.onnx", pairs=value or ""),
    "make_adaptable": lambda value: samekind.make_adaptable("general", value),
    "make_adaptable of": lambda value: samekind.make_adaptable("general", ["a", "b", value]),
    "train": lambda value: samekind.train(value, "mine.onnx"),
    "train to": lambda value: samekind.train("photos", value),
    "train in": lambda value: samekind.train("photos", "mine.onnx", run=value or ""),
    "wrap": lambda value: samekind.wrap(value, "mine.onnx"),
    "wrap to": lambda value: samekind.wrap("encoder.onnx", value or ""),
    "push": lambda value: samekind.push(value, "hf://me/shoes"),
    "push to": lambda value: samekind.push("general", value),
    "embed": lambda value: samekind.embed(value, "shards"),
    "embed to": lambda value: samekind.embed("photos", value),
    "Gallery.open": Gallery.open,
}
GALLERY: dict[str, Callable[[Gallery], Call]] = {
    "sync": lambda gallery: gallery.sync,
    "add_shards": lambda gallery: gallery.add_shards,
    "remove": lambda gallery: gallery.remove,
    "search": lambda gallery: gallery.search,
    "copies_of": lambda gallery: gallery.copies_of,
    "export": lambda gallery: gallery.export,
}
VALUES = ["", None, 3.5, [1, 2], ("", "a.jpg"), {"a": 1}, b""]


@pytest.fixture(params=VALUES, ids=lambda value: type(value).__name__)
def value(request: pytest.FixtureRequest) -> object:
    return request.param


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, many_colours: Path) -> Iterator[Gallery]:
    with Gallery.open(tmp_path_factory.mktemp("gallery") / "g.samekind", model=tiny_model) as opened:
        opened.sync(many_colours)
        yield opened


def refused(call: Call, value: object, folder: Path) -> None:
    with pytest.raises(SamekindError) as raised:
        call(value)
    assert len(str(raised.value)) > 20, "says what is taken"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", IMAGES)
def test_a_model_refuses_what_is_no_image(name: str, value: object, tiny_model: Path, in_folder: Path) -> None:
    refused(IMAGES[name](samekind.load(tiny_model)), value, in_folder)


# Training asks whether torch is there, which the fast lane forbids.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * name.startswith("train")) for name in PATHS]
)
def test_a_function_refuses_what_is_no_path(name: str, value: object, in_folder: Path) -> None:
    refused(PATHS[name], value, in_folder)


@pytest.mark.parametrize("name", GALLERY)
def test_a_gallery_refuses_what_is_no_path(name: str, value: object, gallery: Gallery, in_folder: Path) -> None:
    refused(GALLERY[name](gallery), value, in_folder)
    assert len(gallery) == 24


def test_a_text_is_no_list_of_folders() -> None:
    with pytest.raises(samekind.ArgumentError, match="in a list, 3 or more"):
        samekind.make_adaptable("general", "birds")
