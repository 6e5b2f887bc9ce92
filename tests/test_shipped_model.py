"""The models that come with samekind, on real photographs that had no part in its making."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

import samekind
from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.datasets.sampling import sample_pairs, sample_trios
from samekind.model_file.file import bundled_models


@pytest.fixture(scope="module", params=["general", "imagenette"])
def model(request: pytest.FixtureRequest) -> samekind.Recognizer:
    return samekind.load(request.param)


@pytest.fixture(scope="module")
def validation(shared: Path) -> LabelledImages:
    images = read_class_folders(shared / "data" / "imagenette2-224" / "val")
    return images.subset(np.arange(0, len(images), 20))


def test_the_default_is_for_any_kind_of_picture() -> None:
    assert samekind.load().card.name == "general"
    assert set(bundled_models()) == {"general", "imagenette"}


def test_the_file_is_small_and_its_card_complete(model: samekind.Recognizer) -> None:
    card = model.card
    assert bundled_models()[card.name].stat().st_size <= 10e6
    assert (card.backbone, card.input_size) == ("tf_efficientnet_b0", 224)
    assert len(card.training.classes) == {"general": 863, "imagenette": 10}[card.name]
    assert set(card.pair.operating_points) == {"balanced", "strict", "very_strict"}
    assert card.trio is not None
    # Those of `general` are cross-fitted over classes: a threshold that one in a thousand impostor pairs passes among
    # forty classes may let three through among ten others, and the card says so.
    assert card.pair.operating_points["strict"].far <= 0.015
    assert card.pair.operating_points["very_strict"].far <= 0.003
    assert card.format_version == 2
    assert card.pair.measured_on.domain
    assert {(found.data, found.group) for found in card.metrics} == {
        ("imagenette2-224", "seen"),
        ("caltech101-a", "unseen") if card.name == "general" else ("data/caltech101-a", "unseen"),
    }
    assert "ImageNet" in card.training.pretraining
    assert card.licence.startswith("Apache-2.0")


def test_it_judges_pairs_and_trios_rightly(model: samekind.Recognizer, validation: LabelledImages) -> None:
    pairs = sample_pairs(validation.labels, 20, seed=0)
    verdicts = model.verify_pairs([tuple(validation.paths[i] for i in pair) for pair in pairs.images])
    assert np.mean([verdict.same for verdict in verdicts] == pairs.same) >= 0.97
    trios = sample_trios(validation.labels, 16, seed=0)
    judged = model.verify_trios([tuple(validation.paths[i] for i in trio) for trio in trios.images])
    right = np.array([verdict.same for verdict in judged]) == trios.same
    assert right[trios.same].mean() >= 0.95
    assert right[~trios.same].mean() >= 0.95


def test_the_order_of_images_changes_nothing_to_the_bit(model: samekind.Recognizer, validation: LabelledImages) -> None:
    members = [validation.paths[i] for i in (0, 1, 100)]
    first, second = members[0], members[2]
    assert model.verify(first, second) == model.verify(second, first)
    verdicts = [model.verify_trio(*order) for order in permutations(members)]
    assert len({(v.same, v.probability.hex(), v.similarity.hex()) for v in verdicts}) == 1


def test_one_at_a_time_or_in_a_batch_is_the_same_to_the_bit(
    model: samekind.Recognizer, validation: LabelledImages
) -> None:
    paths = validation.paths[:11]
    together = model.embed(paths)
    np.testing.assert_array_equal(together, np.concatenate([model.embed(path) for path in paths]))
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)


def test_it_was_not_trained_on_validation_images(model: samekind.Recognizer, validation: LabelledImages) -> None:
    from samekind.system.hashing import content_hash

    assert not any(content_hash(path) in model.seen_images for path in validation.paths)
