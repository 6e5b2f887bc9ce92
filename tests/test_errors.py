from __future__ import annotations

import inspect

import pytest

import samekind
from samekind import errors

EXCEPTIONS = {name: value for name, value in vars(errors).items() if inspect.isclass(value)}


def test_every_error_is_a_samekind_error() -> None:
    assert len(EXCEPTIONS) > 1
    assert all(issubclass(value, errors.SamekindError) for value in EXCEPTIONS.values())


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.ImageError, ValueError),
        (errors.ModelFileError, ValueError),
        (errors.OperatingPointError, ValueError),
        (errors.EmbeddingError, ValueError),
        (errors.ArgumentError, ValueError),
        (errors.DatasetError, ValueError),
        (errors.TrainingError, RuntimeError),
        (errors.FilterError, ValueError),
        (errors.GalleryError, RuntimeError),
        (errors.GalleryUnreachableError, RuntimeError),
        (errors.ServeError, RuntimeError),
        (errors.MissingExtraError, ImportError),
    ],
)
def test_errors_are_also_what_python_calls_them(error: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(error, builtin)


def test_every_error_is_public() -> None:
    assert set(EXCEPTIONS) <= set(samekind.__all__)


def test_missing_extra_says_what_to_install() -> None:
    error = errors.MissingExtraError("demo", "matplotlib")
    assert str(error) == ('matplotlib is not installed. It comes with the extra "demo": pip install "samekind[demo]"')
    assert (error.extra, error.module) == ("demo", "matplotlib")
