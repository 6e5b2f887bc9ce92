"""A folder of shards: its manifest, its plans, its one writer.

The manifest says of which model and with which settings the shards were made, and which are finished. A writer adds a
line to a journal for each shard, and puts the journal into the manifest at its end, or the next writer does. A shard
that neither names does not count.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from samekind.errors import ShardError
from samekind.model_file.card import Card
from samekind.shards.inputs import Input, can_be_read
from samekind.shards.manifest import FORMAT, Manifest, PlanEntry, Settings, ShardEntry
from samekind.shards.plan import read_plan, write_plan
from samekind.shards.shard_file import Shard, ShardRow, is_whole, read_errors, read_shard
from samekind.system.atomic import replacing
from samekind.system.hashing import content_hash
from samekind.system.paths import given_path

# Readers of data sets pass over what begins with an underscore.
MANIFEST, _JOURNAL = "_shards.json", "_finished.jsonl"

_LINE = TypeAdapter(tuple[str, ShardEntry])


def is_shard_folder(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder is one of shards."""
    return Path(folder, MANIFEST).is_file()


def shard_name(plan: int, number: int) -> str:
    """The name of a shard's file, by its plan and its number in it."""
    return f"shard-{plan:05}-{number:06}.parquet"


class ShardFolder:
    """A folder of shards.

    Args:
        path: The folder.
        manifest: That of a new folder, which is written with the first plan; None reads it.

    Raises:
        ShardError: It is none, or is of a newer format.
    """

    def __init__(self, path: str | os.PathLike[str], manifest: Manifest | None = None) -> None:
        self.path = given_path(path, ShardError)
        if manifest is not None and not is_shard_folder(path):
            self.manifest = manifest
            return
        try:
            journalled = self._journalled()  # first, for it ends up in the manifest
            self.manifest = Manifest.model_validate_json((self.path / MANIFEST).read_bytes())
        except FileNotFoundError:
            raise ShardError(f"{self.path}: no folder of shards; `samekind embed` makes one") from None
        except (ValidationError, OSError) as error:
            reason = "its manifest is broken" if isinstance(error, ValidationError) else error.strerror
            raise ShardError(f"{self.path / MANIFEST}: cannot be read ({reason})") from error
        self.manifest.shards |= journalled
        if self.manifest.format > FORMAT:
            raise ShardError(f"{self.path}: of a newer format; a newer samekind reads it: pip install -U samekind")

    @classmethod
    def begin(cls, path: Path, settings: Settings, card: Card, model: str) -> ShardFolder:
        """The folder for shards of a model and settings, made if it is missing.

        Raises:
            ShardError: It is of another model or other settings, or holds something else.
        """
        if not is_shard_folder(path):
            if path.exists() and (not path.is_dir() or any(not file.name.startswith(".") for file in path.iterdir())):
                raise ShardError(f"{path}: is neither empty nor a folder of shards; give a new folder")
            path.mkdir(parents=True, exist_ok=True)
        folder = cls(path, Manifest(settings=settings, card=card, model=model))
        folder.refuse_others(settings, card)
        return folder

    def refuse_others(self, settings: Settings, card: Card) -> None:
        """Make sure that the shards are of this model and these settings.

        Raises:
            ShardError: They are not.
        """
        own = self.manifest.settings
        if own.fingerprint != settings.fingerprint:
            raise ShardError(
                f"{self.path}: its shards are of the model {self.manifest.card.name!r} (fingerprint "
                f"{own.fingerprint[:12]}), not of {card.name!r} ({settings.fingerprint[:12]}); use that model, or a "
                "new folder"
            )
        for what in ("providers", "rows"):
            if (before := getattr(own, what)) != (now := getattr(settings, what)):
                raise ShardError(f"{self.path}: was begun with {what} {before}, not {now}; use those, or a new folder")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one writer. A shard that is missing or broken counts as not finished.

        Raises:
            ShardError: Somebody else is writing, or the folder cannot be written.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - extra gallery

        lock = FileLock(self.path / ".lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ShardError(f"{self.path}: another process is writing it; wait for it to end") from None
        except OSError as error:
            raise ShardError(f"{self.path}: cannot be written ({error.strerror})") from error
        try:
            self.manifest = ShardFolder(self.path, self.manifest).manifest
            self._settle()
            self.manifest.shards = {path.name: entry for path, entry in self.files() if is_whole(path, entry.rows)}
            for leftover in self.path.glob(".*-*.*"):  # of a process that was killed while it wrote
                if leftover.suffix in {".parquet", ".json"}:
                    leftover.unlink(missing_ok=True)
            try:
                yield
            finally:
                self._settle()
        finally:
            lock.release()
            if not self.manifest.plans:  # what was refused leaves nothing
                (self.path / ".lock").unlink(missing_ok=True)
                with suppress(OSError):
                    self.path.rmdir()

    def add_plan(self, source: str, folder: Path | None, inputs: Iterator[Input]) -> None:
        """Settle the shards of new inputs; of none there is no plan."""
        path = self._plan(len(self.manifest.plans))
        count = write_plan(path, inputs, self.manifest.settings.rows)
        if not count:
            path.unlink()
            return
        where = None if folder is None else os.fsencode(folder).decode("utf-8", "backslashreplace")
        self.manifest.plans.append(PlanEntry(source=_printable(source), folder=where, inputs=count))
        self._commit()

    def unfinished(self) -> list[tuple[int, int]]:
        """The shards that are planned and not finished, by the number of their plan and their own."""
        rows = self.manifest.settings.rows
        return [
            (plan, number)
            for plan, entry in enumerate(self.manifest.plans)
            for number in range(-(-entry.inputs // rows))
            if shard_name(plan, number) not in self.manifest.shards
        ]

    def planned_rows(self, plan: int, number: int) -> int:
        """How many rows a planned shard has."""
        rows = self.manifest.settings.rows
        return min(rows, self.manifest.plans[plan].inputs - number * rows)

    def inputs_of(self, plan: int, number: int) -> list[Input]:
        """The inputs of one planned shard."""
        return list(read_plan(self._plan(plan), number))

    def finish(self, plan: int, number: int, shard: Shard) -> None:
        """Write a shard, whole or not at all, and then the line of the journal that names it."""
        name = shard_name(plan, number)
        with replacing(self.path / name, own=True) as temporary:
            temporary.write_bytes(shard.content)
        entry = ShardEntry(rows=shard.rows, unreadable=len(shard.unreadable), unread=shard.unread, sha256=shard.sha256)
        with (self.path / _JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(f'["{name}", {entry.model_dump_json()}]\n')
            journal.flush()
            os.fsync(journal.fileno())
        self.manifest.shards[name] = entry

    def known(self) -> Iterator[Input]:
        """The inputs that are planned, but for those that could not be fetched and can be by now."""
        missing = self._unread()
        again = {one for one in missing if can_be_read(one)}
        for plan in range(len(self.manifest.plans)):
            for one in read_plan(self._plan(plan)):
                if one not in again:
                    yield one

    def _unread(self) -> set[Input]:
        """The inputs that could not be fetched, neither in their plan nor in a later one."""
        unread: set[Input] = set()
        holes = {name for name, entry in self.manifest.shards.items() if entry.unread}
        for plan, entry in enumerate(self.manifest.plans if holes else []):
            for number in range(-(-entry.inputs // self.manifest.settings.rows)):
                inputs, name = self.inputs_of(plan, number), shard_name(plan, number)
                unread.difference_update(inputs)
                if name in holes:
                    rows = read_shard(self.path / name)
                    unread |= {one for one, row in zip(inputs, rows, strict=True) if row.image.sha256 is None}
        return unread

    def files(self) -> list[tuple[Path, ShardEntry]]:
        """The finished shards, the older ones first."""
        return [(self.path / name, entry) for name, entry in sorted(self.manifest.shards.items())]

    def rows(self) -> Iterator[ShardRow]:
        """All rows, those of older shards first; of a name that several have the last, and no other.

        Raises:
            ShardError: A shard is missing or broken.
        """
        latest = self._latest()
        for path, entry in self.files():
            _refuse_changed(path, entry)
            for place, row in enumerate(read_shard(path)):
                here = path.name, place
                if latest.get(row.name, here) == here:
                    yield row

    def refuse_broken_start(self) -> None:
        """Make sure of the first shard, as ``rows`` does of each.

        Raises:
            ShardError: It is missing or broken.
        """
        for path, entry in self.files()[:1]:
            _refuse_changed(path, entry)
            next(read_shard(path), None)

    def unreadable(self) -> int:
        """How many images cannot be read, by the last row of each."""
        bad = [
            (name, (path.name, place))
            for path, entry in self.files()
            if entry.unreadable
            for place, name in read_errors(path)
        ]
        latest = self._latest() if bad else {}
        return sum(latest.get(name, here) == here for name, here in bad)

    def _latest(self) -> dict[str, tuple[str, int]]:
        """The shard and the place in it of names that several rows may have.

        These are all names of later plans. Of the first plan it is those that a tar file has more than once.
        """
        rows = self.manifest.settings.rows
        latest: dict[str, tuple[str, int]] = {}
        address, members = "", set[str]()
        for plan, entry in enumerate(self.manifest.plans):
            for number in range(-(-entry.inputs // rows)):
                if (name := shard_name(plan, number)) not in self.manifest.shards:
                    continue
                for place, one in enumerate(self.inputs_of(plan, number)):
                    if one.address != address:  # what one file has stands together
                        address, members = one.address, set()
                    if plan or one.member in members:
                        latest[one.name] = name, place
                    members.add(one.member)
        return latest

    def _plan(self, plan: int) -> Path:
        return self.path / f"_plan-{plan:05}.parquet"

    def _commit(self) -> None:
        self.manifest.shards = dict(sorted(self.manifest.shards.items()))
        with replacing(self.path / MANIFEST, own=True) as temporary:
            temporary.write_text(self.manifest.model_dump_json(indent=1), "utf-8")
        (self.path / _JOURNAL).unlink(missing_ok=True)

    def _settle(self) -> None:
        if (self.path / _JOURNAL).exists():
            self._commit()

    def _journalled(self) -> dict[str, ShardEntry]:
        """The shards that the manifest does not name yet. A last line that is not whole was cut off by a power cut."""
        try:
            lines = (self.path / _JOURNAL).read_text("utf-8").splitlines(keepends=True)
        except FileNotFoundError:
            return {}
        return dict(_LINE.validate_json(line) for line in lines if line.endswith("\n"))


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _refuse_changed(path: Path, entry: ShardEntry) -> None:
    if not path.is_file() or content_hash(path) != entry.sha256:
        raise ShardError(f"{path}: missing, or not as it was written; remove it, and `samekind embed` makes it anew")
