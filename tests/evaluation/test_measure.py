from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import make_card, tiny_network

from samekind.datasets.folders import LabelledImages, read_class_folders
from samekind.errors import DatasetError
from samekind.evaluation.listed_items import read_pairs
from samekind.evaluation.measure import measure
from samekind.evaluation.metrics.metric import (
    AUC,
    EER,
    Metric,
    accuracy_at,
    accuracy_on,
    false_alarms_on,
    far_at,
    precision_at,
    tar_at,
    tar_at_far,
)
from samekind.evaluation.resampling.intervals import Estimate
from samekind.evaluation.results import Evaluation, estimates
from samekind.model_file.card import Card
from samekind.model_file.file import write_model
from samekind.recognizer import Recognizer, load
from samekind.report.build import build_report
from samekind.system.hashing import content_hash

CALIBRATION = {"ece", "brier", "log_loss"}
POINTS = {f"{metric}@{point}" for metric in ("far", "tar", "precision", "accuracy") for point in ("balanced", "strict")}
TASK_METRICS = {"auc", "eer", "tar@far=0.1", "tar@far=0.01"} | POINTS | CALIBRATION
PAIR_METRICS = TASK_METRICS | {f"uncalibrated.{metric}" for metric in CALIBRATION}
NAIVE = {"accuracy@balanced", "auc", "false_alarms@kind=ABC"} | CALIBRATION
TRIO_METRICS = (
    TASK_METRICS
    | {"false_alarms@kind=ABC"}
    | {f"accuracy@kind={name}" for name in ("AAA", "AAB", "ABA", "BAA", "ABC")}
    | {f"naive.{name}" for name in NAIVE}
)


def keys(metrics: Iterable[Metric]) -> set[str]:
    return {metric.key for metric in metrics}


def of_pairs(result: Evaluation) -> dict[Metric, Estimate]:
    return estimates(result.whole.pairs.metrics) if result.whole.pairs else {}


def of_trios(result: Evaluation) -> dict[Metric, Estimate]:
    return estimates(result.whole.trios.metrics) if result.whole.trios else {}


def quick(model: Recognizer, images: LabelledImages, **options: object) -> Evaluation:
    return measure(model, images, **{"trio_count": 2_400, "resamples": 40} | options)


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Recognizer:
    return load(tiny_model)


@pytest.fixture
def model_with(tmp_path: Path) -> Callable[[Card], Recognizer]:
    def write(card: Card) -> Recognizer:
        write_model(tmp_path / "other.onnx", tiny_network().SerializeToString(), card)
        return load(tmp_path / "other.onnx")

    return write


@pytest.fixture(scope="module")
def colours(colour_folders: Path) -> LabelledImages:
    return read_class_folders(colour_folders)


@pytest.fixture(scope="module")
def muddled(colours: LabelledImages) -> LabelledImages:
    """The colours with a third of the labels wrong, so that no rate is 0 or 1."""
    rng = np.random.default_rng(0)
    wrong = rng.random(len(colours)) < 1 / 3
    return replace(colours, labels=np.where(wrong, rng.integers(0, 4, len(colours)), colours.labels))


@pytest.fixture
def copied(colour_folders: Path, tmp_path: Path) -> Path:
    """A copy of the class folders to spoil."""
    return Path(shutil.copytree(colour_folders, tmp_path / "copied"))


def first_of_each(images: LabelledImages, count: int) -> LabelledImages:
    classes = range(len(images.classes))
    return images.subset(np.concatenate([np.flatnonzero(images.labels == c)[:count] for c in classes]))


