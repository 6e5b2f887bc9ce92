"""The front door: what is wrong with labelled images."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samekind.adaptation.adaptation import centre
from samekind.auditing.labels.classes import falling_apart, overlapping
from samekind.auditing.labels.doubt import LabelDoubt, doubt_labels, other_class
from samekind.auditing.looked_at import LookedAt, look_at
from samekind.auditing.nearest import nearest_of
from samekind.auditing.pictures.copies import Copied, compared, find_copied, tested_with_copies
from samekind.auditing.pictures.outliers import FAR, how_far, unlike_all, unlike_every_class
from samekind.auditing.report import KINDS, REMOVE, AuditFinding, AuditReport, Kind
from samekind.auditing.source import Sourced, read_to_audit
from samekind.errors import AdaptationError, DatasetError
from samekind.fitting.domains import FULL_LENGTH
from samekind.inference.similarity import Embeddings
from samekind.progress import Progress
from samekind.recognizer import Recognizer, load
from samekind.system.hashing import content_hashes
from samekind.system.one_thread import one_thread

# A label is listed from this probability on to be wrong.
_LISTED = 0.2


def audit(
    images: object,
    model: Recognizer | str | os.PathLike[str] | None = None,
    *,
    exclude: Sequence[str] = (),
    providers: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> AuditReport:
    """Look for what is wrong with labelled images: labels, strangers, copies, leaks, and pictures that are hard to use.

    Labels are judged by the other images alone: each image is left out of what judges it. The model adapts to the
    images first, without their labels. Needs the extra ``gallery``.

    Args:
        images: What ``train`` takes: class folders, with or without ``train``, ``val`` and ``test`` above; a CSV,
            Parquet or ``.tar`` file; a pandas frame; rows of (image, label). Or a folder of pictures without classes,
            whose labels then are not looked at.
        model: A loaded model, the name of one, or a path; None for the default model. One that was trained on these
            very images with these labels has learned the wrong ones too; the report says if it was.
        exclude: Patterns in gitignore's form of what to pass over in folders.
        providers: ONNX Runtime execution providers for a model that is given by name or path.
        on_progress: Called with (stage, done, total).

    Raises:
        DatasetError: The images cannot be listed, or none can be read.
        ModelFileError: There is no such model.
        MissingExtraError: OpenCV or scipy is not installed.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> rng = np.random.default_rng(0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
        ...         Path(folder, name).mkdir()
        ...         for i in range(12):
        ...             pixels = np.clip(rng.normal(colour, 20, (64, 64, 3)), 0, 255).astype(np.uint8)
        ...             Image.fromarray(pixels).save(Path(folder, name, f"{i}.png"))
        ...     Path(folder, "red", "0.png").rename(Path(folder, "blue", "odd.png")).name
        ...     found = audit(folder)
        ...     found.most_doubtful[0].name
        'odd.png'
        'odd.png'
    """
    listed = read_to_audit(images, exclude)
    recognizer = model if isinstance(model, Recognizer) else load(model, providers=providers)
    sourced, looked, unreadable = _readable(listed, on_progress)
    # Copies first: what the search for them holds is let go before the network needs room of its own.
    report = (lambda done, total: on_progress("copies", done, total)) if on_progress else None
    evidence = compared(looked, report)
    bare = recognizer.embed(list(sourced.paths), on_progress=on_progress)
    embeddings = _without_common(bare, recognizer, sourced.name)
    names, labels = sourced.classes, sourced.labels
    doubt = doubt_labels(embeddings, labels, len(names)) if len(names) > 1 else None
    wrong = np.zeros(len(labels)) if doubt is None else doubt.wrong
    copied = find_copied(looked, evidence, sourced.splits, labels, wrong)
    with one_thread():
        divided = falling_apart(embeddings, labels, names)
    findings = [
        *(_label_findings(sourced, looked, embeddings, doubt) if doubt else ()),
        *_outlier_findings(sourced, looked, _how_strange(embeddings, labels, doubt)),
        *(_copy_finding(sourced, looked, copy) for copy in copied),
        *_quality_findings(sourced, looked),
        *_unreadable_findings(listed, unreadable),
    ]
    order = {kind: number for number, kind in enumerate(KINDS)}
    return AuditReport(
        source=sourced.name,
        paths=sourced.paths,
        labels=tuple(names[label] for label in labels),
        wrong=wrong,
        findings=tuple(sorted(findings, key=lambda one: (order[one.finding], -one.score, str(one.path)))),
        overlaps=tuple(overlapping(doubt.probability, labels, names)) if doubt else (),
        divided=tuple(divided),
        tested=tested_with_copies(copied, sourced.splits),
        unreadable=tuple(unreadable.values()),
        notes=tuple(_notes(recognizer, sourced, looked, doubt)),
    )


def _readable(sourced: Sourced, on_progress: Progress | None) -> tuple[Sourced, list[LookedAt], dict[int, str]]:
    """The images that can be read, what a look at them tells; and of the others the place, and why not."""
    found = look_at(sourced.paths, on_progress)
    kept = [place for place, one in enumerate(found) if isinstance(one, LookedAt)]
    unreadable = {place: one for place, one in enumerate(found) if isinstance(one, str)}
    if not kept:
        raise DatasetError(f"{sourced.name}: none of {len(found):,} files can be read, such as {found[0]}")
    return sourced.subset(kept), [one for one in found if isinstance(one, LookedAt)], unreadable


def _without_common(bare: Embeddings, recognizer: Recognizer, name: str) -> Embeddings:
    """Embeddings less what the images have in common, as an adapted model gives them."""
    card = recognizer.card
    if card.adapted is not None:
        return bare
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that most are copies is among the findings
            return centre(bare, card, name, card.domains.full_length if card.domains else FULL_LENGTH).apply(bare)
    except AdaptationError:  # too few different pictures to know what they have in common
        return bare


def _how_strange(embeddings: Embeddings, labels: NDArray[np.int64], doubt: LabelDoubt | None) -> NDArray[np.float64]:
    """How far each image is from every class; of a wrong label only the class that fits best counts."""
    if doubt is None:
        return how_far(unlike_all(embeddings))
    far, from_best = how_far(unlike_every_class(doubt.cosine, labels)), how_far(1.0 - doubt.cosine.max(axis=1))
    return np.where((doubt.wrong >= _LISTED) & (from_best < FAR), 0, far)


def _label_findings(
    sourced: Sourced, looked: Sequence[LookedAt], embeddings: Embeddings, doubt: LabelDoubt
) -> list[AuditFinding]:
    proposed = other_class(doubt.probability, sourced.labels)
    members = [np.flatnonzero(sourced.labels == label) for label in range(len(sourced.classes))]
    found = []
    for place in np.flatnonzero(doubt.wrong >= _LISTED).tolist():
        own, other = int(sourced.labels[place]), int(proposed[place])
        name, chance = sourced.classes[other], doubt.probability[place, other]
        nearest = [
            tuple(sourced.paths[near] for near in nearest_of(embeddings, place, members[label]))
            for label in (own, other)
        ]
        words = f"looks like {name} (probability {chance:.2f}, {doubt.probability[place, own]:.2f} for its own class)"
        finding = _finding(sourced, looked, place, "label", proposed=name, score=float(doubt.wrong[place]), words=words)
        found.append(_beside(finding, *nearest))
    return found


def _outlier_findings(sourced: Sourced, looked: Sequence[LookedAt], far: NDArray[np.float64]) -> list[AuditFinding]:
    return [
        # 0.5 where it is just so.
        _finding(
            sourced,
            looked,
            place,
            "outlier",
            proposed=REMOVE,
            score=float(far[place] / (far[place] + FAR)),
            words=_unlike(far[place]),
        )
        for place in np.flatnonzero(far >= FAR).tolist()
    ]


def _unlike(far: float) -> str:
    return f"unlike every class: {far:.1f} times the usual scatter from the middle"


def _copy_finding(sourced: Sourced, looked: Sequence[LookedAt], copy: Copied) -> AuditFinding:
    kind: Kind = "leak" if copy.leak else "copy"
    words = f"{copy.words}: {sourced.paths[copy.kept].name}"
    finding = _finding(sourced, looked, copy.place, kind, proposed=REMOVE, score=copy.score, words=words)
    return _beside(finding, (sourced.paths[copy.kept],), ())


def _quality_findings(sourced: Sourced, looked: Sequence[LookedAt]) -> list[AuditFinding]:
    return [
        _finding(sourced, looked, place, "quality", proposed=REMOVE, score=one.hard[1], words=one.hard[0])
        for place, one in enumerate(looked)
        if one.hard is not None
    ]


def _unreadable_findings(listed: Sourced, unreadable: Mapping[int, str]) -> list[AuditFinding]:
    """So that a list to act on names them, and a manifest made by it leaves them out."""
    found, (hashes, _) = [], content_hashes(listed.paths[place] for place in unreadable)
    for place, message in unreadable.items():
        path, label, split = listed.paths[place], listed.classes[listed.labels[place]], listed.splits[place]
        words = f"cannot be read: {message.removeprefix(f'{path}: ')}"
        found.append(AuditFinding(path, label, "quality", REMOVE, 1.0, words, split, hashes.get(path, "")))
    return found


def _finding(
    sourced: Sourced, looked: Sequence[LookedAt], place: int, kind: Kind, *, proposed: str, score: float, words: str
) -> AuditFinding:
    label = sourced.classes[sourced.labels[place]]
    path, split, sha256 = sourced.paths[place], sourced.splits[place], looked[place].sha256
    return AuditFinding(path, label, kind, proposed, score, words, split, sha256)


def _beside(finding: AuditFinding, own: tuple[Path, ...], other: tuple[Path, ...]) -> AuditFinding:
    return replace(finding, own=own, other=other)


def _notes(recognizer: Recognizer, sourced: Sourced, looked: Sequence[LookedAt], doubt: LabelDoubt | None) -> list[str]:
    card, notes = recognizer.card, []
    seen = sum(one.sha256 in recognizer.seen_images for one in looked)
    notes.append(f"judged by {card.name}, each image left out of what judges it")
    if seen:
        notes.append(
            f"{seen:,} of {len(looked):,} images had a part in the making of {card.name}: what it learned of wrong "
            "labels hides them; a model that has not seen them finds more"
        )
    if doubt is None:
        notes.append(f"there {'is one class' if sourced.classes[0] else 'are no classes'}, so labels are not judged")
        return notes
    notes.append(f"about {doubt.share:.1%} of the labels look wrong (no less than 1 % is taken to be)")
    if alone := int((np.bincount(sourced.labels, minlength=len(sourced.classes)) == 1).sum()):
        notes.append(f"{alone:,} classes have one image, whose label nobody can judge")
    return notes
