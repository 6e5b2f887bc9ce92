import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from training.runs import SMALL, split_folder, train

import samekind
from samekind.datasets.folders import read_class_folders
from samekind.errors import DatasetError, TrainingError
from samekind.evaluation.measure import measure
from samekind.model_file.file import read_model
from samekind.progress import note_of
from samekind.system.hashing import content_hash, split_digest
from samekind.training.network import export
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.network.start import initialise
from samekind.training.recipe import Recipe
from samekind.training.run.folder import RunFolder
from samekind.training.run.settings import RunSettings
from samekind.training.split import keep_split


def test_the_model_file_works_without_torch_and_says_what_it_is(trained, colour_folders: Path) -> None:
    model = samekind.load(trained.settings.output)
    card = model.card
    assert card == trained.card
    assert (card.name, card.dimension, card.input_size) == ("colours", 128, 32)
    assert card.training.classes == ("blue", "green", "red", "white")
    assert card.training.recipe["epochs"] == 2
    assert set(card.pair.operating_points) >= {"balanced"}
    assert card.trio is not None
    verdict = model.verify(colour_folders / "red" / "00.png", colour_folders / "red" / "01.png")
    assert 0 <= verdict.probability <= 1


def test_thresholds_come_from_images_that_were_not_trained_on(trained, colour_folders: Path) -> None:
    images = read_class_folders(colour_folders)
    measured = trained.card.pair.measured_on
    assert measured.images + trained.card.training.images == len(images)
    half = measured.images // 2
    assert measured.cross_fitted
    assert measured.positives + measured.negatives == half * (half - 1)  # the pairs within two halves
    assert trained.card.training.digest != split_digest(content_hash(path) for path in images.paths)


def test_progress_of_every_stage_is_reported(trained) -> None:
    stages = {stage: (done, total) for stage, done, total in trained.stages}
    assert [stage.partition(" (")[0] for stage in stages] == [
        "look at the images", "look for copies", "train features", "held-out features", "training steps", "calibrate",
    ]  # fmt: skip
    assert all(done == total for done, total in stages.values())


def test_training_tells_epoch_loss_and_error_rate(trained) -> None:
    notes = [note_of(stage) for stage, _, _ in trained.stages if stage == "training steps"]
    assert re.fullmatch(r"epoch 1 of 2, loss \d+\.\d{3}", notes[0])
    assert re.fullmatch(r"epoch 2 of 2, loss \d+\.\d{3}, held-out EER \d+\.\d\d%", notes[-1])


def test_the_run_folder_keeps_settings_and_log_but_not_the_cache(trained) -> None:
    assert RunFolder(trained.run).read_settings() == trained.settings
    assert (trained.run / "logs" / "metrics.csv").read_text().count("\n") > 2
    assert not (trained.run / "features").exists()


def test_training_can_start_again_from_the_file(trained) -> None:
    network = SiameseNetwork("tf_efficientnet_b0", 128, frozen_stages=5)
    weights = initialise(network, str(trained.settings.output))
    assert weights.fresh == set()
    assert "as colours" in weights.pretraining
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    with torch.no_grad():
        embedding = network.eval()(torch.from_numpy(image)).numpy()
    model = samekind.load(trained.settings.output)
    np.testing.assert_allclose(embedding, model.encoder.encode_pixels(image), atol=1e-5)


def test_a_finished_training_is_not_repeated(trained, tmp_path: Path) -> None:
    run = shutil.copytree(trained.run, tmp_path / "run")
    output = tmp_path / "colours.onnx"
    stages: set[str] = set()
    card = train(
        trained.settings.model_copy(update={"output": output}),
        run,
        resume=True,
        report=lambda stage, *_: stages.add(stage),
    )
    assert stages == {"look at the images", "calibrate"}
    assert card.fingerprint == trained.card.fingerprint


def test_the_model_may_be_written_into_the_run_folder_itself(trained, tmp_path: Path) -> None:
    run = shutil.copytree(trained.run, tmp_path / "run")
    settings = trained.settings.model_copy(update={"output": run / "model.onnx"})
    assert train(settings, run, resume=True).fingerprint == trained.card.fingerprint
    assert read_model(run / "model.onnx").card.name == "model"


