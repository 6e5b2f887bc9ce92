# ruff: noqa: DTZ001 - a camera's clock has no zone
from __future__ import annotations

from datetime import datetime

import pytest

from samekind.gallery.filters.periods import as_nanoseconds, parse_period


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", datetime(2024, 1, 1), datetime(2025, 1, 1)),
        ("2024-12", datetime(2024, 12, 1), datetime(2025, 1, 1)),
        ("2024-02-29", datetime(2024, 2, 29), datetime(2024, 3, 1)),
        ("2024-02-29 23:59", datetime(2024, 2, 29, 23, 59), datetime(2024, 3, 1)),
        ("2024-02-29T23:59:58", datetime(2024, 2, 29, 23, 59, 58), datetime(2024, 2, 29, 23, 59, 59)),
        ("9999-12-31", datetime(9999, 12, 31), None),
    ],
)
def test_a_period_goes_from_its_beginning_to_its_end(text: str, start: datetime, end: datetime | None) -> None:
    assert parse_period(text) == (start, end)


@pytest.mark.parametrize("text", ["", "24", "2024-2-1", "2023-02-29", "0000", "2024-01-01 24:00", "2024-01-01 10"])
def test_no_dates(text: str) -> None:
    with pytest.raises(ValueError, match="date"):
        parse_period(text)


def test_times_of_files_are_counted_in_utc_and_may_lie_before_1970() -> None:
    assert as_nanoseconds(datetime(2001, 9, 9, 1, 46, 40)) == 10**18
    assert as_nanoseconds(datetime(1969, 12, 31, 23, 59, 59)) == -(10**9)
