"""What a check of labelled images found, as values, as text and as a page of a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass

# How many a person is shown of each; all are in the report.
MOST_CLASSES, MOST_DETAILS = 40, 10


@dataclass(frozen=True)
class ClassCount:
    """One class.

    Attributes:
        name: The name of the class.
        images: Number of readable images in each split that there is.
        different: How many of all these are different, byte for byte.
    """

    name: str
    images: dict[str, int]
    different: int


@dataclass(frozen=True)
class Finding:
    """Something about the images that a person should know.

    Attributes:
        kind: ``unreadable``, ``same image in two splits``, ``same image in two classes``, ``copies``, ``classes``,
            ``alike names``, ``nested folders``, ``tiny class``, ``too few images``, ``few images`` or ``imbalance``.
        mend: Whether training would stop at it, or learn or measure something wrong.
        summary: In words, how much of it there is.
        advice: What to do.
        details: One line for each case.
        files: The files of each case; empty where it is not about single files.
    """

    kind: str
    mend: bool
    summary: str
    advice: str
    details: tuple[str, ...]
    files: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """What ``check`` found.

    Attributes:
        images: Number of readable images.
        splits: The names of the splits that there are.
        classes: By name.
        findings: Those to mend first.
        passed_over: What of the folders was not looked at, one sentence for each reason.
    """

    images: int
    splits: tuple[str, ...]
    classes: tuple[ClassCount, ...]
    findings: tuple[Finding, ...]
    passed_over: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether training could start with the images as they stand."""
        return not any(finding.mend for finding in self.findings)

    def __str__(self) -> str:
        lines = [f"{self.images:,} readable images of {len(self.classes):,} classes"]
        lines += [f"passed over: {text}" for text in self.passed_over]
        for finding in self.findings:
            lines += [f"{'mend' if finding.mend else 'note'}: {finding.summary}; {finding.advice}"]
            lines += [f"    {detail}" for detail in finding.details[:MOST_DETAILS]]
        return "\n".join([*lines, "ready to train" if self.ready else "not ready to train"])

    def _repr_html_(self) -> str:
        """For a notebook: the findings, and the classes below them."""
        rows = "".join(
            f"<tr><td>{'mend' if f.mend else 'note'}</td><td>{_text(f.summary)}<br><small>{_details(f)}</small></td>"
            f"<td>{_text(f.advice)}</td></tr>"
            for f in self.findings
        )
        counts = "".join(
            f"<tr><td>{_text(c.name)}</td>"
            + "".join(f"<td>{c.images.get(split, '')}</td>" for split in self.splits)
            + f"<td>{c.different:,}</td></tr>"
            for c in self.classes[:MOST_CLASSES]
        )
        heads = "".join(f"<th>{_text(split)}</th>" for split in self.splits)
        over = "".join(f"<br>passed over: {_text(text)}" for text in self.passed_over)
        return (
            f"<p><b>{self.images:,} readable images of {len(self.classes):,} classes, "
            f"{'ready' if self.ready else 'not ready'} to train</b>{over}</p><table>{rows}</table>"
            f"<table><tr><th>class</th>{heads}<th>different</th></tr>{counts}</table>"
        )


def _details(finding: Finding) -> str:
    return "<br>".join(_text(detail) for detail in finding.details[:MOST_DETAILS])


def _text(value: str) -> str:
    return html.escape(value.encode("utf-8", "replace").decode())
