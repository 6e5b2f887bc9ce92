import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import TrainingError
from samekind.training.loop.collapse import refuse_collapse

SPREAD = np.linspace(-0.5, 0.9, 50, dtype=np.float32)


@given(st.floats(-1, 1), st.floats(0, 1))
def test_embeddings_that_are_all_alike_have_collapsed(cosine: float, rate: float) -> None:
    similarity = np.full(40, cosine, np.float32) + np.float32(1e-6) * np.arange(40, dtype=np.float32)
    with pytest.raises(TrainingError, match="all held-out images are equally alike"):
        refuse_collapse(similarity, rate, [])


def test_embeddings_that_are_no_numbers_have_collapsed() -> None:
    with pytest.raises(TrainingError, match="collapsed"):
        refuse_collapse(np.full(9, np.nan, np.float32), 0.5, [])


@pytest.mark.parametrize("loss", [0.2, 0.2005, 0.1985])
def test_a_loss_at_its_margin_with_guesses_for_verdicts_has_collapsed(loss: float) -> None:
    with pytest.raises(TrainingError, match=r"the loss sits at 0\.\d+, where it is if all are alike") as error:
        refuse_collapse(SPREAD, 0.5, [(loss, 0.2)] * 5)
    assert "held-out equal error rate is 50%" in str(error.value)
    assert "--set optimizer.lr" in str(error.value)


@pytest.mark.parametrize(
    ("rate", "losses"),
    [
        (0.5, []),  # nothing is known of the loss
        (0.5, [(0.15, 0.2)] * 5),  # it still moves, though nothing is learned yet
        (0.1, [(0.2, 0.2)] * 5),  # classes are told apart, so only the margin is wide
        (0.5, [(0.2, 0.2), (0.1, 0.2), (0.1, 0.2)]),  # one step of many
        (0.0, []),
    ],
)
def test_what_learns_or_has_learned_has_not(rate: float, losses: list[tuple[float, float]]) -> None:
    refuse_collapse(SPREAD, rate, losses)


@given(st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=30), st.floats(0, 0.45))
def test_embeddings_that_tell_classes_apart_never_have(similarity: list[float], rate: float) -> None:
    values = np.array([*similarity, -1.0, 1.0], np.float32)
    refuse_collapse(values, rate, [(0.2, 0.2)])
