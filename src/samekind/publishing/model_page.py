"""The page of a model on a hub, made from its card: what it is for, its rates, its licence."""

from __future__ import annotations

import re
from typing import Any

from samekind.model_file.calibration import MeasuredOn, OperatingPoint, PairCalibration, TrioCalibration
from samekind.model_file.card import Card, Measurement
from samekind.model_file.card_words import encoder_words, square_words

# The hub's words for licences.
_LICENCES = {
    "apache-2.0": "apache-2.0", "mit": "mit", "bsd-3-clause": "bsd-3-clause", "cc-by-4.0": "cc-by-4.0",
    "cc-by-nc-4.0": "cc-by-nc-4.0", "cc0-1.0": "cc0-1.0",
}  # fmt: skip


def model_page(card: Card, address: str) -> str:
    """The text of the page, with its front matter.

    Args:
        card: The model's.
        address: By which it is loaded.
    """
    from huggingface_hub import ModelCardData  # noqa: PLC0415 - an extra

    licence = _LICENCES.get(card.licence.lower(), "other")
    named: dict[str, Any] = {"license_name": _as_id(card.licence)} if licence == "other" else {}
    data = ModelCardData(
        license=licence,
        library_name="samekind",
        pipeline_tag="image-feature-extraction",
        tags=["image-similarity", "verification", "onnx", "samekind"],
        model_name=card.name,
        eval_results=[_result(found) for found in card.metrics] or None,
        **named,
    )
    return f"---\n{data.to_yaml()}\n---\n\n{_text(card, address)}\n"


def _as_id(licence: str) -> str:
    """An id for a licence that the hub has no word for, such as ``my-licence-1.0``; the text has all that was said."""
    return re.sub(r"[^a-z0-9.]+", "-", licence.lower())[:64].strip("-.") or "not-stated"


def _result(found: Measurement) -> Any:
    from huggingface_hub import EvalResult  # noqa: PLC0415 - an extra

    return EvalResult(
        task_type="image-feature-extraction",
        task_name=found.task,
        dataset_type=found.data,
        dataset_name=" ".join(part for part in (found.data, found.split, found.note or found.group) if part),
        dataset_split=found.split or None,
        metric_type=found.metric,
        metric_name=found.label or found.metric,
        metric_value=found.value,
        metric_args={"low": found.low, "high": found.high, "interval": "95 %"},
    )


def _text(card: Card, address: str) -> str:
    training = card.training
    form = (
        "Are these pictures the same kind of thing? A model of samekind: one ONNX file, "
        f"uint8 (N, {card.input_size}, {card.input_size}, 3) in, unit embeddings of {card.dimension} dimensions out."
    )
    parts = [
        f"# {card.name}",
        form,
        f'```python\nimport samekind\n\nmodel = samekind.load("{address}")\n{_use(card)}\n```',
        "## Intended use",
        _intended(card),
        *_rates(card),
    ]
    if card.metrics:
        parts += ["## Measured", _measured(card)]
    parts += [
        "## Where it comes from",
        "\n".join(
            f"* {name}: {value}"
            for name, value in (
                ("network", card.backbone),
                ("training data", training.data),
                ("started from", training.init),
                ("which saw", training.pretraining),
                ("revision", training.revision),
                ("images become square", square_words(card)),
                *encoder_words(card).items(),
                ("licence of the weights", card.licence),
                ("licence of those that it began with", training.init_licence),
                ("fingerprint", card.fingerprint),
            )
            if value
        ),
    ]
    return "\n\n".join(parts)


def _use(card: Card) -> str:
    return 'print(model.verify("a.jpg", "b.jpg"))' if card.pair else 'rows = model.embed(["a.jpg", "b.jpg"])'


def _intended(card: Card) -> str:
    if card.adapted is not None:
        return (
            f"Judging among pictures like those it was adapted to ({card.adapted.source}, {card.adapted.pictures:,} "
            "pictures). Not for telling people apart, and not where an error does harm that nobody looks at."
        )
    adapts = " It can be adapted to a collection without labels (`samekind adapt`)." if card.domains else ""
    return (
        f"Comparing everyday pictures by what they show.{adapts} Not for telling people apart, and not where an error "
        "does harm that nobody looks at. On other kinds of pictures than its rates come from, the rates are others."
    )


def _rates(card: Card) -> list[str]:
    if card.pair is None and card.domains is None:
        return [
            "## Error rates",
            "None: it is not calibrated. `samekind calibrate` or `samekind adapt` give it verdicts.",
        ]
    parts = ["## Promised error rates"]
    once_adapted = card.domains.pair if card.domains and not card.adapted else None
    calibrations: tuple[tuple[str, PairCalibration | TrioCalibration | None], ...] = (
        ("two pictures", card.pair),
        ("three pictures", card.trio),
        ("two pictures, once adapted to a collection", once_adapted),
    )
    for title, found in calibrations:
        if found is not None:
            parts.append(f"{title}, from {_whose(found.measured_on)}:\n\n{_table(found.operating_points)}")
    return parts


def _whose(measured_on: MeasuredOn) -> str:
    how = ", thresholds measured on other images than they were fitted on" if measured_on.cross_fitted else ""
    return f"{measured_on.images:,} images of {measured_on.kind_of_pictures}{how}"


def _table(points: dict[str, OperatingPoint]) -> str:
    rows = [
        f"| {name} | {point.threshold:.3f} | {_rate(point.far, point.far_interval)} | "
        f"{_rate(point.tar, point.tar_interval)} |"
        for name, point in points.items()
    ]
    return "\n".join(["| operating point | threshold | FAR | TAR |", "|---|---|---|---|", *rows])


def _rate(value: float, interval: tuple[float, float] | None) -> str:
    return f"{value:.2%}" + (f" [{interval[0]:.2%}, {interval[1]:.2%}]" if interval else "")


def _measured(card: Card) -> str:
    rows = [
        f"| {found.data} {found.split} {found.note or found.group} | {found.task}: {found.label or found.metric} | "
        f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}] |"
        for found in card.metrics
    ]
    return "\n".join(["| data | metric | value, 95 % interval |", "|---|---|---|", *rows])
