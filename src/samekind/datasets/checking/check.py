"""Looking at labelled images before they are trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from samekind.datasets.checking.check_report import CheckReport
from samekind.datasets.checking.findings import Place, count_classes, find_all
from samekind.datasets.checking.scan import scan
from samekind.datasets.dataset import read_dataset
from samekind.progress import Progress


def check(images: object, *, on_progress: Progress | None = None, exclude: Sequence[str] = ()) -> CheckReport:
    """Decode every image once, and look for what would spoil a training or a measurement.

    Args:
        images: What ``train`` takes: class folders, with or without ``train``, ``val`` and ``test`` above; a CSV,
            Parquet or ``.tar`` file; a pandas frame; a ``datasets.Dataset``.
        on_progress: Called with ("images", images looked at so far, number of all).
        exclude: Patterns in gitignore's form of what to pass over in folders.

    Raises:
        DatasetError: The images cannot be listed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("jug", "mug"):
        ...         Path(folder, name).mkdir()
        ...         _ = Path(folder, name, "1.jpg").write_bytes(b"no image")
        ...     found = check(folder)
        >>> found.ready, [finding.kind for finding in found.findings]
        (False, ['tiny class', 'unreadable', 'classes'])
    """
    # As they are, so that all that is odd about them can be named.
    dataset = read_dataset(images, same_classes=False, usable=False, exclude=exclude)
    places = [
        Place(split, images.classes[label], path)
        for split, images in dataset.parts.items()
        for path, label in zip(images.paths, images.labels, strict=True)
    ]
    scanned = list(scan((place.path for place in places), on_progress, total=len(places)))
    bad = [found for found in scanned if found.error]
    hashes: dict[Path, str] = {}
    groups: dict[str, list[Place]] = defaultdict(list)
    for place, found in zip(places, scanned, strict=True):
        if found.error is None and found.sha256 is not None:
            hashes[place.path] = found.sha256
            groups[found.sha256].append(place)
    classes = count_classes(dataset, groups)
    findings = find_all(dataset, bad, total=len(places), classes=classes, groups=list(groups.values()), hashes=hashes)
    return CheckReport(
        images=len(places) - len(bad),
        splits=tuple(dataset.parts),
        classes=classes,
        findings=tuple(sorted(findings, key=lambda finding: not finding.mend)),
        passed_over=tuple(dataset.passed_over),
    )
