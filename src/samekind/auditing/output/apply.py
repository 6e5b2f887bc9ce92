"""Acting on a list of findings: a manifest of the images as they are to be. No image is touched."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samekind.auditing.output.csv_list import ListedFinding, read_findings
from samekind.auditing.report import REMOVE
from samekind.auditing.source import Sourced, read_to_audit, refuse_what_is_read
from samekind.datasets.manifest import SPLITS, labelled, write_manifest
from samekind.errors import DatasetError
from samekind.system.hashing import content_hash
from samekind.system.paths import given_path

Source = str | os.PathLike[str]


@dataclass(frozen=True)
class AppliedAudit:
    """What became of the images.

    Attributes:
        kept: How many images the manifest has.
        relabelled: How many of them have another class than before.
        removed: How many are left out.
    """

    kept: int
    relabelled: int
    removed: int


def apply_audit(
    findings: Source, output: Source, data: Source | None = None, *, exclude: Sequence[str] = ()
) -> AppliedAudit:
    r"""Make a manifest of the audited images in which the findings of a list are acted upon.

    A finding ``label`` gives the image its proposed class, or leaves it out if that is ``remove``; all others leave it
    out. An image that one line gives a class and another leaves out is left out.

    Args:
        findings: The list, as ``AuditReport.save_csv`` or the page of an audit writes it; lines that are not to be
            acted upon are removed from it before.
        output: The CSV manifest to write.
        data: The folder or manifest that was audited; None takes what the list says.
        exclude: What was passed over in the audit, which the manifest is to leave out, too.

    Raises:
        DatasetError: The list or the images cannot be read; an image of the list is not among them, has another class
            by now or has changed; two lines propose different classes; or the output is an image list that was read.
        OSError: The manifest cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("jug/1.jpg", "jug/2.jpg", "mug/1.jpg"):
        ...         Path(folder, name).parent.mkdir(exist_ok=True)
        ...         Path(folder, name).touch()
        ...     _ = Path(folder, "audit.csv").write_text("path,label,finding,proposed\njug/2.jpg,jug,label,mug\n")
        ...     apply_audit(f"{folder}/audit.csv", f"{folder}/manifest.csv", folder)
        AppliedAudit(kept=3, relabelled=1, removed=0)
    """
    findings, output = given_path(findings, DatasetError), given_path(output, DatasetError)
    listed = read_findings(findings)
    source = _source(findings, listed) if data is None else given_path(data, DatasetError)
    refuse_what_is_read(output, findings, source)
    images = read_to_audit(source, exclude)
    if _spelt(output) in set(map(_spelt, images.paths)):
        raise DatasetError(f"{output}: is one of the images; name another manifest to write")
    if images.classes == ("",):
        raise DatasetError(f"{source}: its images have no classes, so no manifest can be made of them")
    proposed = _proposed(images, listed)
    rows: dict[str, list[tuple[Path, str]]] = {split: [] for split in SPLITS}
    relabelled = removed = 0
    for path, label, split in zip(images.paths, images.labels.tolist(), images.splits, strict=True):
        now = proposed.get(_spelt(path), images.classes[label])
        if now is None:
            removed += 1
            continue
        relabelled += now != images.classes[label]
        rows[split].append((path, now))
    if not any(rows.values()):
        raise DatasetError(f"{findings}: leaves out all {removed:,} images")
    write_manifest(output, {split: labelled(output, part) for split, part in rows.items() if part})
    return AppliedAudit(sum(map(len, rows.values())), relabelled, removed)


def _source(path: Path, listed: Sequence[ListedFinding]) -> Path:
    sources = {one.data for one in listed}
    if len(sources) == 1 and (source := sources.pop()) is not None:
        return source
    raise DatasetError(f"{path}: does not name one folder or manifest that was audited; give it: --data FOLDER")


def _proposed(images: Sourced, listed: Sequence[ListedFinding]) -> dict[str, str | None]:
    """The class that each named image is to have; None leaves it out."""
    classes = {_spelt(path): images.classes[label] for path, label in zip(images.paths, images.labels, strict=True)}
    found: dict[str, str | None] = {}
    for one in listed:
        spelt = _spelt(one.path)
        leaves_out = one.finding != "label" or one.proposed == REMOVE
        if leaves_out and not one.path.exists():
            continue  # somebody has removed the file already
        if spelt not in classes:
            raise DatasetError(f"{one.where}: {one.path} is not among the images of {images.name}")
        if classes[spelt] != one.label:
            raise DatasetError(
                f"{one.where}: {one.path} is of class {classes[spelt]!r} by now, not {one.label!r}; audit again"
            )
        if one.sha256 and content_hash(one.path) != one.sha256:
            raise DatasetError(f"{one.where}: {one.path} has changed since the audit; audit again, or remove the line")
        wanted = None if leaves_out else one.proposed
        if found.setdefault(spelt, wanted) != wanted:
            if wanted is not None and found[spelt] is not None:
                raise DatasetError(f"{one.where}: {one.path} is to be {found[spelt]!r} and {wanted!r}; remove a line")
            found[spelt] = None
    return found


def _spelt(path: Path) -> str:
    return os.path.normpath(path.absolute())
