"""The head that is computed from the training features."""

import signal
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from scipy.linalg import fractional_matrix_power
from training.runs import SMALL, assert_same_weights, fit_only, run_training

from samekind.errors import TrainingError
from samekind.evaluation.metrics.scores import equal_error_rate
from samekind.images import load_image
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.network.whitening import WHITENINGS, Whitening, whiten_head, whitened_projection
from samekind.training.recipe import Recipe
from samekind.training.run.folder import RunFolder
from samekind.training.run.settings import RunSettings
from samekind.training.split import read_split

WHITENED = SMALL.with_settings(network={"head_start": "whitened"})


def scattered(seed: int, classes: int = 8, images: int = 12, channels: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), images)
    spread = np.geomspace(1, 20, channels)
    rows = rng.normal(size=(classes, channels))[labels] * 3 + rng.normal(size=(len(labels), channels)) * spread + 2
    return rows.astype(np.float32), labels


def by_the_book(
    inputs: np.ndarray, labels: np.ndarray, sources: np.ndarray, dimension: int
) -> tuple[np.ndarray, np.ndarray]:
    """The same in double precision, class by class, with SciPy's matrix power."""
    inputs = inputs.astype(np.float64)
    groups = [inputs[labels == label] for label in range(len(sources))]
    own = [1 / (np.sum(sources == source) * len(set(sources.tolist()))) for source in sources]
    within = np.average([np.cov(group.T, bias=True) for group in groups], axis=0, weights=own)
    channels = inputs.shape[1]
    damping = fractional_matrix_power(0.4 * within * channels / np.trace(within) + 0.6 * np.eye(channels), -0.25)
    damped = [group @ damping for group in groups]
    mean = np.average([group.mean(axis=0) for group in damped], axis=0, weights=own)
    total = np.average([(group - mean).T @ (group - mean) / len(group) for group in damped], axis=0, weights=own)
    values, vectors = np.linalg.eigh(total)
    projection = vectors[:, -dimension:] * values[-dimension:] ** -0.1
    return (damping @ projection).T, -0.5 * mean @ projection


def gram(weight: np.ndarray, bias: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """What does not depend on the signs of the directions."""
    embedded = inputs @ weight.T + bias
    return np.asarray(embedded @ embedded.T)


@given(st.integers(0, 1000), st.integers(1, 6), st.lists(st.integers(0, 2), min_size=8, max_size=8))
def test_it_is_what_the_formulas_say(seed: int, dimension: int, sources: list[int]) -> None:
    inputs, labels = scattered(seed)
    found, expected = (f(inputs, labels, np.array(sources), dimension) for f in (whitened_projection, by_the_book))
    scale = np.abs(gram(*expected, inputs)).max()
    np.testing.assert_allclose(gram(*found, inputs), gram(*expected, inputs), atol=1e-3 * scale)


def test_every_class_weighs_the_same_and_the_order_does_not_matter() -> None:
    inputs, labels = scattered(1)
    first, one = labels == 0, np.zeros(8, np.int64)
    more = np.concatenate([inputs, *[inputs[first]] * 4]), np.concatenate([labels, *[labels[first]] * 4])
    order = np.random.default_rng(0).permutation(len(more[1]))
    expected = gram(*whitened_projection(inputs, labels, one, 4), inputs)
    found = gram(*whitened_projection(more[0][order], more[1][order], one, 4), inputs)
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-3 * np.abs(expected).max())


def test_new_classes_are_told_apart_better_than_by_the_inputs() -> None:
    inputs, labels = scattered(2, classes=60, channels=12)
    known = labels < 40
    weight, bias = whitened_projection(inputs[known], labels[known], np.zeros(60, np.int64), 12)
    rates = []
    for rows in (inputs, inputs @ weight.T + bias):
        unit = rows[~known] / np.linalg.norm(rows[~known], axis=1, keepdims=True)
        first, second = np.triu_indices(len(unit), 1)
        rates.append(
            equal_error_rate((unit @ unit.T)[first, second], labels[~known][first] == labels[~known][second]).rate
        )
    assert rates[1] < 0.95 * rates[0]


def test_images_that_do_not_vary_give_finite_numbers() -> None:
    weight, bias = whitened_projection(np.ones((12, 4), np.float32), np.arange(12) % 3, np.array([0, 1, 1]), 4)
    assert np.isfinite(weight).all()
    assert np.isfinite(bias).all()


def test_more_dimensions_than_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 6 dimensions, not 7"):
        whitened_projection(*scattered(0), np.zeros(8, np.int64), 7)


def test_a_run_that_could_not_begin_says_so_before_it_computes_anything(shades: Path, tmp_path: Path) -> None:
    weights = tmp_path / "resnet.safetensors"
    save_file(timm.create_model("test_resnet", num_classes=0).state_dict(), weights)
    for settings, why in (
        ({"network": {"dimension": 4000}}, r"dimension = 4000 is more than the \d+ channels"),
        ({"freezing": {"head_only_epochs": 1}}, "a whitened head does not start from noise"),
    ):
        recipe = WHITENED.with_settings(**settings)
        run = RunSettings(folder=shades, output=tmp_path / "m.onnx", recipe=recipe, init=str(weights))
        with pytest.raises(TrainingError, match=why):
            fit_only(run, tmp_path / "run")