def test_an_export_that_disagrees_with_torch_is_not_written(
    trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(trained.run, tmp_path / "run")
    settings = trained.settings.model_copy(update={"output": tmp_path / "colours.onnx"})
    monkeypatch.setattr(export, "parity", lambda *_: float("nan"))
    with pytest.raises(TrainingError, match="differ from torch's"):
        train(settings, run, resume=True)
    assert not settings.output.exists()


def test_a_network_that_torch_cannot_export_is_refused_before_it_is_trained(
    colour_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise NotImplementedError("no operator for this")

    monkeypatch.setattr(torch.onnx, "export", fails)
    recipe = SMALL.with_settings(network={"dimension": 11})  # which no other test has exported
    settings = RunSettings(folder=colour_folders, output=tmp_path / "m.onnx", recipe=recipe, init="scratch")
    with pytest.raises(TrainingError, match=r"\(no operator for this\), so no model file .* use another network"):
        train(settings, tmp_path / "run")
    assert not any(tmp_path.iterdir())


def test_a_loss_that_is_no_number_stops_the_run(colour_folders: Path, tmp_path: Path) -> None:
    recipe = SMALL.with_settings(optimizer={"lr": 1e18})
    settings = RunSettings(folder=colour_folders, output=tmp_path / "m.onnx", recipe=recipe, init="scratch")
    with pytest.raises(TrainingError, match="the loss is"):
        train(settings, tmp_path / "run")
    assert not settings.output.exists()


def test_train_and_val_are_kept_apart_and_val_is_measured(colour_folders: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(colour_folders, data / "train")
    for name in ("blue", "green", "red", "white"):
        (data / "val" / name).mkdir(parents=True)
        for number in range(16, 24):
            shutil.move(data / "train" / name / f"{number}.png", data / "val" / name)
    recipe = SMALL.with_settings(epochs=1, freezing={"stages": 0}, objectives=[{"loss": "triplet"}])
    settings = RunSettings(folder=data, output=tmp_path / "m.onnx", recipe=recipe, init="scratch")
    card = train(settings, tmp_path / "run")
    assert card.training.images + card.pair.measured_on.images == 64
    assert {(m.data, m.split, m.group, m.note) for m in card.metrics} == {
        ("data", "test", "seen", "4 of 4 classes seen in training")
    }
    (rate,) = (m.value for m in card.metrics if (m.task, m.metric) == ("pairs", "eer"))
    assert 0 <= rate <= 1


def test_a_folder_too_small_to_fill_a_batch_is_refused(colour_folders: Path, tmp_path: Path) -> None:
    settings = RunSettings(
        folder=colour_folders,
        output=tmp_path / "m.onnx",
        recipe=Recipe().with_settings(sampler={"images": 100}),
        init="scratch",
    )
    with pytest.raises(TrainingError, match="do not fill one batch"):
        train(settings, tmp_path / "run")


def test_a_missing_test_folder_shows_before_any_work(colour_folders: Path, tmp_path: Path, trained) -> None:
    settings = trained.settings.model_copy(update={"tests": (tmp_path / "nowhere",)})
    with pytest.raises(DatasetError, match="nowhere"):
        train(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_test_folder_with_training_images_is_refused(colour_folders: Path, tmp_path: Path, trained) -> None:
    settings = trained.settings.model_copy(update={"tests": (colour_folders,)})
    with pytest.raises(DatasetError, match="is the same image as"):
        train(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_does_not_go_on_with_other_images(colour_folders: Path, tmp_path: Path, trained) -> None:
    data = Path(shutil.copytree(colour_folders, tmp_path / "data"))
    settings, run = trained.settings.model_copy(update={"folder": data}), tmp_path / "run"
    keep_split(split_folder(data, settings.recipe), RunFolder(run))
    RunFolder(run).begin(settings, "{}")
    shutil.copyfile(data / "blue" / "00.png", data / "red" / "00.png")
    with pytest.raises(TrainingError, match="have changed since this run began"):
        train(settings, run, resume=True)


def test_the_images_of_a_run_cannot_be_used_to_evaluate_its_model(trained, colour_folders: Path) -> None:
    model = samekind.load(trained.settings.output)
    with pytest.raises(DatasetError, match="96 of 96 images had a part"):
        measure(model, read_class_folders(colour_folders))


def test_a_second_run_in_the_same_folder_is_refused(trained) -> None:
    with pytest.raises(TrainingError, match="--resume"):
        RunFolder(trained.run).begin(trained.settings, "{}")


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no run to resume"):
        RunFolder(tmp_path).read_settings()
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(TrainingError, match="broken"):
        RunFolder(tmp_path).read_settings()
