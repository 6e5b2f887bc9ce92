import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from samekind.errors import TrainingError
from samekind.training.recipe import NAMED_RECIPES, read_recipe, show_recipe
from samekind.training.recipe.objective import OWN_KEYS, Objective
from samekind.training.recipe.schema import Recipe


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, exclude_min=True, exclude_max=True)


@st.composite
def objectives(draw: st.DrawFn) -> dict[str, object]:
    loss = draw(st.sampled_from(sorted(OWN_KEYS)))
    values = {
        "margin": numbers(0, 180),
        "scale": numbers(0, 1e6),
        "temperature": numbers(0, 1e6),
        "miner": st.sampled_from(["all", "semihard", "hard", "batch-hard"]),
    }
    own = {key: draw(st.none() | values[key]) for key in OWN_KEYS[loss]}
    return {"loss": loss, "weight": draw(numbers(0, 1e9)), **own}


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    return Recipe().with_settings(
        epochs=draw(st.integers(1, 10**6)),
        seed=draw(st.integers(0, 2**32 - 1)),
        network={
            "backbone": draw(st.text()),
            "head": draw(st.sampled_from(["linear", "mlp"])),
            "dropout": draw(st.floats(0, 0.99)),
        },
        objectives=draw(st.lists(objectives(), min_size=1, max_size=4)),
        optimizer={"lr": draw(numbers(0, 1e20)), "clip_norm": draw(st.floats(0, 1e20))},
        compute={"compile": draw(st.booleans())},
        holdout={"calibration": draw(numbers(0, 1))},
    )


@given(recipes())
@example(Recipe().with_settings(network={"backbone": '😀\x7f\\"\n\x00 \u2028'}))
def test_what_is_shown_reads_back_as_the_same_recipe(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe) -> None:
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(show_recipe(recipe), encoding="utf-8")
    assert read_recipe(str(path)) == recipe


@pytest.mark.parametrize("name", NAMED_RECIPES)
def test_named_recipes_are_valid_and_can_be_shown(name: str) -> None:
    recipe = read_recipe(name)
    assert Recipe.model_validate(tomllib.loads(show_recipe(recipe))) == recipe
    assert read_recipe("default") == Recipe()
    assert [objective.loss for objective in read_recipe("triplets").objectives] == ["triplet"]


def test_every_key_has_its_meaning_above_it() -> None:
    lines = show_recipe(Recipe()).splitlines()
    for number, line in enumerate(lines):
        if not line:
            continue
        is_key_or_section = "=" in line.removeprefix("# ").split(" ")[1:2] or line.startswith("[")
        if is_key_or_section:
            above = lines[number - 1]
            assert above.startswith("# "), line
            assert len(above) > 8, line
        else:
            assert line.startswith("# "), line
    shown = {line.removeprefix("# ").split(" ")[0] for line in lines}
    for section in (Recipe, *(type(value) for _, value in Recipe() if isinstance(value, BaseModel)), Objective):
        plain = {key for key in section.model_fields if not isinstance(getattr(Recipe(), key, None), BaseModel)}
        assert plain - {"objectives"} <= shown


def test_choices_are_shown() -> None:
    shown = show_recipe(Recipe())
    assert "(adamw | sgd)" in shown
    assert "(all | semihard | hard | batch-hard)" in " ".join(shown.replace("\n# ", " ").split())


