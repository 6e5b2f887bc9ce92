"""What an encoder from elsewhere takes and gives, in the words of its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray

from samekind.errors import WrapError
from samekind.images import Pixels

Layout: TypeAlias = Literal["nchw", "nhwc"]
Pool: TypeAlias = Literal["none", "cls", "mean", "patches", "cls+patches"]
Floats: TypeAlias = NDArray[np.float32]
POOLS: tuple[str, ...] = get_args(Pool)


@dataclass(frozen=True)
class InputForm:
    """What an encoder takes.

    Attributes:
        name: The name of its input.
        size: S, the side of the square, in pixels.
        layout: ``nchw``, (N, 3, S, S), or ``nhwc``.
        element: ``float32``, ``float16`` or ``uint8``.
        mean: What is taken from each channel, as a share of white.
        std: What it is then divided by.
    """

    name: str
    size: int
    layout: Layout
    element: Literal["float32", "float16", "uint8"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def prepared(self, pixels: Pixels) -> NDArray[np.generic]:
        """What the encoder takes, of uint8 (N, S, S, 3)."""
        values: NDArray[np.generic] = pixels
        if self.element != "uint8":
            values = ((pixels / 255.0 - np.array(self.mean)) / np.array(self.std)).astype(self.element)
        return values.transpose(0, 3, 1, 2) if self.layout == "nchw" else values


@dataclass(frozen=True)
class OutputForm:
    """What becomes an embedding.

    Attributes:
        name: The name of the value.
        rank: 2 for (N, D), 3 for tokens (N, T, D), 4 for a feature map, (N, C, H, W) or (N, H, W, C).
        pool: How tokens or places become one: ``cls`` is the first token, ``mean`` the mean of all, ``patches`` that of
            all behind the first ``prefix``, ``cls+patches`` both, each of unit length; ``none`` leaves (N, D).
        prefix: How many tokens come before those of the patches: the class token and registers.
        half: Whether the values are float16.
        places: The two axes of a feature map's places.
    """

    name: str
    rank: int
    pool: Pool
    prefix: int
    half: bool
    places: tuple[int, int] = (2, 3)

    def pooled(self, values: NDArray[np.generic]) -> Floats:
        """The embeddings, float32 (N, D), unit rows, of what the encoder gives: the oracle of what is in the graph."""
        found = values.astype(np.float32)
        if self.rank == 4:
            found = found.mean(axis=self.places)
        elif self.pool == "cls":
            found = found[:, 0]
        elif self.pool == "mean":
            found = found.mean(axis=1)
        elif self.pool == "patches":
            found = found[:, self.prefix :].mean(axis=1)
        elif self.pool == "cls+patches":
            found = np.concatenate([_unit(found[:, 0]), _unit(found[:, self.prefix :].mean(axis=1))], axis=1)
        return _unit(found)


def choose_pool(pool: str | None, shape: tuple[int, ...], prefix: int | None, called: str) -> tuple[Pool, int]:
    """How an output of a shape becomes (N, D), and how many tokens come before the patches.

    Args:
        pool: As a person said it; None where nothing was said.
        shape: Of the output for one image or more.
        prefix: As a person said it; None takes what is left of the tokens beside the largest square of them.
        called: What messages call the output.

    Raises:
        WrapError: That cannot be, or must be said.

    Example:
        >>> choose_pool("patches", (1, 261, 384), None, "tokens")
        ('patches', 5)
        >>> choose_pool(None, (1, 512), None, "features")
        ('none', 0)
    """
    if pool is not None and pool not in POOLS:
        raise WrapError(f"there is no pooling {pool!r}; there are {', '.join(POOLS)}")
    said = f"{called} is {_words(shape)}"
    if len(shape) == 2:
        if pool not in {None, "none"}:
            raise WrapError(f"{said}, one row an image already; leave --pool out")
        return "none", 0
    if len(shape) == 4:
        if pool not in {None, "mean"}:
            raise WrapError(f"{said}, a feature map; of its places only --pool mean can be taken")
        return "mean", 0
    if len(shape) != 3:
        raise WrapError(f"{said}, which is no embedding (N, D), tokens (N, T, D) or feature map (N, C, H, W)")
    tokens = shape[1]
    first = tokens - int(tokens**0.5) ** 2 if prefix is None else prefix
    if not (isinstance(first, int) and 0 <= first < tokens):
        raise WrapError(f"{said}; {first} of {tokens} tokens cannot come before the patches")
    if pool is None or pool == "none":
        raise WrapError(
            f"{said}: {tokens} tokens, of which {first} seem to come before the patches. Say which make the embedding: "
            "--pool cls (the first), mean (all), patches, or cls+patches"
        )
    if pool in {"cls", "cls+patches"} and first == 0:
        raise WrapError(f"{said}: it seems to have no class token; use --pool mean, or say --prefix-tokens")
    return cast(Pool, pool), first


def find_places(shape: tuple[int, ...], called: str) -> tuple[int, int]:
    """The two axes of a feature map's places: pictures are square, so they are the two that are alike.

    Args:
        shape: Of the map for one image or more.
        called: What messages call the output.

    Raises:
        WrapError: No two neighbours are alike, or all three sides are.

    Example:
        >>> find_places((1, 7, 7, 768), "features")
        (1, 2)
        >>> find_places((1, 512, 7, 7), "features")
        (2, 3)
    """
    _, first, middle, last = shape
    if (first == middle) == (middle == last):
        raise WrapError(
            f"{called} is {_words(shape)}, a feature map that does not tell its places from its channels; "
            "export it with its places averaged, as (N, D)"
        )
    return (1, 2) if first == middle else (2, 3)


def _words(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, ('N', *shape[1:])))})"


def _unit(rows: Floats) -> Floats:
    unit: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    return unit
