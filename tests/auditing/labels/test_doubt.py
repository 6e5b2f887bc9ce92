import numpy as np
import pytest
from auditing.conftest import clustered
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.metrics import average_precision_score

from samekind.auditing.labels.doubt import doubt_labels, other_class


def swapped(
    classes: int, each: int, share: float, **how: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows, right = clustered(classes, each, **how)
    rng = np.random.default_rng(1)
    wrong = rng.choice(len(rows), round(share * len(rows)), replace=False)
    labels = right.copy()
    labels[wrong] = (labels[wrong] + rng.integers(1, classes, len(wrong))) % classes
    return rows, labels, right, np.isin(np.arange(len(rows)), wrong)


def test_swapped_labels_come_first_with_their_right_class() -> None:
    rows, labels, right, wrong = swapped(8, 40, 0.05)
    doubt = doubt_labels(rows, labels, 8)
    assert average_precision_score(wrong, doubt.wrong) > 0.97
    assert (other_class(doubt.probability, labels)[wrong] == right[wrong]).mean() > 0.9


@pytest.mark.parametrize("share", [0.05, 0.15])
def test_the_share_of_wrong_labels_is_estimated(share: float) -> None:
    rows, labels, _, _ = swapped(8, 60, share)
    assert doubt_labels(rows, labels, 8).share == pytest.approx(share, abs=0.03)


def test_right_labels_are_not_doubted() -> None:
    rows, labels = clustered(8, 40, noise=0.08)
    assert (doubt_labels(rows, labels, 8).wrong < 0.5).all()


def test_the_ranking_is_cleanlabs_for_the_same_probabilities() -> None:
    rows, labels, _, _ = swapped(6, 30, 0.08, noise=0.25)
    doubt = doubt_labels(rows, labels, 6)
    theirs = get_label_quality_scores(labels, doubt.probability.astype(np.float64), method="self_confidence")
    assert (np.argsort(-doubt.wrong, kind="stable")[:20] == np.argsort(theirs, kind="stable")[:20]).mean() > 0.9


def test_what_is_surely_wrong_is_among_cleanlabs_issues() -> None:
    rows, labels, _, _ = swapped(6, 30, 0.08, noise=0.15)
    doubt = doubt_labels(rows, labels, 6)
    issues = find_label_issues(labels, doubt.probability.astype(np.float64), n_jobs=1)
    sure = doubt.wrong > 0.9
    assert sure.sum() >= 8
    assert issues[sure].mean() > 0.9


def test_nobody_can_judge_an_image_that_is_alone_in_its_class() -> None:
    rows, labels = clustered(4, 10)
    labels[0] = 4
    assert doubt_labels(rows, labels, 5).wrong[0] == 0


def test_a_thousand_classes() -> None:
    rows, labels = clustered(1000, 2, noise=0.05, dimension=64)
    doubt = doubt_labels(rows, labels, 1000)
    assert np.isfinite(doubt.wrong).all()
    assert (doubt.probability.argmax(axis=1) == labels).mean() > 0.9
