"""What ``samekind reproduce`` prints of its seeds."""

import statistics

import pytest

from samekind.cli.models.reproduce import _print_table, _summary
from samekind.training.reproduce import Seed


def seeds(unseen: bool) -> list[Seed]:
    more = [(1600, 0.7 - 0.1 * i) if unseen else () for i in range(3)]
    return [Seed(i, 1500 + i, 320, 0.95 + 0.01 * i, *more[i]) for i in range(3)]


def test_the_summary_has_the_mean_and_the_sample_deviation() -> None:
    summary = _summary("pairs", seeds(unseen=True))
    assert summary["mean"] == pytest.approx(0.96)
    assert summary["standard_deviation"] == pytest.approx(statistics.stdev([0.95, 0.96, 0.97]))
    assert summary["seeds"][2] == {
        "seed": 2,
        "images": 1502,
        "items": 320,
        "accuracy": pytest.approx(0.97),
        "unseen_items": 1600,
        "unseen": pytest.approx(0.5),
    }


def test_one_seed_has_no_deviation() -> None:
    assert _summary("pairs", seeds(unseen=False)[:1])["standard_deviation"] == 0


@pytest.mark.parametrize("unseen", [True, False])
def test_the_table_says_what_the_numbers_are(
    unseen: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    _print_table("trios", seeds(unseen))
    text = capsys.readouterr().out
    assert ("1,600 trios of unseen classes" in text) == unseen
    for words in ("balanced accuracy", "320 test trios", "1,502", "0.9600 ± 0.0100", "0.73 on 320 trios", "ImageNet"):
        assert words in text, words
    assert ("0.6000 ± 0.1000" in text, "--unseen FOLDER" in text) == (unseen, not unseen)
