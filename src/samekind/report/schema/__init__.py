"""The contents of a report: what its JSON holds, and what the page is drawn from."""

from samekind.report.schema.contents import (
    REPORT_FORMAT,
    ClassReport,
    Comparison,
    EmbeddingMap,
    MistakeReport,
    MistakesReport,
    ModelReport,
    ProtocolReport,
    Report,
)
from samekind.report.schema.parts import (
    Confusion,
    Curve,
    Difference,
    GroupReport,
    Histogram,
    MetricReport,
    NotMeasured,
    Number,
    ReliabilityDiagram,
    TaskReport,
)

__all__ = [
    "REPORT_FORMAT",
    "ClassReport",
    "Comparison",
    "Confusion",
    "Curve",
    "Difference",
    "EmbeddingMap",
    "GroupReport",
    "Histogram",
    "MetricReport",
    "MistakeReport",
    "MistakesReport",
    "ModelReport",
    "NotMeasured",
    "Number",
    "ProtocolReport",
    "ReliabilityDiagram",
    "Report",
    "TaskReport",
]
