import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import COLOURS, save_noise
from PIL import Image

from samekind.errors import DatasetError, TrainingError
from samekind.training import reproduce as module
from samekind.training.reproduce import protocol_recipe, reproduce


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imagenette")
    for part, count in (("train", 60), ("val", 12)):
        for name, colour in COLOURS.items():
            (folder / part / name).mkdir(parents=True)
            for i in range(count):
                save_noise(folder / part / name / f"{i:02}.png", colour, seed=10_000 * count + 100 * ord(name[0]) + i)
    return folder


@pytest.fixture
def others(colour_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same colours by other names: classes that are not trained on."""
    folder = tmp_path_factory.mktemp("others")
    for name in COLOURS:
        shutil.copytree(colour_folders / name, folder / f"other {name}")
    return folder


def tiny(task: str):
    return protocol_recipe(task).with_settings(
        epochs=1,
        network={"backbone": "test_efficientnet", "input_size": 32},
        freezing={"stages": 5},
        augmentation={"views": 1},
        sampler={"per_class": 12, "items": 8},
        holdout={"calibration": 0.5},
    )


@pytest.mark.parametrize("task", ["pairs", "trios"])
def test_the_protocol_has_the_numbers_of_its_origin(task: str) -> None:
    recipe = protocol_recipe(task)
    assert recipe.network.backbone == "tf_efficientnet_b0"
    assert 10 * recipe.sampler.per_class == 1280
    assert 10 * module.TEST_ITEMS_PER_CLASS == 320
    assert [objective.loss for objective in recipe.objectives] == [{"pairs": "pairs", "trios": "triplet"}[task]]


def test_every_seed_is_trained_once_and_tested_on_both_answers(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: Path
) -> None:
    monkeypatch.setattr(module, "TEST_ITEMS_PER_CLASS", 8)
    arguments = {"seeds": range(2), "recipe": tiny("trios"), "unseen": others}
    results = reproduce("trios", data, "scratch", tmp_path, **arguments)
    assert [result.seed for result in results] == [0, 1]
    assert all(0 <= result.accuracy <= 1 and 0 <= result.unseen <= 1 for result in results)
    assert all(result.images < 100 for result in results)
    assert Image.open(tmp_path / "curves.png").width > 500

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(module, "train", fail)
    assert reproduce("trios", data, "scratch", tmp_path, **arguments) == results
    with pytest.raises(TrainingError, match="holds a run of other data or another recipe"):
        reproduce("trios", data, "scratch", tmp_path, seeds=[0], recipe=tiny("pairs"))
    moved = shutil.copytree(data, tmp_path / "other-data")
    with pytest.raises(TrainingError, match="holds a run of other data"):
        reproduce("trios", moved, "scratch", tmp_path, **arguments)


def test_classes_that_are_trained_on_are_not_unseen(data: Path, colour_folders: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="class 'blue' is trained on; name a folder of other classes"):
        reproduce("pairs", data, "scratch", tmp_path, unseen=colour_folders)
    assert not list(tmp_path.iterdir())


def test_a_folder_without_test_images_is_refused(colour_folders: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="train and val"):
        reproduce("pairs", colour_folders, "scratch", tmp_path)


def test_accuracy_weighs_both_answers_alike(tiny_model: Path, colour_folders: Path) -> None:
    import samekind
    from samekind.datasets.folders import read_class_folders
    from samekind.datasets.sampling import sample_trios

    model, images = samekind.load(tiny_model), read_class_folders(colour_folders)
    trios = sample_trios(images.labels, module.TEST_ITEMS_PER_CLASS, 3)
    said = np.array([model.verify_trio(*(images.paths[i] for i in item)).same for item in trios.images])
    expected = (said[trios.same].mean() + (~said[~trios.same]).mean()) / 2
    assert module._accuracy("trios", model, images, 3) == (len(said), pytest.approx(expected))
