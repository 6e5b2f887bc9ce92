"""Imagenette, fetched: ten easy classes of ImageNet, split into training and validation images."""

from __future__ import annotations

import shutil
import sys
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from samekind.datasets.dataset import read_dataset
from samekind.datasets.download import download
from samekind.errors import DatasetError
from samekind.progress import Progress

SIZES = ("160", "320", "full")
# JPEGs hardly shrink in a .tgz; the rest is the file system's.
_UNPACKED = 1.1


@dataclass(frozen=True)
class Archive:
    """Where one size of Imagenette lies, and what is in it.

    Attributes:
        url: The address of a ``.tgz`` whose one folder has the archive's name.
        md5: Its checksum.
        classes: The names of its class folders, in ``train`` and ``val`` alike.
        images: How many images there are in all.
    """

    url: str
    md5: str
    classes: tuple[str, ...]
    images: int

    @property
    def name(self) -> str:
        """The name of the folder in it."""
        return PurePosixPath(self.url).stem


def imagenette_archive(size: str) -> Archive:
    """The archive of a size of ``SIZES``, as torchvision's dataset class knows it.

    ``torchvision.datasets.Imagenette`` itself would fetch all anew after a break, fall back to a connection that is not
    encrypted, and unpack whatever the archive says; so only its addresses and checksums are taken.

    Raises:
        DatasetError: There is no such size, or this torchvision does not know it.
    """
    from torchvision.datasets import Imagenette  # noqa: PLC0415 - extra train

    key = size if size == "full" else f"{size}px"
    try:
        url, md5 = Imagenette._ARCHIVES[key]
        classes = tuple(sorted(Imagenette._WNID_TO_CLASS))
    except (AttributeError, KeyError):
        raise DatasetError(
            f"this torchvision knows no Imagenette of size {size!r}; sizes are {', '.join(SIZES)}"
        ) from None
    return Archive(url, md5, classes, images=13_394)


def fetch_imagenette(archive: Archive, to: Path, *, on_progress: Progress | None = None) -> Path:
    """Download and unpack, whole or not at all; a folder that is there and whole is left alone.

    A break leaves what was downloaded, and the next call goes on from it. An archive that was there before, with the
    right checksum, is used without asking the server, and stays.

    Args:
        archive: From ``imagenette_archive``.
        to: Where its folder shall lie.
        on_progress: Called with (stage, done, total) in megabytes.

    Returns:
        The folder, with ``train`` and ``val`` and class folders in each.

    Raises:
        DatasetError: This Python cannot unpack an archive safely; or as ``download``; or a folder of that name is there
            and not whole; or the archive is broken, holds something other than files and folders in its own folder, or
            not the images that it should.
    """
    folder = to / archive.name
    if folder.exists():
        _check_whole(folder, archive, "remove it, or name another folder with --to")
        return folder
    _refuse_old_python()
    packed = to / PurePosixPath(archive.url).name
    ours = not packed.exists()
    download(archive.url, packed, archive.md5, leave_free=_UNPACKED, on_progress=on_progress)
    unpacking = to / f".{archive.name}.unpacking"
    shutil.rmtree(unpacking, ignore_errors=True)  # of a run that was killed
    try:
        _unpack(packed, unpacking, on_progress)
        _check_whole(unpacking / archive.name, archive, "nothing was left of it")
        (unpacking / archive.name).rename(folder)
    except (KeyboardInterrupt, OSError):
        ours = False  # good for the next time
        raise
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)
        if ours:
            packed.unlink()
    return folder


def _unpack(packed: Path, to: Path, on_progress: Progress | None) -> None:
    total = packed.stat().st_size
    try:
        with packed.open("rb") as file, tarfile.open(fileobj=file, mode="r:gz") as tar:
            for member in tar:
                tar.extract(member, to, filter=_only_files)
                if on_progress:
                    on_progress("unpack, MB", file.tell() // 10**6, max(1, total // 10**6))
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DatasetError(f"{packed}: refused or broken while unpacking ({error}); nothing was left of it") from error
    except OSError as error:
        if error.errno is not None:  # the disk's
            raise
        raise DatasetError(f"{packed}: broken ({error}); nothing was left of it") from error


def _refuse_old_python() -> None:
    """Known before anything is fetched."""
    if not hasattr(tarfile, "data_filter"):
        version = ".".join(map(str, sys.version_info[:3]))
        raise DatasetError(
            f"unpacking an archive safely needs Python 3.11.4 or later, and this is {version}; use a newer one, "
            "or unpack the archive yourself: nothing was fetched"
        )


def _only_files(member: tarfile.TarInfo, to: str) -> tarfile.TarInfo:
    """Python's own rules against writing outside the folder (PEP 706), and no links at all."""
    if not (member.isfile() or member.isdir()):
        raise tarfile.SpecialFileError(member)
    return tarfile.data_filter(member, to)


def _check_whole(folder: Path, archive: Archive, advice: str) -> None:
    try:
        found = read_dataset(folder, usable=False)
    except DatasetError as error:
        raise DatasetError(f"{folder}: is not the whole of Imagenette ({error}); {advice}") from None
    count = len(found.train) + len(found.test or ())
    if found.test is None or found.train.classes != archive.classes or count != archive.images:
        raise DatasetError(
            f"{folder}: is not the whole of Imagenette ({count:,} of {archive.images:,} images in train and val of "
            f"{len(archive.classes)} classes); {advice}"
        )
