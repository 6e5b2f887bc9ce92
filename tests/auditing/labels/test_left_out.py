import numpy as np
from auditing.conftest import clustered
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from samekind.auditing.labels.left_out import mean_cosines, ridge_scores


def test_the_mean_cosine_is_what_leaving_each_image_out_gives() -> None:
    rows, labels = clustered(3, 5, noise=0.5)
    found = mean_cosines(rows, labels, 3)
    for place in range(len(rows)):
        rest = np.arange(len(rows)) != place
        for label in range(3):
            mean = rows[rest & (labels == label)].mean(axis=0)
            assert abs(found[place, label] - rows[place] @ mean / np.linalg.norm(mean)) < 1e-5


def test_an_image_alone_in_its_class_is_like_nothing_of_it() -> None:
    rows = np.eye(3, dtype=np.float32)
    assert mean_cosines(rows, np.array([0, 0, 1]), 2)[2, 1] == 0


def test_the_ridge_is_what_leaving_each_image_out_gives() -> None:
    rows, labels = clustered(4, 6, noise=0.4, dimension=8)
    found = ridge_scores(rows, labels, 4)
    design = np.column_stack([rows, np.ones(len(rows))]).astype(np.float64)
    for place in range(len(rows)):
        rest = np.arange(len(rows)) != place
        fitted = Ridge(alpha=1.0, fit_intercept=False).fit(design[rest], np.eye(4)[labels[rest]])
        np.testing.assert_allclose(found[place], fitted.predict(design[place : place + 1])[0], atol=1e-4)


@given(st.integers(0, 1000))
def test_the_order_of_the_images_makes_no_difference(seed: int) -> None:
    rows, labels = clustered(3, 4, noise=0.3)
    order = np.random.default_rng(seed).permutation(len(rows))
    for score in (mean_cosines, ridge_scores):
        np.testing.assert_allclose(score(rows[order], labels[order], 3), score(rows, labels, 3)[order], atol=1e-4)
