"""``samekind data``: samples of pairs, triplets and trios by the protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samekind.cli.console.outputs import TABLE, file_like

if TYPE_CHECKING:
    from samekind.datasets.folders import LabelledImages

app = typer.Typer(
    no_args_is_help=True,
    help="Check labelled images before training, fetch Imagenette, and draw balanced samples as CSV lists.\n\n"
    "The same folder and seed give the same sample. Training items come from FOLDER/train and test items from "
    "FOLDER/val (or test); a folder without them is split first, the same bytes never on both sides.",
)

FolderArgument = Annotated[
    Path,
    typer.Argument(
        help="Class folders, train and val with class folders in each, or a CSV manifest.", show_default=False
    ),
]
OutputOption = Annotated[
    Path,
    typer.Option("--output", "-o", callback=file_like(TABLE), help="The CSV file to write.", show_default=False),
]
TrainOption = Annotated[int, typer.Option("--train", min=0, help="Training items for each class.")]
TestOption = Annotated[int, typer.Option("--test", min=0, help="Test items for each class.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Decides the sample.")]

# A folder without a split of its own is split like the protocol: 4 training items for each test item.
_TEST_SHARE = 0.2


def _add_command(kind: str, help_text: str) -> None:
    def draw(
        folder: FolderArgument,
        output: OutputOption,
        train: TrainOption = 128,
        test: TestOption = 32,
        seed: SeedOption = 0,
    ) -> None:
        from samekind.datasets import lists, sampling, tables

        functions: dict[str, tuple[Callable[..., Any], Callable[..., list[tables.Row]]]] = {
            "pairs": (sampling.sample_pairs, lists.pair_rows),
            "triplets": (sampling.sample_triplets, lists.triplet_rows),
            "trios": (sampling.sample_trios, lists.trio_rows),
        }
        sample, to_rows = functions[kind]
        parts = zip(("train", "test"), _read_parts(folder, seed), (train, test), strict=True)
        base = lists.list_folder(output)
        rows = {
            split: to_rows(split, images, sample(images.labels, per_class, seed), base or Path())
            for split, images, per_class in parts
        }
        tables.write_list(output, [*rows["train"], *rows["test"]])
        summary = f"{output}: {len(rows['train']):,} training {kind}, {len(rows['test']):,} test {kind}"
        typer.echo(summary, err=base is None)

    app.command(kind, help=help_text)(draw)


def _read_parts(folder: Path, seed: int) -> tuple[LabelledImages, LabelledImages]:
    from samekind.datasets.dataset import read_dataset
    from samekind.datasets.splits import refuse_shared_images, stratified_holdout

    found = read_dataset(folder, usable=False)
    if found.test is None:
        return stratified_holdout(found.train, _TEST_SHARE, seed)
    refuse_shared_images(found.train, found.test)
    return found.train, found.test


_add_command(
    "pairs",
    "Pairs: of each class half genuine (same class), half impostor (another class).\n\n"
    "Columns: split, first, second, same, first_class, second_class. `samekind verify --pairs` reads the list.",
)
_add_command(
    "triplets",
    "Triplets to train on: anchor and positive of one class, negative of another.\n\n"
    "Columns: split, anchor, positive, negative, class, negative_class.",
)
_add_command(
    "trios",
    "Trios to be judged: half ABC (no two alike), half AAB, ABA, BAA and AAA (at least two alike).\n\n"
    "Columns: split, first, second, third, same, composition, classes. `samekind trio --trios` reads the list.",
)
