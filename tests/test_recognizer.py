from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import DIMENSION, SIZE, make_card, tiny_network
from hypothesis import given
from PIL import Image
from strategies import pixels, unit_rows

from samekind.errors import ArgumentError, EmbeddingError, ImageError, ModelFileError, OperatingPointError
from samekind.images import ImageSource
from samekind.inference.embedder import Embedded
from samekind.inference.similarity import TRIO_PAIRS
from samekind.inference.verdict import TrioVerdict, Verdict
from samekind.model_file.file import ModelFile, read_model, write_model
from samekind.recognizer import Recognizer, load

RED, DARK_RED, BLUE = (220, 40, 40), (160, 30, 30), (40, 40, 220)


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Recognizer:
    return load(tiny_model, threads=1)


@pytest.fixture(scope="module")
def pairs_only(tiny_model: Path) -> Recognizer:
    """A model whose card has no calibration for trios."""
    return Recognizer(ModelFile(make_card(trio=None), read_model(tiny_model).data))


@pytest.fixture
def trio(photo: Callable[..., Path]) -> tuple[Path, Path, Path]:
    """Three pictures, of which no two pairs are equally alike."""
    return photo("red.png", RED, 1), photo("dark.png", DARK_RED, 2), photo("blue.png", BLUE, 3)


@pytest.fixture
def embedded(model: Recognizer, monkeypatch: pytest.MonkeyPatch) -> list[ImageSource]:
    """The sources that the encoder is given, in order."""
    seen: list[ImageSource] = []
    stream = model.encoder.stream

    def counting(sources: Iterator[ImageSource], **options: object) -> Iterator[object]:
        items = list(sources)
        seen.extend(items)
        return stream(items, **options)

    monkeypatch.setattr(model.encoder, "stream", counting)
    return seen


# One pair


