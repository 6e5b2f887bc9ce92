"""Calibrating from the adapted network, where that is better by cross-fitted numbers, against doing it by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import make_card, save_noise, tiny_network
from onnx import helper
from sklearn.metrics import log_loss

from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.fitting import calibrations
from samekind.fitting.calibrate import Recalibrated, calibrate
from samekind.fitting.cross_fit import halves
from samekind.fitting.domains import FULL_LENGTH
from samekind.fitting.recalibrate import Recalibration, recalibrate
from samekind.model_file.file import ModelFile, SeenImages, read_model, write_model
from samekind.recognizer import Recognizer, load
from samekind.system.hashing import content_hash


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> LabelledImages:
    """Five hues over one light colour, some stronger, some weaker: the kind is the hue."""
    root = tmp_path_factory.mktemp("narrow")
    rng = np.random.default_rng(1)
    red_or_green, yellow_or_blue = np.array([1, -1, 0]) / 2**0.5, np.array([1, 1, -2]) / 6**0.5
    for number in range(5):
        (root / str(number)).mkdir()
        for i in range(12):
            angle, strength = 2 * np.pi * number / 5 + rng.normal(0, 0.1), rng.uniform(15, 50)
            hue = strength * (np.cos(angle) * red_or_green + np.sin(angle) * yellow_or_blue)
            colour = tuple((np.array([180, 190, 200]) + hue).astype(int).tolist())
            save_noise(root / str(number) / f"{i:02}.png", colour, 9000 + 100 * number + i, (6, 6))
    return read_class_folders(root)


@pytest.fixture(scope="module")
def adaptable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, whose network ends as those of samekind do."""
    path = tmp_path_factory.mktemp("adaptable") / "tiny.onnx"
    write_model(path, tiny_network().SerializeToString(), make_card())
    return path


@pytest.fixture(scope="module")
def found(narrow: LabelledImages, adaptable: Path) -> Recalibration:
    return recalibrate(load(adaptable), narrow, "mine", "narrow")


@pytest.fixture(scope="module")
def bare(narrow: LabelledImages, adaptable: Path) -> Recalibration:
    """Calibrated as it is, not adapted."""
    return recalibrate(load(adaptable), narrow, "mine", "narrow", bare=True)


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``calibrated`` is written."""
    return tmp_path_factory.mktemp("mine") / "mine.onnx"


@pytest.fixture(scope="module")
def calibrated(narrow: LabelledImages, adaptable: Path, mine: Path) -> Recalibrated:
    return calibrate(adaptable, narrow, mine)


def network_that_ends_otherwise() -> onnx.ModelProto:
    """``tiny_network``, normalising by one node of its own."""
    network = tiny_network()
    del network.graph.node[-3:]
    network.graph.node.append(helper.make_node("LpNormalization", ["raw"], ["embeddings"], axis=1, p=2))
    return network


def adapted_by_hand(rows: np.ndarray, collection: np.ndarray, full_length: float) -> np.ndarray:
    """Rows less the share of a collection's mean, of unit length; a picture that an earlier one repeats counts once."""
    collection = collection[~np.tril(collection @ collection.T > 0.995, -1).any(axis=1)]
    mean, count = collection.mean(axis=0), len(collection)
    length = np.sqrt((count * mean @ mean - 1) / (count - 1))
    rows = rows - min(1, length / full_length) * mean
    unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def losses_by_hand(embeddings: np.ndarray, labels: np.ndarray, second: np.ndarray, full_length: float) -> list[float]:
    """The log loss of pairs of the bare and of the adapted network, by fitting on each half and judging the other."""
    losses = []
    for adapted in (False, True):
        probabilities, answers = [], []
        for fit_on in (second, ~second):
            rows = embeddings.astype(np.float64)
            if adapted:
                rows = adapted_by_hand(rows, rows[fit_on], full_length)
            rows = rows.astype(np.float32)
            numbered = np.unique(labels[fit_on], return_inverse=True)[1].astype(np.int64)
            fitted = calibrations.fit_pair_calibration(rows[fit_on], numbered, "")
            first, partner = np.triu_indices(int((~fit_on).sum()), 1)
            scores = (rows[~fit_on] @ rows[~fit_on].T)[first, partner].astype(np.float64)
            probabilities.append(1 / (1 + np.exp(-(fitted.scale * scores + fitted.bias))))
            answers.append(labels[~fit_on][first] == labels[~fit_on][partner])
        same = np.concatenate(answers)
        weights = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
        losses.append(float(log_loss(same, np.concatenate(probabilities), sample_weight=weights)))
    return losses


