"""What can be refused before torch is imported and before an image is looked at."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from samekind.datasets.dataset import Dataset
from samekind.datasets.folders import LabelledImages
from samekind.errors import MissingExtraError, ModelFileError, TrainingError
from samekind.training.batches.workers import refuse_small_for_cache
from samekind.training.images import RunImages, list_images
from samekind.training.recipe.sections import BUNDLED_BACKBONE, SamplerSection
from samekind.training.run.folder import RunFolder
from samekind.training.run.settings import RunSettings

# Seconds to wait for the model hub.
_PATIENCE = 5.0
LOGGERS = ("tensorboard", "wandb")
_EXTRA = (
    *("torch", "torchvision", "timm", "lightning", "pytorch_metric_learning", "safetensors", "scipy"),
    *("onnx", "onnxscript", "matplotlib"),
)


def preflight(settings: RunSettings, run: RunFolder) -> RunImages:
    """Make sure that nothing which can be known by now would stop a new run later.

    Returns:
        The images of the run, which had to be listed for it.

    Raises:
        TrainingError: The output cannot be written, a run is in the folder already, the starting weights are missing,
            there is no such logger, too little shared memory, or too few images for a batch.
        DatasetError: The images or a test folder cannot be used.
    """
    run.refuse_run()
    refuse_output(settings.output)
    refuse_loggers(settings.loggers)
    refuse_start(settings.init)
    if settings.recipe.freezing.stages:
        refuse_small_for_cache(settings.recipe.augmentation.views, settings.recipe.network.input_size)
    images = list_images(settings)
    if isinstance(images.source, Dataset):
        refuse_no_batch(images.source.train, settings.recipe.sampler)
    if settings.init == "imagenet":  # last, for it may take seconds
        refuse_unreachable_hub(settings.recipe.network.backbone)
    return images


def refuse_unreachable_hub(backbone: str) -> None:
    """Make sure that pretrained weights could be downloaded, or have been: the hub's client would try for minutes.

    Raises:
        TrainingError: There is no connection; the message says what works without a network.
    """
    from huggingface_hub import constants  # noqa: PLC0415 - comes with timm

    if any(Path(constants.HF_HUB_CACHE).glob(f"models--timm--{backbone}*")) or getproxies():
        return
    hub = urlsplit(constants.ENDPOINT)
    try:
        socket.create_connection((hub.hostname, hub.port or 443), timeout=_PATIENCE).close()
    except OSError as error:
        bundled = "without a network --init bundled works, whose weights come with samekind; or give"
        raise TrainingError(
            f"the pretrained weights of {backbone} cannot be downloaded, for {hub.hostname} cannot be reached "
            f"({error.strerror or error}); {bundled if backbone == BUNDLED_BACKBONE else 'give'} a file: "
            "--init WEIGHTS.safetensors"
        ) from error


def refuse_missing_extra() -> None:
    """Make sure that the libraries of the extra ``train`` are installed, without importing them.

    Raises:
        MissingExtraError: One is not; the message says what to install.
    """
    for module in _EXTRA:
        if find_spec(module) is None:
            raise MissingExtraError("train", module)


def refuse_output(output: Path) -> None:
    """Make sure that a model file could be written.

    Raises:
        TrainingError: It is a folder, or none can be made or written where it is to lie.
    """
    if output.is_dir():
        raise TrainingError(f"{output}: is a folder; name the model file to write, such as {output / 'model.onnx'}")
    folder = next(parent for parent in output.parents if parent.exists())
    if not folder.is_dir():
        raise TrainingError(f"{output}: cannot be written, for {folder} is no folder")
    if not os.access(folder, os.W_OK):
        raise TrainingError(f"{output}: cannot be written, for there is no permission to write into {folder}")


def refuse_loggers(names: Sequence[str]) -> None:
    """Make sure that loggers can be made.

    Raises:
        TrainingError: There is none of that name, or its library is not installed.
    """
    for name in names:
        if name not in LOGGERS:
            raise TrainingError(f"no logger {name!r}; there are {', '.join(LOGGERS)} (and always logs/metrics.csv)")
        if find_spec(name) is None:
            raise TrainingError(f"logging to {name} needs its library: pip install {name}")


def refuse_start(init: str) -> None:
    """Make sure that the starting weights are there, as far as that needs no network.

    Raises:
        TrainingError: They are not.
    """
    if init in {"scratch", "imagenet", "bundled"}:
        return
    if init.endswith(".safetensors"):
        if not Path(init).is_file():
            raise TrainingError(f"{init}: no such file")
        return
    from samekind.model_file.file import find_model  # noqa: PLC0415 - most runs do not start from a model file

    try:
        find_model(init)
    except ModelFileError as error:
        raise TrainingError(f"cannot start from {init!r}: {error}; or --init imagenet, bundled, scratch") from None


def refuse_no_batch(images: LabelledImages, sampler: SamplerSection) -> None:
    """Make sure that the images fill a batch, as far as that is known before some of them are held out.

    Raises:
        TrainingError: All of them together do not.
    """
    batch = min(sampler.classes, len(images.classes)) * sampler.images
    if sampler.kind == "classes" and len(images) < batch:
        advice = max(2, len(images) // len(images.classes) // 4)
        raise TrainingError(
            f"{images.root}: {len(images)} images do not fill one batch of {batch}; add some, or try "
            f"--set sampler.images={advice}"
        )
