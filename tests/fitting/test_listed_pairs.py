import csv
from pathlib import Path

import numpy as np
import pytest
from conftest import save_noise
from sklearn.linear_model import LogisticRegression

from samekind import calibrate
from samekind.datasets.folders import read_class_folders
from samekind.errors import ArgumentError, DatasetError
from samekind.evaluation.listed_items import read_pairs
from samekind.recognizer import load


def listed(path: Path, folder: Path, count: int = 120, weight: bool = True) -> Path:
    """Answered pairs of a folder, half of them the same."""
    images = read_class_folders(folder)
    rng = np.random.default_rng(0)
    rows: list[tuple[object, ...]] = []
    while len(rows) < count:
        first, second = rng.choice(len(images), 2, replace=False)
        same = images.labels[first] == images.labels[second]
        if same != (len(rows) % 2):
            continue
        rows.append((images.paths[first], images.paths[second], int(same), *((1 + len(rows) % 3,) if weight else ())))
    with path.open("w", newline="") as file:
        names = ("first", "second", "same", "weight")
        csv.writer(file).writerows([names if weight else names[:3], *rows])
    return path


def test_the_calibration_is_the_weighted_logistic_regression(
    colour_folders: Path, tiny_model: Path, tmp_path: Path
) -> None:
    pairs = listed(tmp_path / "pairs.csv", colour_folders)
    found = calibrate(tiny_model, pairs=pairs, bare=True)
    model, items = load(tiny_model), read_pairs(pairs)
    rows = model.embed(list(items.paths))
    similarity = np.einsum("nd,nd->n", rows[items.items[:, 0]], rows[items.items[:, 1]])
    weight = np.array([1 + place % 3 for place in range(len(similarity))], np.float64)
    for answer in (True, False):
        weight[items.same == answer] /= weight[items.same == answer].sum()
    # Platt's smoothed targets, as each pair answered both ways.
    images = len(items.paths)
    sure = (images + 1) / (images + 2)
    design = np.concatenate([similarity, similarity])[:, None]
    answers = np.concatenate([items.same, ~items.same])
    theirs = LogisticRegression(C=1e9, tol=1e-10, max_iter=10_000).fit(
        design, answers, np.concatenate([weight * sure, weight * (1 - sure)])
    )
    assert found.card.pair.scale == pytest.approx(theirs.coef_[0, 0], rel=1e-2)
    assert found.card.pair.bias == pytest.approx(theirs.intercept_[0], rel=1e-2)
    assert set(found.card.pair.operating_points) == {"balanced"}
    assert (found.pairs.positives, found.pairs.negatives) == (60, 60)
    assert found.card.fingerprint == found.old.fingerprint
    assert found.card.trio == found.old.trio


def test_a_list_without_weights_is_one_in_which_all_weigh_alike(
    colour_folders: Path, tiny_model: Path, tmp_path: Path
) -> None:
    pairs = listed(tmp_path / "pairs.csv", colour_folders, weight=False)
    assert calibrate(tiny_model, pairs=pairs, bare=True).card.pair.scale > 0


def test_a_model_that_can_be_adapted_is_where_that_helps(adaptable_model: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(40):
        folder = tmp_path / "photos" / ("warm" if number % 2 else "cool")
        folder.mkdir(parents=True, exist_ok=True)
        low, high, green = (int(rng.integers(*between)) for between in ((20, 90), (130, 230), (20, 230)))
        save_noise(folder / f"{number:02}.png", (high, green, low) if number % 2 else (low, green, high), number)
    pairs = listed(tmp_path / "pairs.csv", tmp_path / "photos")
    found = calibrate(adaptable_model, output=tmp_path / "mine.onnx", pairs=pairs)
    assert found.start is not None
    assert found.start.adapted == (found.card.adapted is not None)
    assert load(tmp_path / "mine.onnx").card.pair == found.card.pair
    as_it_is = calibrate(adaptable_model, pairs=pairs, bare=True).card
    assert found.old.domains is not None
    assert as_it_is.domains is None  # or a gallery would adapt it over the answers


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "much"])
def test_a_weight_is_a_number_above_nothing(
    colour_folders: Path, tiny_model: Path, tmp_path: Path, weight: str
) -> None:
    pairs = listed(tmp_path / "pairs.csv", colour_folders)
    lines = pairs.read_text().splitlines()
    lines[3] = lines[3].rpartition(",")[0] + "," + weight
    pairs.write_text("\n".join(lines))
    with pytest.raises(DatasetError, match="line 4 has the weight"):
        calibrate(tiny_model, pairs=pairs)


def test_too_few_answers_and_images_beside_pairs_are_refused(
    colour_folders: Path, tiny_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="9 answers are yes and 9 are no; 10 of each are needed"):
        calibrate(tiny_model, pairs=listed(tmp_path / "few.csv", colour_folders, 18))
    with pytest.raises(ArgumentError):
        calibrate(tiny_model, colour_folders, pairs=tmp_path / "few.csv")
    with pytest.raises(ArgumentError):
        calibrate(tiny_model)