def test_an_evaluation_says_what_was_measured(model: Recognizer, colours: LabelledImages, colour_folders: Path) -> None:
    result = quick(model, colours)
    assert result.judged.card is model.card
    assert result.data == str(colour_folders)
    assert (len(result.paths), result.classes, result.unreadable) == (96, colours.classes, ())
    assert result.whole.pairs is not None
    assert result.whole.pairs.counts == {"genuine": 4 * 24 * 23 // 2, "impostor": 6 * 24 * 24}
    assert result.whole.trios is not None
    assert result.whole.trios.counts == {"ABC": 1_200, "AAA": 300, "AAB": 300, "ABA": 300, "BAA": 300}
    assert keys(of_pairs(result)) == PAIR_METRICS
    assert keys(of_trios(result)) == TRIO_METRICS
    assert keys(result.whole.retrieval) == {"recall@1", "recall@5", "recall@10", "r_precision", "map@r"}


@pytest.mark.parametrize("seed", range(3))
def test_every_rate_lies_within_its_interval(model: Recognizer, muddled: LabelledImages, seed: int) -> None:
    result = quick(model, muddled, seed=seed)
    for metric, found in [*of_pairs(result).items(), *of_trios(result).items()]:
        assert 0 <= found.low <= found.value <= found.high, metric
        assert found.high <= 1 or "log loss" in metric.label, metric
        assert found.low < found.high, metric


def test_colours_that_are_far_apart_are_never_confused(model: Recognizer, colours: LabelledImages) -> None:
    result = quick(model, colours)
    for metrics in (of_pairs(result), of_trios(result)):
        assert metrics[accuracy_at("balanced")].value == 1
        assert metrics[AUC].value == pytest.approx(1)
    assert of_pairs(result)[EER].value == 0


def test_wrong_labels_show(model: Recognizer, muddled: LabelledImages) -> None:
    result = quick(model, muddled)
    assert 0.5 < of_pairs(result)[accuracy_at("balanced")].high < 1
    assert 0.5 < of_trios(result)[accuracy_at("balanced")].high < 1


def test_metrics_of_a_sample_agree_with_each_other(model: Recognizer, muddled: LabelledImages) -> None:
    pair, trio = (
        {metric: found.value for metric, found in metrics.items()}
        for metrics in (of_pairs(quick(model, muddled)), of_trios(quick(model, muddled)))
    )
    assert pair[accuracy_at("balanced")] == pytest.approx((pair[tar_at("balanced")] + 1 - pair[far_at("balanced")]) / 2)
    assert pair[far_at("strict")] <= pair[far_at("balanced")]
    assert pair[tar_at("strict")] <= pair[tar_at("balanced")]
    assert trio[accuracy_on("ABC")] == pytest.approx(1 - trio[false_alarms_on("ABC")])
    alike = np.mean([trio[accuracy_on(name)] for name in ("AAA", "AAB", "ABA", "BAA")])
    assert trio[accuracy_at("balanced")] == pytest.approx((alike + trio[accuracy_on("ABC")]) / 2)
    assert trio[precision_at("balanced")] == pytest.approx(
        trio[tar_at("balanced")] / (trio[tar_at("balanced")] + trio[far_at("balanced")])
    )


def test_a_low_rate_is_measured_only_with_enough_pairs_behind_it(model: Recognizer, colours: LabelledImages) -> None:
    assert tar_at_far(0.001) not in of_pairs(quick(model, colours))  # of 3,456 impostors
    few = of_pairs(quick(model, first_of_each(colours, 11)))  # of 726
    assert tar_at_far(0.1) in few
    assert tar_at_far(0.01) not in few


def test_a_seed_decides_the_evaluation(model: Recognizer, muddled: LabelledImages) -> None:
    first, again, other = (quick(model, muddled, seed=seed) for seed in (1, 1, 2))
    assert build_report(first) == build_report(again)
    assert of_pairs(first)[AUC].low != of_pairs(other)[AUC].low
    assert of_trios(first)[AUC].value != of_trios(other)[AUC].value


def test_progress_ends_at_the_number_of_images(model: Recognizer, colours: LabelledImages) -> None:
    seen: list[tuple[str, int, int]] = []
    measure(model, colours, trio_count=32, resamples=10, on_progress=lambda *step: seen.append(step))
    images = [done for stage, done, total in seen if stage == "images"]
    assert images == sorted(images)
    assert {stage: (done, total) for stage, done, total in seen} == {
        "images": (96, 96),
        "tiny: pairs, unseen": (96, 96),
    }


def test_an_unreadable_file_is_named_and_left_out(model: Recognizer, copied: Path) -> None:
    (copied / "green" / "broken.png").write_bytes(b"no picture")
    (copied / "red" / "05.png").write_bytes(b"")
    result = quick(model, read_class_folders(copied))
    assert len(result.paths) == 95
    assert [Path(message.split(":")[0]).name for message in result.unreadable] == ["broken.png", "05.png"]


def test_unreadable_files_do_not_shift_the_others(model: Recognizer, copied: Path) -> None:
    for name in ("blue", "green"):
        (copied / name / "00.png").write_bytes(b"no picture")
    assert of_pairs(quick(model, read_class_folders(copied)))[accuracy_at("balanced")].value == 1


def test_one_class_is_too_few(model: Recognizer, colours: LabelledImages) -> None:
    with pytest.raises(DatasetError, match="one class only"):
        quick(model, colours.only_classes(frozenset({"red"})))


@pytest.mark.parametrize("readable", [0, 1])
def test_a_class_with_too_few_readable_images_is_named(model: Recognizer, copied: Path, readable: int) -> None:
    for path in sorted((copied / "red").iterdir())[readable:]:
        path.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=f"class 'red' has {readable} readable images; two are needed"):
        quick(model, read_class_folders(copied))


def test_a_folder_without_any_readable_image_is_an_error(model: Recognizer, tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="class 'a' has 0 readable images"):
        quick(model, read_class_folders(tmp_path))


def test_images_that_a_model_was_trained_on_are_refused(tmp_path: Path, colours: LabelledImages) -> None:
    seen = content_hash(colours.paths[5])
    write_model(tmp_path / "seen.onnx", tiny_network().SerializeToString(), make_card(), [seen])
    with pytest.raises(DatasetError, match=r"1 of 96 images had a part in .* of tiny, such as .*05\.png"):
        quick(load(tmp_path / "seen.onnx"), colours)
    others = np.delete(np.arange(96), 5)
    assert len(quick(load(tmp_path / "seen.onnx"), colours.subset(others)).paths) == 95


