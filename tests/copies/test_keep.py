from samekind.copies.evidence import Edit, Evidence
from samekind.copies.keep import Facts, better


def damaged(side: int) -> Evidence:
    return Evidence("copy", (Edit("damaged", side),), "sure", "", 0, 0.0, (1.0, 1.0), 1.0)


def test_what_lies_beside_the_gallery_is_not_hidden() -> None:
    assert Facts("../backup/a.jpg", 40, 30, 900).last == 0
    assert Facts("../.cache/a.jpg", 40, 30, 900).last == 1
    kept, why = better(Facts("photos/small.jpg", 40, 30, 900), Facts("../backup/large.jpg", 80, 60, 900))
    assert (kept, why) == (1, "more pixels")


def test_the_whole_of_a_cut_file_is_kept_wherever_it_lies() -> None:
    cut, whole = Facts("photos/a.jpg", 80, 60, 500), Facts("photos/lost+found/a.jpg", 80, 60, 900)
    assert better(cut, whole, damaged(0)) == (1, "the other is damaged: its end is missing")
    assert better(whole, cut, damaged(1)) == (0, "the other is damaged: its end is missing")
    assert better(cut, whole)[0] == 0, "else what is in a bin never wins"
