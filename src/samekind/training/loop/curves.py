"""The curves of runs as a picture: their loss and their held-out error rate."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from samekind.system.atomic import replacing

_LOSS, _ERROR = "loss", "held-out EER"


def draw_curves(metrics: Sequence[Path], picture: Path) -> None:
    """Draw the loss of each logged step, and the held-out equal error rate after each epoch.

    Args:
        metrics: The CSV file of Lightning's logger for each run, with columns step, loss and held-out EER.
        picture: The PNG to write.
    """
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for path in metrics:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for axes, column in ((left, _LOSS), (right, _ERROR)):
            points = [(int(row["step"]), float(row[column])) for row in rows if row.get(column)]
            steps, values = zip(*points, strict=True) if points else ((), ())
            axes.plot(steps, values, marker="o" if column == _ERROR else "", markersize=3, linewidth=1.2)
    for axes, title in ((left, "loss"), (right, "equal error rate on held-out images")):
        axes.set(title=title, xlabel="step")
        axes.set_ylim(bottom=0)
        axes.grid(visible=True, alpha=0.3)
    right.yaxis.set_major_formatter(PercentFormatter(1.0))
    with replacing(picture, own=True) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
