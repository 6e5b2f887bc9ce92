from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from samekind.adaptation.graph import fold
from samekind.explain.pooling import pooled_network
from samekind.model_file.file import ModelFile, bundled_models, read_model

Networks = Callable[..., ModelFile]


@pytest.mark.parametrize("name", sorted(bundled_models()))
def test_the_models_that_come_with_samekind_are_taken_apart(name: str) -> None:
    found = pooled_network(read_model(name).data, name)
    assert found is not None
    assert [branch.powers for branch in found.branches] == [True, True]  # before and after squeeze-and-excite
    assert found.weight.shape[1] == 2304
    assert len(set(found.taps)) == len(found.taps)


@pytest.mark.parametrize(("pooling", "powers"), [("mean", [False]), ("generalised", [True]), ("both", [False, True])])
@pytest.mark.parametrize("head", ["Gemm", "MatMul"])
def test_plain_and_generalised_means_alone_and_side_by_side(
    network: Networks, pooling: str, powers: list[bool], head: str
) -> None:
    found = pooled_network(network(pooling, head=head).data, "small")
    assert found is not None
    assert [branch.powers for branch in found.branches] == powers
    assert [len(branch.lengths) for branch in found.branches] == [int(pooling == "both")] * len(powers)
    assert [step.length is None for step in found.steps] == [True, False]  # the bias, the length


def test_an_adaptation_in_the_graph_is_two_more_steps(network: Networks) -> None:
    offset = np.linspace(-0.1, 0.1, 6, dtype=np.float32)
    found = pooled_network(fold(network("both").data, offset, "small"), "small")
    assert found is not None
    assert [step.length is None for step in found.steps] == [True, False, True, False]
    np.testing.assert_allclose(found.steps[2].constant, -offset)


def test_a_network_of_another_form_is_none(network: Networks, tiny_model: Path) -> None:
    assert pooled_network(network(head="layers").data, "small") is None  # a head that is not linear
    assert pooled_network(read_model(tiny_model).data, "tiny") is None  # no feature map is pooled
