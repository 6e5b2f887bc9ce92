import numpy as np
from auditing.conftest import clustered

from samekind.auditing.labels.left_out import mean_cosines
from samekind.auditing.pictures.outliers import FAR, how_far, unlike_all, unlike_every_class


def with_strangers(count: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Strangers that are alike to each other, under labels by lot."""
    rows, labels = clustered(6, 40)
    stranger = np.random.default_rng(9).normal(size=rows.shape[1])
    stranger -= rows.T @ np.linalg.lstsq(rows.T, stranger, rcond=None)[0] * 0.9
    odd = stranger / np.linalg.norm(stranger) + np.random.default_rng(8).normal(0, 0.02, (count, rows.shape[1]))
    odd /= np.linalg.norm(odd, axis=1, keepdims=True)
    return np.concatenate([rows, odd]).astype(np.float32), np.append(labels, np.arange(count) % 6), labels


def test_strangers_come_first_though_they_are_alike_to_each_other() -> None:
    rows, labels, _ = with_strangers()
    far = how_far(unlike_every_class(mean_cosines(rows, labels, 6), labels))
    assert set(np.argsort(-far)[:6].tolist()) == set(range(240, 246))
    assert (far[240:] >= FAR).all()


def test_who_is_a_little_like_many_classes_is_less_of_a_stranger() -> None:
    cosine = np.array([[0.3, 0.3, 0.3], [0.3, -0.3, -0.3]], np.float32)
    to_many, to_one = unlike_every_class(cosine, np.zeros(2, np.int64))
    assert to_many < to_one


def test_many_strangers_do_not_hide_each_other() -> None:
    rows, labels, _ = with_strangers(60)
    far = how_far(unlike_every_class(mean_cosines(rows, labels, 6), labels))
    assert (far[240:] >= FAR).mean() > 0.9


def test_without_classes_the_neighbours_tell() -> None:
    rows, _ = clustered(3, 20)
    rows[7] = -rows[7]
    assert int(unlike_all(rows).argmax()) == 7


def test_one_image_and_none() -> None:
    assert unlike_all(np.ones((1, 1), np.float32)).tolist() == [0]
    assert how_far(np.empty(0)).tolist() == []
