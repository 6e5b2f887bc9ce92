"""``samekind evaluate``: how often a model is right on your labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import ExcludeOption, JsonOption, ProviderOption, printable, warn
from samekind.cli.console.outputs import JSON, file_like, folder_like
from samekind.errors import DatasetError

if TYPE_CHECKING:
    from samekind.datasets.folders import LabelledImages
    from samekind.report.schema.contents import Report

_MOST_NAMED = 10  # classes in a warning


def evaluate(
    model: Annotated[str, typer.Argument(help="A model that comes with samekind, by name, or a path.")],
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Class folders, or a CSV manifest; of a folder with train and val, val is used. "
            "Not needed with a list of items.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            callback=folder_like,
            help="Also write a report into this folder: report.html (one file, opens from disk), report.json with its "
            "schema, and the figures as PNG.",
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="Judge these pairs, not all pairs of the images: a CSV file with the columns first, second and same "
            "(1 or 0). Paths are relative to the file's folder."
        ),
    ] = None,
    trios: Annotated[
        Path | None,
        typer.Option(
            help="Judge these trios, not a sample: columns first, second, third and same, if wanted composition."
        ),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            help="Another model, to be judged on the same items; differences come with their paired intervals. "
            "Classes seen and not seen are those of the first."
        ),
    ] = None,
    classes_seen: Annotated[
        str | None,
        typer.Option(
            help="The classes that the model was trained on: names with commas between, or a file with one a line. "
            "Those that are none of FOLDER's are named and passed over.",
            show_default="the model's card",
        ),
    ] = None,
    exclude: ExcludeOption = None,
    training: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER|MANIFEST",
            help="The images that the model was trained on; the report says how many of FOLDER's have a copy, near or "
            "exact, among them.",
            show_default="the train part of FOLDER",
        ),
    ] = None,
    trio_count: Annotated[int, typer.Option(min=8, help="Balanced trios to draw.")] = 20_000,
    most_images: Annotated[
        int,
        typer.Option(
            min=4,
            help="All pairs are judged of at most so many images. Of more, so many are drawn, of each class its share "
            "but at least two; of too many classes for that, some are drawn. Images that a list names all count.",
        ),
    ] = 10_000,
    resamples: Annotated[
        int,
        typer.Option(
            min=10,
            help="Bootstrap resamples behind each interval; at most 100 for retrieval and 200 for clusters (AMI).",
        ),
    ] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Decides the samples.")] = 0,
    json: JsonOption = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", callback=file_like(JSON), help="Also write the JSON here.")
    ] = None,
    provider: ProviderOption = None,
) -> None:
    """Measure a model on labelled images: pairs, trios, calibration, retrieval, each number with its 95 % interval.

    All pairs of the images are judged. Thresholds and probabilities are used as the model's card gives them; nothing
    is fitted on these images, and images that the model was trained on are refused, byte for byte. Of byte copies
    within a class one is kept. Classes that it was trained on and others are told apart. The intervals come from
    resampling images or whole classes, not pairs, for pairs that share an image are not independent.

    Examples:
      samekind evaluate general photos --report report

      samekind evaluate general photos --compare mine.onnx

      samekind evaluate general --pairs pairs.csv
    """
    from samekind.cli.console.extras import require
    from samekind.cli.console.progress import stage_bars
    from samekind.datasets.dataset import read_test_images
    from samekind.report.evaluate import evaluate as measure
    from samekind.report.evaluate import training_part

    if folder is None and pairs is None and trios is None:
        raise typer.BadParameter("give a folder of classes, or a list: --pairs FILE or --trios FILE")
    if report is not None:
        require("report", "sklearn", "matplotlib", "jinja2")
    images = None if folder is None else read_test_images(folder, exclude=exclude or ())
    seen = None if classes_seen is None else _names(classes_seen)
    if images is not None and classes_seen is not None and seen is not None:
        _check_names(seen, images, from_file=Path(classes_seen).is_file())
    with stage_bars() as progress:
        found = measure(
            model,
            images,
            pairs=pairs,
            trios=trios,
            compare=compare,
            training=training or training_part(folder, exclude or ()),
            exclude=exclude or (),
            classes_seen=seen,
            trio_count=trio_count,
            most_images=most_images,
            resamples=resamples,
            seed=seed,
            providers=provider,
            on_progress=progress,
        )
        if report is not None:
            found = found.save(report, on_progress=progress)
    if output is not None:
        _write(found, output)
    for message in found.unreadable:
        typer.secho(f"samekind: {printable(message)}", err=True, fg="red")
    typer.echo(found.model_dump_json(indent=2) if json else printable(found.text()))
    if report is not None:
        typer.echo(f"{report / 'report.html'}: open it in a browser", err=True)


def _names(given: str) -> frozenset[str]:
    """Names with commas between, or of a file with one a line."""
    path = Path(given)
    try:
        text = path.read_text(encoding="utf-8").splitlines() if path.is_file() else given.split(",")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: not a readable list of class names ({error})") from error
    return frozenset(name.strip() for name in text if name.strip())


def _check_names(seen: frozenset[str], images: LabelledImages, *, from_file: bool) -> None:
    """Tell of names that are no class of the images: the model may have been trained on such, or one is misspelt."""
    unknown = sorted(seen - set(images.classes))
    # A file lists all that a model was trained on, and the images may well be of other classes only.
    if unknown and len(unknown) == len(seen) and not from_file:
        raise DatasetError(
            f"--classes-seen: no class {unknown[0]!r} in {images.root}, and no such file; "
            f"classes are {', '.join(images.classes)}"
        )
    if unknown:
        more = f" and {len(unknown) - _MOST_NAMED:,} more" if len(unknown) > _MOST_NAMED else ""
        warn(f"--classes-seen: not among the classes of {images.root}: {', '.join(unknown[:_MOST_NAMED])}{more}")


def _write(found: Report, path: Path) -> None:
    from samekind.system.atomic import replacing

    with replacing(path) as temporary:
        temporary.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
