"""Times as a filter names them: a year, a month, a day, a minute or a second, each from its beginning to its end."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_FORM = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:[ T](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))?)?)?)?",
    re.ASCII,
)
_LENGTHS = {"second": timedelta(seconds=1), "minute": timedelta(minutes=1), "day": timedelta(days=1)}


class Period(NamedTuple):
    """A stretch of time.

    Attributes:
        start: Its first moment.
        end: The first moment after it; None where years end.
    """

    start: datetime
    end: datetime | None


def parse_period(text: str) -> Period:
    """The period that a text names: ``2024``, ``2024-03``, ``2024-03-31``, ``2024-03-31 18:30`` or ``… 18:30:05``.

    Raises:
        ValueError: It names none, or a day that no calendar has.

    Example:
        >>> parse_period("2024-02")
        Period(start=datetime.datetime(2024, 2, 1, 0, 0), end=datetime.datetime(2024, 3, 1, 0, 0))
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("a date is written '2024', '2024-03', '2024-03-31' or '2024-03-31 18:30:05'")
    given = {name: int(value) for name, value in found.groupdict().items() if value is not None}
    try:
        start = datetime(  # noqa: DTZ001 - a camera's clock has no zone
            given["year"],
            given.get("month", 1),
            given.get("day", 1),
            given.get("hour", 0),
            given.get("minute", 0),
            given.get("second", 0),
        )
    except ValueError as error:
        raise ValueError(f"there is no such date ({error})") from None
    try:
        return Period(start, _end(start, given))
    except (OverflowError, ValueError):
        return Period(start, None)


def _end(start: datetime, given: dict[str, int]) -> datetime:
    for unit, length in _LENGTHS.items():
        if unit in given:
            return start + length
    if "month" in given and start.month < 12:
        return start.replace(month=start.month + 1)
    return start.replace(year=start.year + 1, month=1)


def as_text(moment: datetime) -> str:
    """A moment as the column ``taken`` has it.

    Example:
        >>> as_text(datetime(2024, 3, 1, 18, 30))
        '2024-03-01 18:30:00'
    """
    return moment.isoformat(" ", "seconds")


def as_nanoseconds(moment: datetime) -> int:
    """A moment of UTC as the column ``mtime_ns`` has it: nanoseconds since 1970, as far as 64 bits go (1678 to 2262).

    Example:
        >>> as_nanoseconds(datetime(1970, 1, 2))
        86400000000000
    """
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return min(max((since.days * 86_400 + since.seconds) * 1_000_000_000, -(2**63)), 2**63 - 1)
