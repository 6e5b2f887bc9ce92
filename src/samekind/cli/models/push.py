"""``samekind push``: a model onto a hub."""

from __future__ import annotations

from typing import Annotated

import typer


def push(
    model: Annotated[
        str, typer.Argument(help="A model that comes with samekind, by name, or a path.", show_default=False)
    ],
    address: Annotated[
        str,
        typer.Argument(help="Where to: hf://OWNER/NAME, with @BRANCH and /FILE.onnx if wanted.", show_default=False),
    ],
    private: Annotated[bool, typer.Option("--private", help="Make a new repository for you alone.")] = False,
    message: Annotated[str | None, typer.Option(help="The message of the commit.", show_default="the name")] = None,
) -> None:
    """Put a model on the Hugging Face hub, with a page made from its card.

    The page has the promised and the measured error rates with their intervals, the licence, and what the model is for.
    File and page go up in one commit. Log in with `hf auth login` before, or set HF_TOKEN.

    Examples:
      samekind push mine.onnx hf://me/shoes && samekind verify a.jpg b.jpg --model hf://me/shoes
    """
    from samekind.publishing.push import push as put

    typer.echo(f"{put(model, address, private=private, message=message)}: pushed; load it by this name")
