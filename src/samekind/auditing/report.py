"""What an audit found, as values and as text."""

from __future__ import annotations

import dataclasses
import html
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from samekind.auditing.labels.classes import Divided, Overlap
from samekind.auditing.source import refuse_what_is_read
from samekind.errors import ArgumentError
from samekind.system.paths import given_path

Kind = Literal["label", "outlier", "copy", "leak", "quality"]
KINDS: tuple[Kind, ...] = ("label", "outlier", "copy", "leak", "quality")
# What is proposed for an image that is better left out.
REMOVE = "remove"
_MOST_SHOWN = 5


@dataclass(frozen=True)
class AuditFinding:
    """One thing about one image.

    Attributes:
        path: The image.
        label: Its class; empty where there are none.
        finding: ``label``, ``outlier``, ``copy``, ``leak`` or ``quality``.
        proposed: The class it should have, for a label; ``remove`` for all others.
        score: How sure it is, 0 to 1; of a label, the probability that it is wrong.
        words: Why, in a line.
        split: The part that the image is in: train, held-out or test.
        sha256: Of the file as it was.
        own: For a label, the images of its class that are most like it; for a copy or leak the image that it is of.
        other: For a label, the images of the proposed class that are most like it.
    """

    path: Path
    label: str
    finding: Kind
    proposed: str
    score: float
    words: str
    split: str
    sha256: str
    own: tuple[Path, ...] = ()
    other: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class AuditReport:
    """What ``audit`` found.

    Attributes:
        source: The images, as they were named.
        paths: The N readable images.
        labels: Their classes, by name.
        wrong: float64 (N,), the probability that each label is wrong; 0 where nobody can say.
        findings: By kind, the surest first.
        overlaps: Classes that may be one, the likeliest first.
        divided: Classes that may be two, the likeliest first; their ``parts`` are places in ``paths``.
        tested: How many test images there are, and how many of them have a copy, near or exact, among the others.
        unreadable: Messages about files that cannot be read, which are among the findings ``quality``, too.
        notes: What a person should know of how it was done.
    """

    source: str
    paths: tuple[Path, ...]
    labels: tuple[str, ...]
    wrong: NDArray[np.float64]
    findings: tuple[AuditFinding, ...]
    overlaps: tuple[Overlap, ...]
    divided: tuple[Divided, ...]
    tested: tuple[int, int]
    unreadable: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def most_doubtful(self) -> tuple[Path, ...]:
        """All images, those whose labels are most likely wrong first."""
        return tuple(self.paths[place] for place in np.argsort(-self.wrong, kind="stable"))

    def of(self, kind: Kind) -> tuple[AuditFinding, ...]:
        """The findings of one kind, the surest first."""
        return tuple(finding for finding in self.findings if finding.finding == kind)

    def save_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the findings as a list to act on (``samekind data apply``), whole or not at all.

        Raises:
            DatasetError: The file is the manifest that was audited.
            OSError: The file cannot be written.
        """
        from samekind.auditing.output.csv_list import write_findings  # noqa: PLC0415 - which knows this module

        refuse_what_is_read(path, self.source)
        write_findings(given_path(path, ArgumentError), self)

    def save_html(self, path: str | os.PathLike[str]) -> None:
        """Write a page with the pictures, and boxes to tick from which it makes the list; whole or not at all.

        Raises:
            DatasetError: The file is the manifest that was audited.
            OSError: The file cannot be written.
        """
        from samekind.auditing.output.page import write_audit_page  # noqa: PLC0415 - needs an extra

        refuse_what_is_read(path, self.source)
        write_audit_page(given_path(path, ArgumentError), self)

    def as_json(self) -> dict[str, Any]:
        """All of it in plain values, for ``json.dumps(…, default=str)``."""
        found = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        found["wrong"] = self.wrong.tolist()
        found["findings"] = [dataclasses.asdict(finding) for finding in self.findings]
        found["overlaps"] = [dataclasses.asdict(overlap) for overlap in self.overlaps]
        found["divided"] = [
            {"name": one.name, "apart": one.apart, "parts": [[self.paths[i] for i in part] for part in one.parts]}
            for one in self.divided
        ]
        return found

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, most: int = _MOST_SHOWN) -> list[str]:
        """The report as lines of text, with so many findings of each kind."""
        lines = [f"{len(self.paths):,} images of {len(set(self.labels)):,} classes"]
        lines += list(self.notes)
        counts = Counter(finding.finding for finding in self.findings)
        for kind in KINDS:
            lines += ["", f"{_TITLES[kind]}: {counts[kind]:,}"]
            lines += [f"  {_line(finding)}" for finding in self.of(kind)[:most]]
            if counts[kind] > most:
                lines.append(f"  … and {counts[kind] - most:,} more")
        if self.tested[0]:
            lines.append(f"{self.tested[1]:,} of {self.tested[0]:,} test images have a copy among the other images")
        if self.overlaps:
            lines += ["", "classes that may be one:"]
            lines += [f"  {one.first} and {one.second}, overlap {one.overlap:.2f}" for one in self.overlaps[:most]]
        if self.divided:
            lines += ["", "classes that may be two:"]
            lines += [
                f"  {one.name}: {len(one.parts[0])} and {len(one.parts[1])} images" for one in self.divided[:most]
            ]
        return lines

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


_TITLES = {
    "label": "labels that look wrong",
    "outlier": "images of no class",
    "copy": "copies",
    "leak": "copies of test images in training",
    "quality": "pictures hard to use",
}


def title_of(kind: Kind) -> str:
    """What findings of a kind are called."""
    return _TITLES[kind]


def _line(finding: AuditFinding) -> str:
    label = f" ({finding.label})" if finding.label else ""
    return f"{finding.score:.2f}  {finding.path}{label}: {finding.words}"
