from pathlib import Path

from PIL import Image

from samekind.training.loop.curves import draw_curves


def test_curves_are_drawn_of_runs_with_and_without_points(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(
        "epoch,held-out EER,loss,step\n0,0.4,,9\n,,0.9,9\n1,0.2,,19\n,,0.5,19\n", encoding="utf-8"
    )
    (tmp_path / "none.csv").write_text("epoch,step\n0,3\n", encoding="utf-8")
    sizes = []
    for number, runs in enumerate((["one"], ["one", "none"], ["none"])):
        picture = tmp_path / f"{number}.png"
        draw_curves([tmp_path / f"{name}.csv" for name in runs], picture)
        with Image.open(picture) as image:
            image.load()
            assert image.format == "PNG"
            sizes.append(image.size)
    assert len(set(sizes)) == 1
    assert (tmp_path / "0.png").read_bytes() != (tmp_path / "2.png").read_bytes()
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".png"}
