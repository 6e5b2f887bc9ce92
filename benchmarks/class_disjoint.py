"""Class-disjoint Imagenette: train on five of its classes, test on validation images of the other five.

The same recipe as the model `imagenette`. The classes are those at even and odd places of the alphabet. Their ImageNet
pretraining has seen all ten with labels; what is disjoint is our own training.

python benchmarks/class_disjoint.py IMAGENETTE INIT [--run runs/class-disjoint]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from samekind.cli.progress import stage_bars
from samekind.training.pipeline import train
from samekind.training.recipe import Recipe
from samekind.training.run import RunSettings, read_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("imagenette", type=Path, help="the folder with train and val")
    parser.add_argument("init", help="as samekind train --init")
    parser.add_argument("--run", type=Path, default=Path("runs/class-disjoint"))
    arguments = parser.parse_args()
    classes = sorted(path.name for path in (arguments.imagenette / "train").iterdir())
    data = arguments.run / "data"
    seen, unseen = data / "seen", data / "unseen"
    for folder, part, names in ((seen, "train", classes[::2]), (unseen, "val", classes[1::2])):
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            link = folder / name
            if not link.exists():
                link.symlink_to((arguments.imagenette / part / name).resolve())
    resume = (arguments.run / "run.json").exists()
    if resume:
        settings = read_run(arguments.run)
    else:
        recipe = Recipe().with_settings(sampler={"classes": 5, "images": 24})
        model = arguments.run / "class-disjoint.onnx"
        settings = RunSettings(folder=seen, output=model, recipe=recipe, init=arguments.init, tests=(unseen,))
    with stage_bars() as report:
        card = train(settings, arguments.run, resume=resume, report=report)
    for data_name, metrics in card.metrics.items():
        print(f"trained on {', '.join(classes[::2])}; tested on {data_name}")
        for name, value in metrics.items():
            print(f"  {name:<40} {value.value:.4f}  [{value.low:.4f}, {value.high:.4f}]")


if __name__ == "__main__":
    main()