def test_where_the_adapted_network_has_the_lower_cross_fitted_loss_it_is_the_start(
    narrow: LabelledImages, adaptable: Path, found: Recalibration
) -> None:
    model = load(adaptable)
    assert found.start is not None
    assert found.adaptation is not None
    second = halves(narrow.labels, [content_hash(path) for path in narrow.paths])
    bare, adapted = losses_by_hand(model.embed(narrow.paths), narrow.labels, second, FULL_LENGTH)
    assert (found.start.bare_log_loss, found.start.adapted_log_loss) == pytest.approx((bare, adapted), abs=2e-3)
    assert found.start.adapted == (adapted < bare) == True  # noqa: E712 - both, for these pictures
    assert found.card.adapted == found.adaptation.about
    assert (found.card.adapted.pictures, found.card.adapted.source) == (60, "narrow")


def test_the_old_rates_are_those_of_the_network_as_it_was(found: Recalibration, bare: Recalibration) -> None:
    assert found.pairs.old == bare.pairs.old
    assert found.pairs.new != bare.pairs.new
    assert (bare.start, bare.adaptation, bare.card.adapted) == (None, None, None)


def test_calibrated_as_it_is_nothing_adapts_it_over_the_labels(narrow: LabelledImages, adaptable_model: Path) -> None:
    model = load(adaptable_model)
    adapted, bare = (recalibrate(model, narrow, "mine", "narrow", bare=bare).card for bare in (False, True))
    assert model.card.domains is not None
    assert (adapted.domains, bare.domains) == (model.card.domains, None)


def test_a_model_that_is_adapted_stays_as_it_is(narrow: LabelledImages, calibrated: Recalibrated, mine: Path) -> None:
    read = read_model(mine)
    again = recalibrate(Recognizer(read_without_images(read)), narrow, "again", "narrow")
    assert (again.start, again.adaptation) == (None, None)
    assert again.card.adapted == calibrated.card.adapted is not None


def read_without_images(model: ModelFile) -> ModelFile:
    """A model that does not know which images it was calibrated on."""
    return ModelFile(model.card, model.data, SeenImages(()))


def test_too_few_pictures_to_adapt_to_are_calibrated_on_as_ever(narrow: LabelledImages, adaptable: Path) -> None:
    few = narrow.subset(np.flatnonzero([label < 2 and i % 12 < 8 for i, label in enumerate(narrow.labels)]))
    found = recalibrate(load(adaptable), few, "mine", "few")  # eight in each half
    assert (found.start, found.card.adapted) == (None, None)


def test_the_file_gives_the_embeddings_that_the_calibration_is_for(
    narrow: LabelledImages, adaptable: Path, calibrated: Recalibrated, mine: Path
) -> None:
    old, new = load(adaptable), load(mine)
    assert calibrated.card.adapted is not None
    assert new.card.fingerprint != old.card.fingerprint == calibrated.card.adapted.network
    assert new.card == calibrated.card
    rows = old.embed(narrow.paths).astype(np.float64)
    expected = adapted_by_hand(rows, rows, FULL_LENGTH)
    np.testing.assert_allclose(new.embed(narrow.paths), expected, atol=1e-4)
    kept = calibrate(adaptable, narrow, bare=True)
    assert kept.card.fingerprint == old.card.fingerprint
    assert kept.start is None


def test_a_network_that_ends_otherwise_is_calibrated_as_it_is(narrow: LabelledImages, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    write_model(other, network_that_ends_otherwise().SerializeToString(), make_card())
    found = calibrate(other, narrow)
    assert (found.start, found.card.adapted) == (None, None)
    assert found.card.fingerprint == found.old.fingerprint