def test_the_names_of_classes_seen_in_training_are_told(
    model_with: Callable[[Card], Recognizer], colours: LabelledImages
) -> None:
    training = make_card().training.model_copy(update={"classes": ("white", "pink", "blue")})
    assert quick(model_with(make_card(training=training)), colours).classes_seen == ("blue", "white")
    assert quick(model_with(make_card()), colours).classes_seen == ()


def test_two_classes_have_no_trios(model: Recognizer, colours: LabelledImages) -> None:
    result = quick(model, colours.only_classes(frozenset({"red", "blue"})))
    assert (result.classes, result.whole.trios, of_trios(result)) == (("blue", "red"), None, {})
    assert keys(of_pairs(result)) == PAIR_METRICS - {"tar@far=0.01"}  # of 576 impostors


def test_a_model_that_is_not_calibrated_for_trios_is_measured_on_pairs(
    model_with: Callable[[Card], Recognizer], colours: LabelledImages
) -> None:
    result = quick(model_with(make_card(trio=None)), colours)
    assert (result.whole.trios, of_trios(result)) == (None, {})
    assert keys(of_pairs(result)) == PAIR_METRICS


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_few_images_are_enough(model: Recognizer, colours: LabelledImages, count: int) -> None:
    few = first_of_each(colours, count).only_classes(frozenset({"red", "green", "blue"}))
    result = quick(model, few)
    assert of_pairs(result)[accuracy_at("balanced")].value == 1
    assert of_trios(result)[accuracy_at("balanced")].value == 1
    assert (accuracy_on("AAA") in of_trios(result)) == (count > 2)


@pytest.mark.parametrize("count", [2, 6])
def test_folders_too_small_for_the_protocol_have_no_protocol(
    model: Recognizer, colours: LabelledImages, count: int
) -> None:
    assert quick(model, first_of_each(colours, count)).judged.protocol is None


def test_the_protocol_is_the_mean_of_its_draws(model: Recognizer, muddled: LabelledImages) -> None:
    found = quick(model, muddled).judged.protocol
    assert found is not None
    assert 0.5 < found.smallest < found.mean < found.largest < 1
    value, pairs = found.mean, 4 * 32 * 10
    assert round(value * pairs) == pytest.approx(value * pairs)


def test_the_protocol_on_colours_that_are_far_apart_is_perfect(model: Recognizer, colours: LabelledImages) -> None:
    found = quick(model, colours).judged.protocol
    assert found is not None
    assert (found.smallest, found.mean, found.largest) == (1, 1, 1)


def test_byte_copies_within_a_class_change_no_number(model: Recognizer, muddled: LabelledImages, copied: Path) -> None:
    few = quick(model, read_class_folders(copied))
    for path in sorted(copied.glob("*/0*.png")):
        shutil.copyfile(path, path.with_name(f"copy of {path.name}"))
    result = quick(model, read_class_folders(copied))
    assert (few.copies, result.copies, len(result.paths)) == (0, 40, 96)
    first, second = build_report(few), build_report(result)
    assert second.groups == first.groups
    assert not any("byte" in note for note in first.notes)
    assert any("Left out as byte copies of others of their class: 40." in note for note in second.notes)


def test_a_file_that_lies_in_two_classes_is_named(model: Recognizer, copied: Path) -> None:
    shutil.copyfile(copied / "red" / "00.png", copied / "blue" / "x.png")
    result = quick(model, read_class_folders(copied))
    assert (result.copies, len(result.paths)) == (0, 97)
    assert result.in_two_classes == ((copied / "blue" / "x.png", copied / "red" / "00.png"),)
    named = f"{copied / 'blue' / 'x.png'} and {copied / 'red' / '00.png'}"
    assert any("more than one class" in note and named in note for note in build_report(result).notes)


def test_a_class_of_copies_is_too_small(model: Recognizer, copied: Path) -> None:
    for path in sorted((copied / "red").iterdir())[1:]:
        shutil.copyfile(copied / "red" / "00.png", path)
    with pytest.raises(DatasetError, match=r"class 'red' has 1 readable images; two are needed \(copies count once\)"):
        quick(model, read_class_folders(copied))


def test_a_listed_copy_stands_for_the_file_that_is_kept(model: Recognizer, copied: Path) -> None:
    shutil.copyfile(copied / "red" / "00.png", copied / "red" / "copy.png")
    rows = ("red/copy.png,red/01.png,1", "red/copy.png,red/00.png,1", "red/copy.png,blue/00.png,0")
    (copied / "pairs.csv").write_text("\n".join(["first,second,same", *rows]))
    result = quick(model, read_class_folders(copied), pairs=read_pairs(copied / "pairs.csv"))
    assert result.whole.pairs is not None
    assert result.whole.pairs.counts == {"genuine": 1, "impostor": 1}


def test_a_file_that_cannot_be_opened_is_named_and_left_out(model: Recognizer, copied: Path) -> None:
    images = read_class_folders(copied)
    (copied / "red" / "03.png").unlink()
    result = quick(model, images)
    assert len(result.paths) == 95
    assert result.unreadable == (f"{copied / 'red' / '03.png'}: cannot be read (No such file or directory)",)