def test_a_networks_head_is_set_from_all_views() -> None:
    network = SiameseNetwork.of(WHITENED).eval()
    pixels = torch.randint(0, 256, (24, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        features = network.features(pixels).numpy().astype(np.float16)
        inputs = network.head_inputs(torch.from_numpy(features.astype(np.float32))).numpy()
    labels, sources, done = np.arange(12) % 3, np.array([0, 1, 1]), []
    two_views = features.reshape(12, 2, *features.shape[1:])
    whiten_head(network, two_views, labels, sources, done.append, whitening=WHITENINGS["full"])
    of_views = np.repeat(labels, 2)
    weight, bias = whitened_projection(
        inputs, of_views, sources, WHITENED.network.dimension, Whitening(0.4, 0.5, 0.4, 1.0)
    )
    np.testing.assert_allclose(network.head.weight.detach(), weight, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(network.head.bias.detach(), bias, rtol=1e-4, atol=1e-5)
    assert done == [12]


def test_a_head_is_whitened_again_by_the_groups_that_it_finds() -> None:
    network = SiameseNetwork.of(WHITENED).eval()
    pixels = torch.randint(0, 256, (24, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        maps = network.features(pixels).numpy().astype(np.float16)
        inputs = network.head_inputs(torch.from_numpy(maps.astype(np.float32))).numpy()
    features = maps.reshape(12, 2, *maps.shape[1:])
    known, found, seen = np.arange(12) // 2, np.arange(12) % 4, []
    dimension, sources = WHITENED.network.dimension, np.zeros(12, np.int64)

    def regroup(embeddings: np.ndarray) -> np.ndarray:
        seen.append(embeddings)
        return found

    whiten_head(network, features, known, sources, whitening=WHITENINGS["grouped"], regroup=regroup)
    first = whitened_projection(inputs, np.repeat(known, 2), sources, dimension, WHITENINGS["full"])
    rows = inputs @ first[0].T + first[1]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    mean = rows[::2] + rows[1::2]
    np.testing.assert_allclose(seen[0], mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-4)
    weight, _ = whitened_projection(inputs, np.repeat(found, 2), sources, dimension, Whitening(0.2, 0.5, 0.4, 1.0))
    np.testing.assert_allclose(network.head.weight.detach(), weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"network": {"head_start": "whitened", "whitening": "grouped"}}, "sampler.kind = 'pairs' or 'triplets'"),
        ({"network": {"head_start": "whitened", "head": "mlp"}}, "network.head = 'linear'"),
        ({"network": {"head_start": "whitened"}, "freezing": {"stages": 0}}, "freezing.stages"),
    ],
)
def test_a_head_that_cannot_be_whitened_is_refused(settings: dict[str, dict[str, object]], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Recipe().with_settings(**settings)


def test_a_run_starts_from_the_whitened_head(shades: Path, tmp_path: Path) -> None:
    still = WHITENED.with_settings(optimizer={"lr": 1e-9, "pretrained_lr": 0.0}, augmentation={"views": 1}, epochs=1)
    settings = RunSettings(folder=shades, output=tmp_path / "m.onnx", recipe=still, init="scratch")
    stages: list[str] = []
    network = fit_only(settings, tmp_path / "run", report=lambda stage, *_: stages.append(stage)).network.eval()
    assert "whiten" in stages
    train = read_split(RunFolder(tmp_path / "run")).train
    pixels = torch.from_numpy(np.stack([load_image(path, 32) for path in train.paths]))
    with torch.no_grad():
        inputs = network.head_inputs(network.features(pixels)).numpy()
        found = network.head(torch.from_numpy(inputs)).numpy()
    expected = gram(*whitened_projection(inputs, train.labels, np.zeros(len(train.classes), np.int64), 16), inputs)
    np.testing.assert_allclose(found @ found.T, expected, atol=0.02 * np.abs(expected).max())


def test_a_run_that_was_stopped_ends_with_the_same_weights(shades: Path, tmp_path: Path) -> None:
    settings = RunSettings(folder=shades, output=tmp_path / "m.onnx", recipe=WHITENED, init="scratch")
    fit_only(settings, tmp_path / "whole")

    def interrupt(stage: str, done: int, _: int) -> None:
        if stage == "training steps" and done == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit_only(settings, tmp_path / "broken", report=interrupt)
    fit_only(settings, tmp_path / "broken")
    assert_same_weights(tmp_path / "broken", tmp_path / "whole")


def test_a_model_file_brings_its_own_head(shades: Path, tmp_path: Path) -> None:
    settings = RunSettings(folder=shades, output=tmp_path / "m.onnx", recipe=WHITENED, init="scratch")
    run_training(settings, tmp_path / "first")
    again = RunSettings(folder=shades, output=tmp_path / "n.onnx", recipe=WHITENED, init=str(tmp_path / "m.onnx"))
    stages = [stage for stage, _, _ in run_training(again, tmp_path / "second").stages]
    assert "training steps" in stages
    assert "whiten" not in stages
