"""Which images a folder holds: one rule for galleries, class folders and whoever else looks through folders.

* Files are images by their suffix, or, where they have none or a worn one (``.jpg_large``), by their first bytes.
* Hidden files and folders, and those that systems make (``@eaDir``, ``#recycle``, ``lost+found``, …), are passed over.
* So is what ``.samekindignore`` names, in gitignore's form, in any folder; and what is excluded by the call.
* A link is followed, to a file or a folder, unless it leads to what the walk sees anyway: to something within the
  folder itself or above it, or where another link has led already. So each picture is seen once, and a walk ends.

What is passed over is counted.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from samekind.images.formats import HEAD, by_content, has_image_suffix, sniff
from samekind.images.ignoring import IGNORE_FILE, Rules, is_gallerys_own, is_hidden, is_system_folder
from samekind.images.videos import VIDEO_SUFFIXES, is_video

_MOST_SUFFIXES = 5


@dataclass(frozen=True)
class FoundImage:
    """An image file, or a video where such are wanted.

    Attributes:
        path: Where it is, beginning with the folder as it was given.
        name: Its path within the folder, with forward slashes.
        size: In bytes.
        mtime_ns: When it was last written.
    """

    path: str
    name: str
    size: int
    mtime_ns: int


@dataclass
class PassedOver:
    """What a walk has passed over, and why.

    Attributes:
        other: How many files are no images, by their suffix.
        hidden: How many hidden files and folders.
        system: How many folders that systems make.
        excluded: How many files and folders that a pattern names.
        links: How many links to what is seen anyway, or to nothing.
        folders: The folders among those, by their paths within the walk's.
        without_class: How many images lie beside class folders.
        unlisted: Folders that could not be listed, and files that could not be looked at: the path within the folder,
            and why.
    """

    other: Counter[str] = field(default_factory=Counter)
    hidden: int = 0
    system: Counter[str] = field(default_factory=Counter)
    excluded: int = 0
    links: int = 0
    folders: set[str] = field(default_factory=set)
    without_class: int = 0
    unlisted: list[tuple[str, str]] = field(default_factory=list)

    def add(self, more: PassedOver) -> None:
        """Count what another walk has passed over, too."""
        self.other += more.other
        self.system += more.system
        self.hidden += more.hidden
        self.excluded += more.excluded
        self.links += more.links
        self.folders |= more.folders
        self.without_class += more.without_class
        self.unlisted += more.unlisted

    @property
    def videos(self) -> Counter[str]:
        """The videos among ``other``."""
        return Counter({suffix: count for suffix, count in self.other.items() if suffix in VIDEO_SUFFIXES})

    def sentences(self) -> list[str]:
        """In words, one for each reason; none if nothing was passed over.

        Example:
            >>> PassedOver(Counter({".txt": 2, ".mp4": 1})).sentences()
            ['2 files that are no images (2 .txt)', '1 video (1 .mp4)']
        """
        files = self.other - self.videos
        said = [
            _counted(files, "file that is no image", "files that are no images"),
            _counted(self.videos, "video", "videos"),
            _plural(self.without_class, "image beside the class folders", "images beside the class folders"),
            _counted(self.system, "folder of the system", "folders of the system"),
            _plural(self.hidden, "hidden file or folder", "hidden files or folders"),
            _plural(self.excluded, "excluded file or folder", "excluded files or folders"),
            _plural(self.links, "link to what is here anyway, or is gone", "links to what is here anyway, or is gone"),
        ]
        return [text for text in said if text]


def walk(
    folder: str | os.PathLike[str],
    passed: PassedOver | None = None,
    *,
    exclude: Sequence[str] = (),
    videos: bool = False,
    also: tuple[str, ...] = (),
) -> Iterator[FoundImage]:
    """Each image of a folder and its subfolders, in no order. No image is opened.

    Args:
        folder: Where to look.
        passed: Where to count what is passed over.
        exclude: Patterns in gitignore's form, relative to the folder.
        videos: Whether to give videos, too.
        also: The suffixes of other files to give.

    Raises:
        OSError: The folder itself cannot be listed. A subfolder that cannot is noted in ``passed.unlisted``.
        DatasetError: A pattern is none.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("b.jpg", "notes.txt", ".hidden.png"):
        ...         Path(folder, name).touch()
        ...     passed = PassedOver()
        ...     [image.name for image in walk(folder, passed)]
        ['b.jpg']
        >>> passed.sentences()
        ['1 file that is no image (1 .txt)', '1 hidden file or folder']
    """
    return _Walk(
        os.fspath(folder), PassedOver() if passed is None else passed, exclude, videos=videos, also=also
    ).images()


class _Walk:
    def __init__(
        self, folder: str, passed: PassedOver, exclude: Sequence[str], *, videos: bool, also: tuple[str, ...]
    ) -> None:
        self._folder = folder
        self._videos = videos
        self._also = also
        self._passed = passed
        self._given = Rules().excluding(exclude)
        self._real_folder = os.path.realpath(folder)
        # Where links have led: the real paths of folders and files outside.
        self._followed: set[str] = set()

    def images(self) -> Iterator[FoundImage]:
        waiting = [(self._folder, "", Rules())]
        while waiting:
            place, prefix, rules = waiting.pop()
            entries = self._listed(place, prefix)
            if any(entry.name == IGNORE_FILE for entry in entries):
                rules = rules.below(prefix, Path(place))
            for entry in entries:
                name = prefix + entry.name
                try:
                    if entry.is_dir():
                        if self._enters(entry, name, rules):
                            waiting.append((entry.path, f"{name}/", rules))
                    elif self._is_wanted(entry, name, rules):
                        status = entry.stat()
                        yield FoundImage(entry.path, name, status.st_size, status.st_mtime_ns)
                except OSError as error:
                    self._note(name, error)

    def _listed(self, place: str, prefix: str) -> list[os.DirEntry[str]]:
        try:
            return list(os.scandir(place))
        except OSError as error:
            if not prefix:
                raise
            self._note(prefix, error)
            return []

    def _note(self, name: str, error: OSError) -> None:
        if error.errno == errno.ELOOP:  # a link that leads to itself
            self._passed.links += 1
        elif not isinstance(error, FileNotFoundError | NotADirectoryError):  # which mean that it went away just now
            self._passed.unlisted.append((name, error.strerror or str(error)))

    def _enters(self, entry: os.DirEntry[str], name: str, rules: Rules) -> bool:
        if is_hidden(entry.name):
            self._passed.hidden += 1
        elif is_system_folder(entry.name):
            self._passed.system[entry.name] += 1
        elif self._excluded(name, rules, folder=True):
            self._passed.excluded += 1
        elif entry.is_symlink() or self._followed:
            if self._is_new(entry):
                return True
        else:
            return True
        self._passed.folders.add(name)
        return False

    def _is_wanted(self, entry: os.DirEntry[str], name: str, rules: Rules) -> bool:
        if is_hidden(entry.name):
            self._passed.hidden += 1
        elif entry.is_symlink() and not entry.is_file():  # it leads nowhere, or in a circle
            self._passed.links += 1
        elif self._excluded(name, rules, folder=False):
            self._passed.excluded += 1
        elif not self._is_image(entry):
            if not is_gallerys_own(entry.name):
                self._passed.other[PurePath(entry.name).suffix.lower()] += 1
        else:
            return not entry.is_symlink() or self._is_new(entry)
        return False

    def _excluded(self, name: str, rules: Rules, *, folder: bool) -> bool:
        return self._given.exclude(name, folder=folder) or rules.exclude(name, folder=folder)

    def _is_new(self, entry: os.DirEntry[str]) -> bool:
        """Whether the walk does not see what a link (or a folder behind one) leads to in another place."""
        real = os.path.realpath(entry.path)
        within = real == self._real_folder or real.startswith(self._real_folder.rstrip(os.sep) + os.sep)
        above = self._real_folder.startswith(real.rstrip(os.sep) + os.sep)
        if entry.is_symlink() and (within or above or real in self._followed):
            self._passed.links += 1
            return False
        if not within:
            if real in self._followed:  # a folder that another link has led to
                self._passed.links += 1
                return False
            self._followed.add(real)
        return True

    def _is_image(self, entry: os.DirEntry[str]) -> bool:
        name = entry.name
        if has_image_suffix(name) or (self._videos and is_video(name)) or name.lower().endswith(self._also):
            return entry.is_file()
        if not by_content(name) or not entry.is_file():
            return False
        with Path(entry.path).open("rb") as file:
            return sniff(file.read(HEAD)) is not None


def _plural(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}" if count else ""


def _counted(counts: Counter[str], one: str, many: str) -> str:
    total = sum(counts.values())
    listed = [f"{count:,} {name or 'without suffix'}" for name, count in counts.most_common(_MOST_SUFFIXES)]
    if len(counts) > _MOST_SUFFIXES:
        listed.append("…")
    return f"{_plural(total, one, many)} ({', '.join(listed)})" if total else ""