@pytest.mark.parametrize(
    ("change", "nearest"),
    [
        ("epoch=3", "did you mean 'epochs'?"),
        ("optimiser.lr=1", "did you mean 'optimizer'?"),
        ("optimizer.learning_rate=1", "the keys here are name, lr"),
        ("lr=0.1", "did you mean 'optimizer.lr'?"),
        ("warmup=0.1", "did you mean 'schedule.warmup'?"),
        ("network.dropuot=0.1", "did you mean 'network.dropout'?"),
        ("sampler.class=3", "did you mean 'sampler.classes'?"),
        ("holdout.class=3", "did you mean 'holdout.classes'?"),
        ("objectives.0.margn=0.1", "did you mean 'objectives.margin'?"),
    ],
)
def test_an_unknown_key_names_the_nearest_right_one(change: str, nearest: str) -> None:
    with pytest.raises(TrainingError) as error:
        read_recipe("default", [change])
    assert "unknown key" in str(error.value)
    assert nearest in str(error.value)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("epochs=0", "epochs: "),
        ("epochs=many", "(got 'many')"),
        ("network=3", "network: "),
        ("optimizer.lr=-1", "optimizer.lr: "),
        ("optimizer.lr=nan", "optimizer.lr: "),
        ("optimizer.name=adam", "optimizer.name: "),
        ("objectives.0.loss=nothing", "objectives.0.loss: "),
        ("objectives.0.margin=0.1", "the loss pairs has no margin"),
        ("objectives=[]", "objectives: "),
        ("objectives=3", "objectives: "),
        ("sampler.kind=triplets", "goes with one objective"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(change: str, where: str) -> None:
    with pytest.raises(TrainingError) as error:
        read_recipe("default", [change])
    assert where in str(error.value)
    assert str(error.value).startswith("default: ")
    assert "\n" not in str(error.value)


def test_changes_take_texts_numbers_and_lists() -> None:
    recipe = read_recipe(
        "default",
        [
            "network.backbone=resnet18",
            'network.head="mlp"',
            "optimizer.lr = 1e-3",
            "compute.compile=true",
            "objectives.0.loss=triplet",
            "objectives.0.margin=0.1",
            "objectives.1.loss=supcon",
            "objectives.1.weight=0.5",
        ],
    )
    assert (recipe.network.backbone, recipe.network.head) == ("resnet18", "mlp")
    assert (recipe.optimizer.lr, recipe.compute.compile) == (1e-3, True)
    assert recipe.objectives == (Objective(loss="triplet", margin=0.1), Objective(loss="supcon", weight=0.5))
    added = read_recipe("triplets", ["objectives.0.margin=0.3", "objectives.1.loss=arcface"]).objectives
    assert added == (Objective(loss="triplet", margin=0.3), Objective(loss="arcface"))
    assert len(read_recipe("triplets").objectives) == 1


@pytest.mark.parametrize("change", ["epochs", "=3", "optimizer.=3", ""])
def test_a_change_that_is_none_says_how_to_write_one(change: str) -> None:
    with pytest.raises(TrainingError, match=r"write section\.key=value"):
        read_recipe("default", [change])


@pytest.mark.parametrize(
    "change",
    [
        *("objectives.x=1", "objectives.x.y=1", "objectives.².margin=1", "objectives.0=3"),
        *("objectives.7.loss=supcon", f"objectives.{9**99}.loss=supcon", "network.0.x=1", "epochs.x.y=1"),
    ],
)
def test_a_change_of_what_is_no_section_is_refused(change: str) -> None:
    with pytest.raises(TrainingError):
        read_recipe("default", [change])


def recipe_or_refusal(source: str, changes: Sequence[str] = ()) -> Recipe | TrainingError:
    try:
        return read_recipe(source, changes)
    except TrainingError as error:
        return error


_KEYS = st.sampled_from(["objectives", "network", "epochs", "lr", "0", "1", "x", "loss", ""])


@given(st.lists(_KEYS, min_size=1, max_size=4), st.text(max_size=8) | st.sampled_from(["1", "[]", "{}", "[{}]"]))
def test_any_change_gives_a_recipe_or_a_message(keys: list[str], value: str) -> None:
    outcome = recipe_or_refusal("default", [f"{'.'.join(keys)}={value}"])
    assert isinstance(outcome, Recipe) or not isinstance(outcome.__context__, KeyError)


def test_what_a_file_leaves_out_keeps_its_default_and_changes_come_after(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("epochs = 7\n[optimizer]\nlr = 0.1\n[[objectives]]\nloss = 'contrastive'\n")
    assert read_recipe(str(path)) == Recipe().with_settings(
        epochs=7, optimizer={"lr": 0.1}, objectives=[{"loss": "contrastive"}]
    )
    assert read_recipe(str(path), ["epochs=8", "objectives.0.margin=0.4"]).epochs == 8


@pytest.mark.parametrize("content", [b"epochs = ", b"epochs = 3\nepochs = 4", b"\xff\xfe", b"[a", b"epochs: 3"])
def test_a_broken_file_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"broken\.toml: not a readable TOML file"):
        read_recipe(str(path))


@given(st.binary(max_size=60))
def test_any_file_gives_a_recipe_or_a_message(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("recipe") / "any.toml"
    path.write_bytes(content)
    outcome = recipe_or_refusal(str(path))
    assert isinstance(outcome, Recipe) or str(path) in str(outcome)


def test_an_unknown_recipe_names_the_ones_there_are(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="neither a file nor one of default, pairs, general, answers, triplets"):
        read_recipe("defualt")
    with pytest.raises(TrainingError, match="not a readable TOML file"):
        read_recipe(str(tmp_path))


def test_a_recipe_cannot_be_changed_by_reading_another() -> None:
    before = {name: str(values) for name, values in NAMED_RECIPES.items()}
    read_recipe("triplets", ["objectives.0.margin=0.9", "epochs=1"])
    assert {name: str(values) for name, values in NAMED_RECIPES.items()} == before
    with pytest.raises(ValidationError):
        Recipe().epochs = 3  # type: ignore[misc]
