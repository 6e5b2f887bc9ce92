"""Embeddings that are kept between runs are those of the pictures and networks that are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samekind.datasets.folders import LabelledImages

pytest.importorskip("lightning", reason='needs the extra "train"')
with pytest.MonkeyPatch.context() as patch:
    # Not for longer: with all scripts on sys.path, some would be taken for folders of tests.
    patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import domain_networks
    from accuracy_features import Pool


def pool(count: int, seed: int = 0) -> Pool:
    features = np.random.default_rng(seed).normal(size=(count, 1, 4, 1, 1)).astype(np.float16)
    paths = tuple(Path(f"{seed}-{number}.jpg") for number in range(count))
    images = LabelledImages(Path("images"), paths, np.zeros(count, np.int64), ("one",))
    return Pool(images, tuple(map(str, paths)), features)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The parts of each training; a network gives a picture's first four features."""
    asked: list[object] = []

    def train_head(_: object, parts: object) -> object:
        asked.append(parts)
        return lambda one: one.features[:, 0, :, 0, 0].astype(np.float32)

    monkeypatch.setattr(domain_networks, "train_head", train_head)
    return asked


def networks(work: Path, measured: int, trained_on: int = 5) -> domain_networks.Networks:
    train = {"a": pool(9, 1), "b": pool(trained_on, 2)}
    return domain_networks.Networks(train, train | {"a": pool(measured, 3)}, work)


def test_embeddings_are_kept(tmp_path: Path, trained: list[object]) -> None:
    first, second = (networks(tmp_path, 6).without("a") for _ in range(2))
    assert np.array_equal(first, second)
    assert len(trained) == 1


def test_those_of_other_pictures_are_not_taken(tmp_path: Path, trained: list[object]) -> None:
    assert [len(networks(tmp_path, count).without("a")) for count in (6, 7)] == [6, 7]


def test_those_of_another_network_are_not_taken(tmp_path: Path, trained: list[object]) -> None:
    for count in (5, 8):
        networks(tmp_path, 6, trained_on=count).without("a")
    assert len(trained) == 2


def test_one_network_sees_the_pictures_of_all_domains(tmp_path: Path, trained: list[object]) -> None:
    both = networks(tmp_path, 6)
    assert (len(both.without("a")), len(both.without("a", of="b"))) == (6, 5)
    assert len(trained) == 1
