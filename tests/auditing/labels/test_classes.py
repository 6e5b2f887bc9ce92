import numpy as np
from auditing.conftest import clustered

from samekind.auditing.labels.classes import falling_apart, overlapping
from samekind.auditing.labels.doubt import doubt_labels

NAMES = tuple("abcdefgh")


def test_a_class_under_two_names_is_one() -> None:
    rows, labels = clustered(6, 30)
    labels[labels == 2] = np.where(np.arange(30) % 2, 2, 6)
    found = overlapping(doubt_labels(rows, labels, 7).probability, labels, NAMES[:7])
    assert [(one.first, one.second) for one in found] == [("c", "g")]
    assert found[0].overlap > 0.9


def test_two_kinds_under_one_name_are_two() -> None:
    rows, labels = clustered(8, 30)
    labels[labels == 7] = 3
    [found] = falling_apart(rows, labels, NAMES[:7])
    assert found.name == "d"
    assert sorted(map(set, found.parts), key=min) == [set(range(90, 120)), set(range(210, 240))]


def test_classes_that_are_what_they_say_are_left_alone() -> None:
    rows, labels = clustered(8, 30)
    assert falling_apart(rows, labels, NAMES) == []
    assert overlapping(doubt_labels(rows, labels, 8).probability, labels, NAMES) == []


def test_two_odd_images_are_no_kind() -> None:
    rows, labels = clustered(8, 30)
    rows[:2] = -rows[:2]
    assert falling_apart(rows, labels, NAMES) == []


def test_of_few_classes_nobody_knows_what_is_usual() -> None:
    rows, labels = clustered(4, 30)
    labels[labels == 3] = 0
    assert falling_apart(rows, labels, NAMES[:3]) == []
