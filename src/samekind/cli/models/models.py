"""``samekind models``: what models there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from samekind.cli.console.options import JsonOption, echo_json, printable

if TYPE_CHECKING:
    from samekind.model_file.known_encoders import KnownEncoder


def models(json: JsonOption = False) -> None:
    """List the models that come with samekind, and encoders from elsewhere that `samekind wrap` makes models of.

    Each with its size, the licence of its weights, and what was measured of it here; nothing is fetched.

    Examples:
      samekind models
    """
    from samekind.model_file.file import bundled_models, read_model
    from samekind.model_file.known_encoders import KNOWN

    bundled = {name: (read_model(name).card, path.stat().st_size) for name, path in bundled_models().items()}
    if json:
        echo_json(
            {
                "bundled": [
                    {"name": name, "bytes": size, "dimension": card.dimension, "licence": card.licence}
                    for name, (card, size) in bundled.items()
                ],
                "encoders": [vars(one) for one in KNOWN],
            }
        )
        return
    typer.secho("come with samekind", bold=True)
    for name, (card, size) in bundled.items():
        rates = card.pair.balanced if card.pair else None
        said = f"FAR {rates.far:.1%}, TAR {rates.tar:.1%} at balanced" if rates and card.pair else "not calibrated"
        typer.echo(f"  {name:<12}{size / 1e6:5.1f} MB  {card.dimension} dimensions  {printable(card.licence)}  {said}")
    typer.secho("\nencoders from elsewhere", bold=True)
    for one in KNOWN:
        typer.echo("\n".join(_lines(one)))
    typer.echo("\nwhat a shop may do with each: docs/licences.md")


def _lines(one: KnownEncoder) -> list[str]:
    measured = one.measured or "not measured here: nobody has run it with a network at hand"
    return [
        f"  {one.name}",
        f"    {one.parameters:.0f} million parameters, {one.dimension} dimensions; weights: {one.licence}",
        f"    learned from {one.learned_from}",
        f"    {measured}",
        f"    {one.command}",
    ]
