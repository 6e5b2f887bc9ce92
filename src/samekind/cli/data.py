"""``samekind data``: samples of pairs, triplets and trios by the protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from samekind.datasets.folders import LabelledImages
    from samekind.datasets.lists import Row

app = typer.Typer(
    no_args_is_help=True,
    help="Draw balanced samples from class folders, as CSV lists.\n\n"
    "The same folder and seed give the same list. Training items come from FOLDER/train and test items from "
    "FOLDER/val (or test); a folder without them is split first, the same bytes never on both sides.",
)

FolderArgument = Annotated[
    Path,
    typer.Argument(help="Class folders, or train and val with class folders in each.", show_default=False),
]
OutputOption = Annotated[Path, typer.Option("--output", "-o", help="The CSV file to write.", show_default=False)]
TrainOption = Annotated[int, typer.Option("--train", min=0, help="Training items for each class.")]
TestOption = Annotated[int, typer.Option("--test", min=0, help="Test items for each class.")]
SeedOption = Annotated[int, typer.Option(help="Decides the sample.")]

# A folder without a split of its own is split like the protocol: 4 training items for each test item.
_TEST_SHARE = 0.2


@app.command("pairs")
def pairs(
    folder: FolderArgument,
    output: OutputOption,
    train: TrainOption = 128,
    test: TestOption = 32,
    seed: SeedOption = 0,
) -> None:
    """Pairs: of each class half genuine (same class), half impostor (another class).

    Columns: split, first, second, same, first_class, second_class. `samekind verify --pairs` reads the list.
    """
    from samekind.datasets.lists import pair_rows
    from samekind.datasets.sampling import sample_pairs

    def rows(split: str, images: LabelledImages, per_class: int) -> list[Row]:
        return pair_rows(split, images, sample_pairs(images.labels, per_class, seed), output.parent)

    _write(folder, output, train, test, seed, rows, "pairs")


@app.command("triplets")
def triplets(
    folder: FolderArgument,
    output: OutputOption,
    train: TrainOption = 128,
    test: TestOption = 32,
    seed: SeedOption = 0,
) -> None:
    """Triplets to train on: anchor and positive of one class, negative of another.

    Columns: split, anchor, positive, negative, class, negative_class.
    """
    from samekind.datasets.lists import triplet_rows
    from samekind.datasets.sampling import sample_triplets

    def rows(split: str, images: LabelledImages, per_class: int) -> list[Row]:
        return triplet_rows(split, images, sample_triplets(images.labels, per_class, seed), output.parent)

    _write(folder, output, train, test, seed, rows, "triplets")


@app.command("trios")
def trios(
    folder: FolderArgument,
    output: OutputOption,
    train: TrainOption = 128,
    test: TestOption = 32,
    seed: SeedOption = 0,
) -> None:
    """Trios to be judged: half ABC (no two alike), half AAB, ABA, BAA and AAA (at least two alike).

    Columns: split, first, second, third, same, composition, classes. `samekind trio --trios` reads the list.
    """
    from samekind.datasets.lists import trio_rows
    from samekind.datasets.sampling import sample_trios

    def rows(split: str, images: LabelledImages, per_class: int) -> list[Row]:
        return trio_rows(split, images, sample_trios(images.labels, per_class, seed), output.parent)

    _write(folder, output, train, test, seed, rows, "trios")


def _write(
    folder: Path,
    output: Path,
    train_per_class: int,
    test_per_class: int,
    seed: int,
    rows: Callable[[str, LabelledImages, int], list[Row]],
    what: str,
) -> None:
    from samekind.datasets.folders import read_train_and_test
    from samekind.datasets.lists import write_list
    from samekind.datasets.splits import stratified_holdout

    train, test = read_train_and_test(folder)
    if test is None:
        train, test = stratified_holdout(train, _TEST_SHARE, seed)
    train_rows, test_rows = rows("train", train, train_per_class), rows("test", test, test_per_class)
    write_list(output, [*train_rows, *test_rows])
    typer.echo(f"{output}: {len(train_rows):,} training {what}, {len(test_rows):,} test {what}")
