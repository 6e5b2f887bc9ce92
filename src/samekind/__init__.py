"""Are these pictures the same kind of thing?

Whatever is named here is public and stable; everything else is internal (``docs/reference.md``). Each name is imported
when it is first used, so that ``import samekind`` costs nothing and needs none of the extras.

Example:
    >>> import samekind
    >>> model = samekind.load()
    >>> model.card.dimension
    512
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from samekind.auditing.answers.asking import AskedPair, pairs_to_answer
    from samekind.auditing.audit import audit
    from samekind.auditing.output.apply import AppliedAudit, apply_audit
    from samekind.auditing.report import AuditFinding, AuditReport
    from samekind.datasets.checking.check import check
    from samekind.datasets.checking.check_report import CheckReport
    from samekind.errors import (
        AdaptationError,
        ArgumentError,
        ClusterError,
        DatasetError,
        EmbeddingError,
        FilterError,
        GalleryError,
        GalleryUnreachableError,
        HubError,
        ImageError,
        MissingExtraError,
        ModelFileError,
        NotCalibratedError,
        OperatingPointError,
        PlanError,
        SamekindError,
        ServeError,
        ShardError,
        TrainingError,
        WebPageError,
        WrapError,
    )
    from samekind.explain.explanation import Explanation
    from samekind.fitting.adaptable import make_adaptable
    from samekind.fitting.calibrate import Recalibrated, calibrate
    from samekind.gallery import Gallery
    from samekind.inference.embedder import Embedded
    from samekind.inference.verdict import TrioVerdict, Verdict
    from samekind.model_file.card import Card
    from samekind.publishing.push import push
    from samekind.recognizer import Recognizer, load
    from samekind.report.evaluate import evaluate
    from samekind.report.schema.contents import Report
    from samekind.shards.embed import EmbedReport, embed
    from samekind.training.api import train
    from samekind.wrapping.model import Wrapped
    from samekind.wrapping.wrap import wrap

__version__ = "0.2.0"

__all__ = [
    "AdaptationError",
    "AppliedAudit",
    "ArgumentError",
    "AskedPair",
    "AuditFinding",
    "AuditReport",
    "Card",
    "CheckReport",
    "ClusterError",
    "DatasetError",
    "EmbedReport",
    "Embedded",
    "EmbeddingError",
    "Explanation",
    "FilterError",
    "Gallery",
    "GalleryError",
    "GalleryUnreachableError",
    "HubError",
    "ImageError",
    "MissingExtraError",
    "ModelFileError",
    "NotCalibratedError",
    "OperatingPointError",
    "PlanError",
    "Recalibrated",
    "Recognizer",
    "Report",
    "SamekindError",
    "ServeError",
    "ShardError",
    "TrainingError",
    "TrioVerdict",
    "Verdict",
    "WebPageError",
    "WrapError",
    "Wrapped",
    "apply_audit",
    "audit",
    "calibrate",
    "check",
    "embed",
    "evaluate",
    "load",
    "make_adaptable",
    "pairs_to_answer",
    "push",
    "train",
    "wrap",
]

# Where each name comes from.
_MODULES = {
    "load": "samekind.recognizer",
    "Recognizer": "samekind.recognizer",
    "Embedded": "samekind.inference.embedder",
    "Verdict": "samekind.inference.verdict",
    "TrioVerdict": "samekind.inference.verdict",
    "Explanation": "samekind.explain.explanation",
    "Card": "samekind.model_file.card",
    "Gallery": "samekind.gallery",
    "check": "samekind.datasets.checking.check",
    "CheckReport": "samekind.datasets.checking.check_report",
    "audit": "samekind.auditing.audit",
    "AuditReport": "samekind.auditing.report",
    "AuditFinding": "samekind.auditing.report",
    "pairs_to_answer": "samekind.auditing.answers.asking",
    "AskedPair": "samekind.auditing.answers.asking",
    "apply_audit": "samekind.auditing.output.apply",
    "AppliedAudit": "samekind.auditing.output.apply",
    "train": "samekind.training.api",
    "evaluate": "samekind.report.evaluate",
    "Report": "samekind.report.schema.contents",
    "embed": "samekind.shards.embed",
    "EmbedReport": "samekind.shards.embed",
    "calibrate": "samekind.fitting.calibrate",
    "make_adaptable": "samekind.fitting.adaptable",
    "push": "samekind.publishing.push",
    "wrap": "samekind.wrapping.wrap",
    "Wrapped": "samekind.wrapping.model",
    "Recalibrated": "samekind.fitting.calibrate",
    "AdaptationError": "samekind.errors",
    "SamekindError": "samekind.errors",
    "ArgumentError": "samekind.errors",
    "ClusterError": "samekind.errors",
    "DatasetError": "samekind.errors",
    "EmbeddingError": "samekind.errors",
    "FilterError": "samekind.errors",
    "GalleryError": "samekind.errors",
    "GalleryUnreachableError": "samekind.errors",
    "ImageError": "samekind.errors",
    "MissingExtraError": "samekind.errors",
    "ModelFileError": "samekind.errors",
    "OperatingPointError": "samekind.errors",
    "NotCalibratedError": "samekind.errors",
    "HubError": "samekind.errors",
    "WrapError": "samekind.errors",
    "PlanError": "samekind.errors",
    "ServeError": "samekind.errors",
    "WebPageError": "samekind.errors",
    "ShardError": "samekind.errors",
    "TrainingError": "samekind.errors",
}
# What some of these modules need beyond the core.
_EXTRAS = {
    "samekind.gallery": "gallery",
    "samekind.shards.embed": "gallery",
    "samekind.auditing.audit": "gallery",
}


def __getattr__(name: str) -> object:
    """Import what is asked for by name (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _MODULES[name]
    try:
        value = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if module not in _EXTRAS or str(error.name).partition(".")[0] == "samekind":
            raise
        from samekind.errors import MissingExtraError as Missing  # noqa: PLC0415 - as everything here

        raise Missing(_EXTRAS[module], str(error.name)) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
