"""Labelled folders make a model adaptable that was never measured on collections."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import make_card, save_noise, tiny_network

import samekind
from samekind.errors import AdaptationError, ArgumentError, DatasetError
from samekind.fitting.adaptable import make_adaptable
from samekind.model_file.file import make_model

pytestmark = pytest.mark.usefixtures("fewer_trios")


@pytest.fixture(scope="module")
def foreign() -> samekind.Recognizer:
    return samekind.Recognizer(
        make_model(tiny_network().SerializeToString(), make_card(pair=None, trio=None, domains=None))
    )


@pytest.fixture(scope="module")
def adaptable(foreign: samekind.Recognizer, colour_domains: list[Path]) -> samekind.Recognizer:
    return make_adaptable(foreign.model_file, colour_domains)


def test_a_foreign_encoder_gets_verdicts_from_labelled_folders_and_pictures_without_labels(
    foreign: samekind.Recognizer, adaptable: samekind.Recognizer, many_colours: Path, tmp_path: Path
) -> None:
    domains = adaptable.card.domains
    assert domains is not None
    assert domains.domains == ("blues", "greens", "reds")
    assert domains.pair.measured_on.cross_fitted
    assert domains.pair.balanced.tar > domains.pair.balanced.far
    assert adaptable.card.pair is None
    assert adaptable.card.fingerprint == foreign.card.fingerprint
    adaptable.save(tmp_path / "adaptable.onnx")
    mine = samekind.load(tmp_path / "adaptable.onnx").adapt(many_colours)
    pictures = sorted(many_colours.rglob("*.png"))
    verdict = mine.verify(pictures[0], pictures[0])
    assert verdict.same
    assert 0.5 < verdict.probability <= 1
    assert mine.verify_trio(*pictures[:3]).most_alike


def test_the_pictures_that_taught_it_are_remembered(adaptable: samekind.Recognizer, colour_domains: list[Path]) -> None:
    with pytest.raises(DatasetError, match="had a part in"):
        make_adaptable(adaptable.model_file, colour_domains)


def test_folders_of_one_name_are_domains_of_their_own(
    foreign: samekind.Recognizer, adaptable: samekind.Recognizer, colour_domains: list[Path], tmp_path: Path
) -> None:
    folders = [tmp_path / domain.name / "train" for domain in colour_domains]
    for folder, domain in zip(folders, colour_domains, strict=True):
        shutil.copytree(domain, folder)
    found = make_adaptable(foreign.model_file, folders).card.domains
    assert found is not None
    assert found.domains == ("blues/train", "greens/train", "reds/train")
    assert adaptable.card.domains is not None
    assert found.pair.balanced == adaptable.card.domains.pair.balanced
    with pytest.raises(ArgumentError, match=r"reds/train: given twice"):
        make_adaptable(foreign.model_file, [*folders, tmp_path / "reds" / "train" / ".." / "train"])


def test_too_little_is_refused_before_the_work(
    foreign: samekind.Recognizer, colour_domains: list[Path], colour_folders: Path, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match="2 labelled folders cannot tell"):
        make_adaptable(foreign.model_file, colour_domains[:2])
    for label in ("a", "b"):
        for number in range(40):
            (tmp_path / label).mkdir(exist_ok=True)
            save_noise(tmp_path / label / f"{number}.png", (10, 20, 30), number)
    with pytest.raises(DatasetError, match="has 2 classes; three are needed"):
        make_adaptable(foreign.model_file, [*colour_domains[:2], tmp_path])
    few = colour_domains[0].parent / "few"
    for label in range(3):
        (few / f"{label}").mkdir(parents=True)
        save_noise(few / f"{label}" / "0.png", (10, 20, 30), label)
        save_noise(few / f"{label}" / "1.png", (10, 20, 30), 10 + label)
    with pytest.raises(DatasetError, match="has 6 pictures; 40 are needed"):
        make_adaptable(foreign.model_file, [*colour_domains[:2], few])
    with pytest.raises(AdaptationError, match="adapted already"):
        make_adaptable(samekind.load("general").adapt(colour_folders).model_file, colour_domains)
