from __future__ import annotations

import pytest

from samekind.evaluation.metrics import metric as module
from samekind.evaluation.metrics.metric import AUC, ECE, Interval, Metric, Unit, far_at, naive, tar_at_far, uncalibrated


@pytest.mark.parametrize(
    ("metric", "key", "label"),
    [
        (module.accuracy_at("balanced"), "accuracy@balanced", "accuracy at balanced"),
        (module.precision_at("strict"), "precision@strict", "precision at strict"),
        (tar_at_far(0.1), "tar@far=0.1", "TAR at FAR 10.0%"),
        (tar_at_far(0.001), "tar@far=0.001", "TAR at FAR 0.1%"),
        (module.accuracy_on("AAB"), "accuracy@kind=AAB", "accuracy on AAB"),
        (module.recall_at(5), "recall@5", "recall@5"),
        (uncalibrated(ECE), "uncalibrated.ece", "ECE before calibration"),
        (naive(module.false_alarms_on("ABC")), "naive.false_alarms@kind=ABC", "naive rule: false alarms on ABC"),
    ],
)
def test_a_metric_has_a_key_for_machines_and_a_label_for_people(metric: Metric, key: str, label: str) -> None:
    assert (metric.key, metric.label) == (key, label)


def test_metrics_of_one_key_are_one() -> None:
    assert Metric("auc", "another name", Unit.SCORE) == AUC
    assert {far_at("balanced"): 1}[far_at("balanced")] == 1
    assert far_at("balanced") != far_at("strict")


@pytest.mark.parametrize("other", [naive, uncalibrated])
@pytest.mark.parametrize("metric", [AUC, ECE, far_at("strict"), tar_at_far(0.01)])
def test_a_metric_of_another_rule_is_read_and_resampled_alike(other, metric: Metric) -> None:
    assert (other(metric).unit, other(metric).interval) == (metric.unit, metric.interval)
    assert other(metric) != metric


def test_only_calibration_errors_are_corrected_for_bias_and_only_low_rates_are_skewed() -> None:
    constants = [found for found in vars(module).values() if isinstance(found, Metric)]
    assert [found.key for found in constants if found.interval is Interval.BIAS_CORRECTED] == ["ece"]
    assert tar_at_far(0.01).interval is Interval.SKEWED_SHARE
    assert all(found.interval is not Interval.SKEWED_SHARE for found in constants)
