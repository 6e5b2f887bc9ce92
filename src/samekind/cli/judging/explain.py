"""``samekind explain``: why two or three images are alike or not, as a picture."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samekind.cli.console.options import (
    PAIR_NAMES,
    AmongOption,
    JsonOption,
    ModelOption,
    ProviderOption,
    ThreadsOption,
    echo_json,
    printable,
    verdict_word,
)

if TYPE_CHECKING:
    from samekind.explain.explanation import Explanation

_WHERE = (("top", "middle", "bottom"), ("left", "centre", "right"))


def explain(
    first: Annotated[Path, typer.Argument(help="An image file.", show_default=False)],
    second: Annotated[Path, typer.Argument(help="Another.", show_default=False)],
    third: Annotated[
        Path | None, typer.Argument(help="One more: then all three pairs are explained.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the picture here, as PNG or as its ending says."),
    ] = None,
    occlusion: Annotated[
        bool,
        typer.Option("--occlusion", help="Hide one place after the other, rather than look into the network: slower."),
    ] = False,
    model: ModelOption = None,
    among: AmongOption = None,
    json: JsonOption = False,
    provider: ProviderOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Show where the similarity of two images comes from.

    Each image is drawn with a map: warm places make the two more alike, cool ones less. Lines join the places that
    contribute the most together. The contributions add up to the similarity exactly; where a network does not allow
    that, each place is hidden in turn instead, and the picture says so.

    Examples:
      samekind explain a.jpg b.jpg -o why.png

      samekind explain a.jpg b.jpg c.jpg --among my-photos -o why.png
    """
    from samekind.cli.judging.context import load_among, warn_of_doubt

    if output is None and not json:
        raise typer.BadParameter("say where the picture goes: -o why.png (or --json for the numbers)")
    if output is not None and output.is_dir():  # known before the work
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(output))
    if output is not None and output.exists():
        for picture in (first, second, third):
            if picture is not None and picture.exists() and output.samefile(picture):
                raise typer.BadParameter(f"-o {output}: is one of the pictures, and would be written over")
    recognizer = load_among(model, among, providers=provider, threads=threads)
    explanation = recognizer.explain(first, second, third, method="occlusion" if occlusion else None)
    if output is not None:
        explanation.save(output)
    if json:
        echo_json(explanation.as_json())
    else:
        typer.echo(summary(explanation))
        typer.echo(f"{output}: written. {printable(explanation.how)}", err=True)
    warn_of_doubt(explanation.verdict)


def summary(explanation: Explanation) -> str:
    """The verdict, and for each pair its similarity and where its places that correspond lie."""
    verdict = explanation.verdict
    yes, no = ("two alike", "none alike") if len(explanation.pairs) == 3 else ("same", "different")
    lines = [f"{verdict_word(verdict.same, yes, no)}p={verdict.probability:.2f}"]
    for name, pair in zip(PAIR_NAMES, explanation.pairs, strict=False):
        places = "; ".join(f"{_where(line.first)} ~ {_where(line.second)}" for line in pair.correspondences)
        lines.append(f"{name} {pair.similarity:.2f}" + (f"  ({places})" if places else ""))
    return "\n".join(lines)


def _where(place: tuple[float, float]) -> str:
    """A place in two words.

    Example:
        >>> _where((0.5, 0.1))
        'top centre'
    """
    x, y = (min(2, int(3 * share)) for share in place)
    return f"{_WHERE[0][y]} {_WHERE[1][x]}"