def test_alike_and_different(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    red, dark, blue = trio
    assert model.verify(red, dark).same
    assert not model.verify(red, blue).same


def test_verdict_says_how_it_was_reached(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    verdict = model.verify(trio[0], trio[2])
    first, second = model.embed([trio[0], trio[2]]).astype(np.float64)
    assert verdict.similarity == pytest.approx(first @ second, abs=1e-6)
    assert verdict.probability == pytest.approx(1 / (1 + math.exp(5 - 10 * verdict.similarity)), rel=1e-9)
    assert (verdict.threshold, verdict.operating_point, verdict.model) == (0.5, "balanced", "tiny")
    types = [bool, float, float, float, str, str, str, type(None)]
    assert [type(value) for value in dataclasses.astuple(verdict)] == types
    assert (verdict.rates_from, verdict.doubt) == ("a test", None)


@given(pixels(SIZE), pixels(SIZE))
def test_verify_is_symmetric_to_the_bit(model: Recognizer, first: np.ndarray, second: np.ndarray) -> None:
    assert repr(model.verify(first, second)) == repr(model.verify(second, first))


@given(pixels(SIZE))
def test_an_image_is_the_same_as_itself(model: Recognizer, image: np.ndarray) -> None:
    verdict = model.verify(image, image)
    assert verdict.same
    assert verdict.similarity == pytest.approx(1, abs=1e-6)


@given(unit_rows(7, DIMENSION), unit_rows(7, DIMENSION))
def test_judged_one_by_one_or_together_is_the_same(model: Recognizer, first: np.ndarray, second: np.ndarray) -> None:
    together = model.judge_pairs(first, second)
    assert together == [model.judge_pairs(first[i : i + 1], second[i : i + 1])[0] for i in range(7)]


def test_verify_equals_verify_pairs_equals_judge_pairs(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    pairs = [(trio[i], trio[j]) for i, j in TRIO_PAIRS]
    alone = [model.verify(*pair, operating_point="strict") for pair in pairs]
    together = model.verify_pairs(pairs, operating_point="strict")
    first, second = (model.embed([pair[i] for pair in pairs]) for i in range(2))
    assert alone == together == model.judge_pairs(first, second, operating_point="strict")


def test_unreadable_image_is_raised_by_name(model: Recognizer, photo: Callable[..., Path]) -> None:
    with pytest.raises(ImageError, match=r"^gone\.png: no such file"):
        model.verify(photo(), "gone.png")
    with pytest.raises(ImageError, match=r"^gone\.png: no such file"):
        model.verify_trio(photo(), "gone.png", photo())


# One trio


@given(unit_rows(3, DIMENSION))
def test_trio_answer_is_the_same_to_the_bit_in_every_order(model: Recognizer, rows: np.ndarray) -> None:
    answers = {
        (v.same, v.probability.hex(), v.similarity.hex(), v.threshold, v.operating_point)
        for order in permutations(range(3))
        for v in model.judge_trios(*(rows[[i]] for i in order))
    }
    assert len(answers) == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_verify_trio_in_every_order(
    model: Recognizer, trio: tuple[Path, Path, Path], order: tuple[int, int, int]
) -> None:
    expected = model.verify_trio(*trio)
    verdict = model.verify_trio(*(trio[i] for i in order))
    answer = ("same", "probability", "similarity", "threshold", "operating_point", "model")
    assert [getattr(verdict, name) for name in answer] == [getattr(expected, name) for name in answer]
    by_images = {frozenset(pair): v for pair, v in zip(TRIO_PAIRS, expected.pairs, strict=True)}
    assert verdict.pairs == tuple(by_images[frozenset((order[i], order[j]))] for i, j in TRIO_PAIRS)
    assert {order[i] for i in verdict.most_alike} == set(expected.most_alike) == {0, 1}
    assert verdict.most_alike in TRIO_PAIRS


def test_trio_verdict_says_how_it_was_reached(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    verdict = model.verify_trio(*trio)
    high, middle, low = sorted((v.similarity for v in verdict.pairs), reverse=True)
    assert verdict.similarity == high
    assert verdict.probability == pytest.approx(1 / (1 + math.exp(6 - 10 * high - middle - 0.5 * low)), rel=1e-9)
    assert verdict.same == (verdict.probability >= verdict.threshold)
    assert verdict.pairs == tuple(model.verify(trio[i], trio[j]) for i, j in TRIO_PAIRS)


def test_verify_trio_equals_verify_trios_equals_judge_trios(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    trios = list(permutations(trio))
    alone = [model.verify_trio(*members, threshold=0.3) for members in trios]
    columns = [model.embed([members[i] for members in trios]) for i in range(3)]
    assert alone == model.verify_trios(trios, threshold=0.3) == model.judge_trios(*columns, threshold=0.3)


def test_trio_at_a_number_has_its_pairs_at_balanced(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    verdict = model.verify_trio(*trio, threshold=0.3)
    assert (verdict.threshold, verdict.operating_point) == (0.3, None)
    assert {(v.threshold, v.operating_point) for v in verdict.pairs} == {(0.5, "balanced")}


def test_trio_at_a_name_has_its_pairs_at_that_name(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    verdict = model.verify_trio(*trio, operating_point="strict")
    assert {v.operating_point for v in (verdict, *verdict.pairs)} == {"strict"}


def test_model_for_pairs_only_refuses_trios_before_any_work(pairs_only: Recognizer) -> None:
    rows = np.eye(1, DIMENSION, dtype=np.float32)
    with pytest.raises(OperatingPointError, match="tiny: calibrated for pairs only"):
        pairs_only.judge_trios(rows, rows, rows)
    with pytest.raises(OperatingPointError, match="tiny: calibrated for pairs only"):
        pairs_only.verify_trios([("gone.png", "gone.png", "gone.png")])
    assert len(pairs_only.judge_pairs(rows, rows)) == 1


# Thresholds

Judge = Callable[..., Verdict | TrioVerdict]


@pytest.fixture(params=["verify", "verify_trio", "verify_pairs", "verify_trios", "judge_pairs", "judge_trios"])
def judge(request: pytest.FixtureRequest, model: Recognizer) -> Judge:
    """One item judged in each of the six ways."""
    image = np.full((SIZE, SIZE, 3), 200, np.uint8)
    images = (image,) * (3 if "trio" in request.param else 2)
    method = getattr(model, request.param)
    if request.param.startswith("judge"):
        return lambda **options: method(*map(model.embed, images), **options)[0]
    if request.param.endswith("s"):
        return lambda **options: method([images], **options)[0]
    return lambda **options: method(*images, **options)


@pytest.mark.parametrize(("name", "threshold"), [(None, 0.5), ("balanced", 0.5), ("strict", 0.8)])
def test_operating_point_gives_the_threshold(judge: Judge, name: str | None, threshold: float) -> None:
    verdict = judge(operating_point=name)
    assert (verdict.operating_point, verdict.threshold) == (name or "balanced", threshold)


@pytest.mark.parametrize("threshold", [0, 0.25, 1.0, np.float32(0.5)])
def test_threshold_may_be_a_number(judge: Judge, threshold: float) -> None:
    verdict = judge(threshold=threshold)
    assert (verdict.operating_point, verdict.threshold) == (None, threshold)
    assert type(verdict.threshold) is float


@pytest.mark.parametrize("threshold", [1.01, -1.01, math.nan, math.inf, -math.inf])
def test_threshold_out_of_range_is_refused(judge: Judge, threshold: float) -> None:
    with pytest.raises(OperatingPointError, match=rf"the threshold is a \w+, from -?[01] to 1; got {threshold:g}"):
        judge(threshold=threshold)


@pytest.mark.parametrize("name", ["very_strict", ""])
def test_unknown_operating_point_is_refused(judge: Judge, name: str) -> None:
    with pytest.raises(OperatingPointError, match="balanced, strict"):
        judge(operating_point=name)


def test_operating_point_and_threshold_together_are_refused(judge: Judge) -> None:
    with pytest.raises(OperatingPointError, match="not both"):
        judge(operating_point="balanced", threshold=0.5)


def test_only_similarities_may_be_below_zero(model: Recognizer) -> None:
    rows = np.eye(2, DIMENSION, dtype=np.float32)
    assert [v.same for v in model.judge_pairs(rows, -rows, threshold=-1.0)] == [True, True]
    with pytest.raises(OperatingPointError, match=r"a probability, from 0 to 1; got -0\.5"):
        model.judge_trios(rows, rows, rows, threshold=-0.5)


def test_a_similarity_at_the_threshold_is_the_same(model: Recognizer) -> None:
    first = np.eye(1, DIMENSION, dtype=np.float32)
    second = np.array([[0.6, 0.8, 0, 0, 0, 0]], np.float32)
    at = model.judge_pairs(first, second)[0].similarity
    assert model.judge_pairs(first, second, threshold=at)[0].same
    assert not model.judge_pairs(first, second, threshold=math.nextafter(at, 1))[0].same


# Many at once


@pytest.mark.parametrize("count", [2, 3])
def test_each_different_image_is_embedded_once(
    model: Recognizer, trio: tuple[Path, Path, Path], embedded: list[ImageSource], count: int
) -> None:
    array = np.zeros((8, 8, 3), np.uint8)
    red, dark, blue = trio
    sources = [red, str(red), dark, array, blue, array, red, dark, array][: count * 3]
    items = [tuple(sources[i : i + count]) for i in range(0, len(sources), count)]
    results = (model.verify_pairs if count == 2 else model.verify_trios)(items)
    assert len(results) == 3
    assert embedded == [red, dark, array, blue]


def test_bad_images_are_errors_in_their_place_and_the_others_go_on(
    model: Recognizer, trio: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    red, dark, blue = trio
    gone, broken = tmp_path / "gone.png", tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    results = model.verify_pairs([(red, gone), (red, dark), (broken, gone), (gone, broken), (red, blue)])
    assert [isinstance(result, ImageError) for result in results] == [True, False, True, True, False]
    for place, path in ((0, gone), (2, broken), (3, gone)):
        assert str(results[place]).startswith(f"{path}: ")
    assert (results[1], results[4]) == (model.verify(red, dark), model.verify(red, blue))

    trios = model.verify_trios([(red, dark, gone), (red, dark, blue)])
    assert isinstance(trios[0], ImageError)
    assert trios[1] == model.verify_trio(red, dark, blue)


def test_all_bad(model: Recognizer) -> None:
    assert all(isinstance(v, ImageError) for v in model.verify_pairs([("a", "b"), ("b", "c")]))
    assert all(isinstance(v, ImageError) for v in model.verify_trios([("a", "b", "c")]))


@pytest.mark.parametrize("nothing", [[], (), iter(())])
def test_nothing_to_judge(model: Recognizer, nothing: list[tuple[str, str]]) -> None:
    assert model.verify_pairs(nothing) == []
    assert model.verify_trios(nothing) == []


def test_no_embeddings_to_judge(model: Recognizer) -> None:
    none = np.empty((0, DIMENSION), np.float32)
    assert model.judge_pairs(none, none) == []
    assert model.judge_trios(none, none, none) == []


def test_pairs_may_come_from_a_generator(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    pairs = [(trio[i], trio[j]) for i, j in TRIO_PAIRS]
    assert model.verify_pairs(pair for pair in pairs) == model.verify_pairs(pairs)


def test_pairs_may_be_an_array(model: Recognizer) -> None:
    array = np.random.default_rng(0).integers(0, 256, (5, 2, SIZE, SIZE, 3)).astype(np.uint8)
    assert model.verify_pairs(array) == [model.verify(*pair) for pair in array]  # type: ignore[arg-type]


def test_bad_threshold_is_refused_before_any_work(model: Recognizer, embedded: list[ImageSource]) -> None:
    with pytest.raises(OperatingPointError):
        model.verify_pairs([("a.png", "b.png")], threshold=2.0)
    with pytest.raises(OperatingPointError):
        model.verify_trios([("a.png", "b.png", "c.png")], operating_point="loose")
    assert embedded == []


def test_progress_counts_different_images(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    calls: list[tuple[str, int, int]] = []
    model.verify_pairs([(trio[i], trio[j]) for i, j in TRIO_PAIRS], on_progress=lambda *call: calls.append(call))
    assert calls[-1] == ("images", 3, 3)


# Embedding


@pytest.mark.parametrize(
    "as_images",
    [
        str,
        Path,
        Path.read_bytes,
        lambda path: path.open("rb"),
        Image.open,
        lambda path: np.asarray(Image.open(path)),
        lambda path: np.asarray(Image.open(path))[None],
        lambda path: [path],
        lambda path: (path for _ in range(1)),
        lambda path: {path},
    ],
    ids=["str", "Path", "bytes", "file", "PIL", "array", "4-D array", "list", "generator", "set"],
)
def test_one_image_in_every_form_is_one_row(
    model: Recognizer, photo: Callable[..., Path], as_images: Callable[[Path], ImageSource]
) -> None:
    rows = model.embed(as_images(photo()))
    assert rows.shape == (1, DIMENSION)
    assert np.array_equal(rows, model.encoder.encode([photo()]))


def test_several_images_are_several_rows(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    rows = model.embed(trio)
    assert rows.shape == (3, DIMENSION)
    assert np.array_equal(rows, np.concatenate([model.embed(path) for path in trio]))
    array = np.zeros((4, 9, 9, 3), np.uint8)
    assert model.embed(array).shape == (4, DIMENSION)


@pytest.mark.parametrize("images", [[], np.empty((0, 9, 9, 3), np.uint8)])
def test_no_images_are_no_rows(model: Recognizer, images: list[str]) -> None:
    assert model.embed(images).shape == (0, DIMENSION)


@pytest.mark.parametrize("images", [None, 5, [None], "gone.png", b"", io.BytesIO(), ["gone.png"]])
def test_what_is_no_image_is_an_image_error(model: Recognizer, images: object) -> None:
    with pytest.raises(ImageError):
        model.embed(images)  # type: ignore[arg-type]


# Loading


@pytest.mark.parametrize("changes", [{"dimension": DIMENSION + 1}, {"input_size": SIZE * 2}])
def test_network_that_does_not_fit_its_card_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ModelFileError, match="tiny: its network does not fit its card"):
        Recognizer(ModelFile(make_card(**changes), tiny_network().SerializeToString()))


def test_load_takes_a_path_and_keeps_the_card(tiny_model: Path) -> None:
    assert load(str(tiny_model)).card == load(tiny_model).card == read_model(tiny_model).card


def test_load_of_what_is_not_there_is_a_model_file_error() -> None:
    with pytest.raises(ModelFileError, match=r"^gone\.onnx: no such model file"):
        load("gone.onnx")


def test_load_passes_on_providers(tiny_model: Path) -> None:
    with pytest.raises(ModelFileError, match="no execution provider 'quantum'"):
        load(tiny_model, providers=["quantum"])


# Threads


def test_threads_share_a_model(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    expected = model.verify_trio(*trio)
    with ThreadPoolExecutor(4) as pool:
        results = [pool.submit(model.verify_trio, *trio) for _ in range(40)]
    assert all(result.result() == expected for result in results)


def test_a_trio_may_have_an_operating_point_that_pairs_have_not(tmp_path: Path, trio: tuple[Path, Path, Path]) -> None:
    card = make_card()
    few = card.pair.model_copy(update={"operating_points": {"balanced": card.pair.operating_points["balanced"]}})
    write_model(tmp_path / "few.onnx", tiny_network().SerializeToString(), make_card(pair=few))
    verdict = load(tmp_path / "few.onnx").verify_trio(*trio, operating_point="strict")
    assert verdict.operating_point == "strict"
    assert {pair.operating_point for pair in verdict.pairs} == {"balanced"}


# Embeddings from elsewhere


ROW = np.eye(1, DIMENSION, dtype=np.float32)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (np.eye(1, DIMENSION - 1, dtype=np.float32), r"must be \(N, 6\).* not \(1, 5\)"),
        (ROW[0], r"must be \(N, 6\).* not \(6,\)"),
        (9 * ROW, "row 0 has the length 9"),
        (0 * ROW, "row 0 has the length 0"),
        (np.where(ROW == 1, np.nan, 0), "row 0 has values that are no finite numbers"),
        (np.where(ROW == 1, np.inf, 0), "row 0 has values that are no finite numbers"),
        ([["a"] * DIMENSION], "must be numbers"),
        ([[1.0], [1.0, 2.0]], "must be numbers"),
        (np.repeat(ROW, 2, axis=0), "as many embeddings on each side are needed, not 1 and 2"),
    ],
)
def test_embeddings_that_mean_nothing_are_refused(model: Recognizer, rows: Any, says: str) -> None:
    for judge in (
        lambda: model.judge_pairs(ROW, rows),
        lambda: model.judge_pairs(rows, ROW),
        lambda: model.judge_trios(ROW, rows, ROW),
    ):
        with pytest.raises(EmbeddingError, match=says):
            judge()


def test_embeddings_may_have_been_stored_as_float16(model: Recognizer) -> None:
    rows = np.random.default_rng(0).normal(size=(50, DIMENSION))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    assert len(model.judge_pairs(rows, rows)) == 50  # type: ignore[arg-type]


# Skipping what cannot be read


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_skipping_says_which(model: Recognizer, trio: tuple[Path, Path, Path], batch_size: int) -> None:
    images = ["gone.png", trio[0], b"no picture", trio[1], trio[2]]
    skipped = model.embed(images, batch_size=batch_size, on_error="skip")
    assert isinstance(skipped, Embedded)
    assert (skipped.embeddings == model.embed(trio)).all()
    assert skipped.positions.tolist() == [1, 3, 4]
    assert {i: str(error).partition(":")[0] for i, error in skipped.errors.items()} == {
        0: "gone.png",
        2: "<10 bytes>",
    }


@pytest.mark.parametrize("images", [[], ["gone.png"]])
def test_skipping_all_leaves_none(model: Recognizer, images: list[str]) -> None:
    skipped = model.embed(images, on_error="skip")
    assert (skipped.embeddings.shape, skipped.positions.shape) == ((0, DIMENSION), (0,))
    assert len(skipped.errors) == len(images)


def test_on_error_and_batch_size_are_checked(model: Recognizer) -> None:
    with pytest.raises(ArgumentError, match="on_error is 'raise' or 'skip', not 'ignore'"):
        model.embed([], on_error="ignore")  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="batch_size=0"):
        model.embed(["gone.png"], batch_size=0)


def test_similarity_is_that_of_the_verdict(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    assert model.similarity(*trio[:2]) == model.verify(*trio[:2]).similarity


def test_progress_of_embedding(model: Recognizer, trio: tuple[Path, Path, Path]) -> None:
    calls: list[tuple[str, int, int]] = []
    model.embed(trio, batch_size=2, on_progress=lambda *call: calls.append(call))
    model.embed(iter(trio), on_progress=lambda *call: calls.append(call))
    assert calls == [("images", 2, 3), ("images", 3, 3), ("images", 3, 0)]


@pytest.mark.parametrize("threshold", ["0.5", "strict", math.nan, True, [0.5]])
def test_a_threshold_is_a_number(model: Recognizer, threshold: Any) -> None:
    with pytest.raises(OperatingPointError, match="threshold is a"):
        model.verify("gone.png", "gone.png", threshold=threshold)
