"""Every error that samekind raises on purpose, under one root.

Catch ``SamekindError`` to catch them all. Each message says what is wrong, with which file, and what to do.
"""


class SamekindError(Exception):
    """The root of all errors that samekind raises on purpose."""


class ImageError(SamekindError, ValueError):
    """An image could not be read: missing, broken, too large, or not an image."""


class ModelFileError(SamekindError, ValueError):
    """A model could not be found or loaded: missing, corrupt, foreign, or of a newer format."""


class EmbeddingError(SamekindError, ValueError):
    """Embeddings that cannot be compared: of another size, not of unit length, or with values that are no numbers."""


class ArgumentError(SamekindError, ValueError):
    """An argument that cannot be meant: a list of names where pairs are asked for, or a negative number of threads."""


class OperatingPointError(SamekindError, ValueError):
    """A threshold or the name of an operating point that the model cannot use."""


class NotCalibratedError(OperatingPointError):
    """What a model's similarities mean was never measured: it embeds and compares, and gives no verdicts.

    Example:
        >>> str(NotCalibratedError("mine")).partition(":")[0]
        'mine'
    """

    def __init__(self, name: str, *, adaptable: bool = False) -> None:
        super().__init__(
            f"{name}: not calibrated, so it gives no verdicts and no probabilities: nobody has measured what its "
            "similarities mean. Without labels: samekind adapt MODEL PICTURES -o NEW.onnx"
            f"{'' if adaptable else ' --labelled FOLDER (three or more)'}; with labels of your own: "
            "samekind calibrate MODEL CLASS-FOLDERS -o NEW.onnx"
        )
        self.name, self.adaptable = name, adaptable

    def __reduce__(self) -> tuple[object, ...]:
        return _not_calibrated, (self.name, self.adaptable)


def _not_calibrated(name: str, adaptable: bool) -> NotCalibratedError:
    return NotCalibratedError(name, adaptable=adaptable)


class AdaptationError(SamekindError, ValueError):
    """A collection of pictures to which a model cannot be adapted, or a model that cannot be adapted."""


class WrapError(SamekindError, ValueError):
    """An encoder from elsewhere that cannot be made into a model file, or options that do not fit it."""


class HubError(SamekindError, RuntimeError):
    """A model cannot be fetched from a hub or put there."""


class DatasetError(SamekindError, ValueError):
    """A folder or list of labelled images that cannot be used as it stands."""


class TrainingError(SamekindError, RuntimeError):
    """Training cannot start, go on, or be written out."""


class GalleryError(SamekindError, RuntimeError):
    """A gallery cannot be opened, belongs to another model, or is being written by another process."""


class GalleryUnreachableError(GalleryError):
    """The database of a gallery cannot be reached at this moment, or has no connection left."""


class FilterError(SamekindError, ValueError):
    """A filter of images that cannot be understood.

    Attributes:
        place: How many characters stand before the place in the text that is wrong.
    """

    def __init__(self, message: str, place: int = 0) -> None:
        super().__init__(message)
        self.place = place


class ShardError(SamekindError, RuntimeError):
    """A folder of shards that belongs to another model, is damaged, or is being written by another process."""


class ClusterError(SamekindError, RuntimeError):
    """A Ray cluster that is not there, was lost, or has no room for a worker."""


class PlanError(SamekindError, RuntimeError):
    """A plan of what to keep and remove, or the journal of one that was applied, cannot be used as it stands."""


class ServeError(SamekindError, RuntimeError):
    """The service cannot start as it was asked to."""


class WebPageError(SamekindError, RuntimeError):
    """The page for the browser cannot be written: it was never built, or the folder has other files in it."""


class MissingExtraError(SamekindError, ImportError):
    """A command needs an optional dependency that is not installed.

    Example:
        >>> str(MissingExtraError("train", "torch"))
        'torch is not installed. It comes with the extra "train": pip install "samekind[train]"'
    """

    def __init__(self, extra: str, module: str) -> None:
        super().__init__(
            f'{module} is not installed. It comes with the extra "{extra}": pip install "samekind[{extra}]"'
        )
        self.extra = extra
        self.module = module


def first_line(error: BaseException) -> str:
    r"""What a library's error says, in one line; its class where it says nothing.

    Example:
        >>> first_line(ValueError("no such size\nsee the manual")), first_line(KeyError())
        ('no such size', 'KeyError')
    """
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def first_cause(error: BaseException) -> BaseException:
    """What went wrong first, where a library has wrapped it in errors of its own.

    Example:
        >>> outer = ValueError("see the manual")
        >>> outer.__cause__ = KeyError("size")
        >>> first_cause(outer)
        KeyError('size')
    """
    while error.__cause__ is not None:
        error = error.__cause__
    return error
