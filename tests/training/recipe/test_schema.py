import pytest
from pydantic import ValidationError

from samekind.training.recipe.objective import OWN_KEYS, Objective
from samekind.training.recipe.schema import Recipe


@pytest.mark.parametrize("loss", OWN_KEYS)
@pytest.mark.parametrize(("key", "value"), [("margin", 0.1), ("scale", 2.0), ("temperature", 0.1), ("miner", "hard")])
def test_an_objective_takes_the_keys_of_its_loss_and_no_other(loss: str, key: str, value: object) -> None:
    settings = {"loss": loss, key: value}
    if key in OWN_KEYS[loss]:
        assert getattr(Objective.model_validate(settings), key) == value
    else:
        with pytest.raises(ValidationError, match=f"the loss {loss} has no {key}"):
            Objective.model_validate(settings)


def test_settings_are_changed_in_a_copy_which_is_validated() -> None:
    recipe = Recipe()
    changed = recipe.with_settings(epochs=3, optimizer={"lr": 0.5}, objectives=[{"loss": "triplet"}, {}])
    assert (changed.epochs, changed.optimizer.lr, changed.optimizer.name) == (3, 0.5, "adamw")
    assert [objective.loss for objective in changed.objectives] == ["triplet", "pairs"]
    assert recipe == Recipe()
    with pytest.raises(ValidationError):
        recipe.with_settings(epochs=0)


@pytest.mark.parametrize("kind", ["pairs", "triplets"])
def test_a_list_goes_with_the_one_objective_that_is_made_for_it(kind: str) -> None:
    objective = {"pairs": "pairs", "triplets": "triplet"}[kind]
    assert Recipe().with_settings(sampler={"kind": kind}, objectives=[{"loss": objective}]).sampler.kind == kind
    for losses in (["supcon"], [objective, "supcon"]):
        with pytest.raises(ValidationError, match="goes with one objective"):
            Recipe().with_settings(sampler={"kind": kind}, objectives=[{"loss": loss} for loss in losses])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0])
@pytest.mark.parametrize(("section", "key"), [("optimizer", "lr"), ("objective", "weight"), ("objective", "scale")])
def test_rates_and_weights_are_positive_numbers(section: str, key: str, value: float) -> None:
    settings = {"objectives": [{"loss": "arcface", key: value}]} if section == "objective" else {section: {key: value}}
    with pytest.raises(ValidationError):
        Recipe().with_settings(**settings)


def test_a_seed_is_one_that_every_library_takes() -> None:
    assert Recipe(seed=2**32 - 1).seed == 2**32 - 1
    with pytest.raises(ValidationError):
        Recipe(seed=2**32)
