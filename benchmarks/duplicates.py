"""Copies of pictures, in many kinds of collections, against imagehash and imagededup.

Each collection is measured twice. As it is: no picture of it should be proposed for removal, so each that is counts as
lost. And with fourteen kinds of copies planted of every tenth picture: how many are found, sure or to look at; whether
what is sure is true; and whether the original is the one kept. The peers' thresholds are the best for these very
pictures; ours are fixed. Intervals are over collections.

  python benchmarks/duplicates.py SHARED_DATA [--only NAME ...] [--most 400] [--planted 40]
                                [--imagededup] [--sheets DIR] [--json FILE]
  python benchmarks/duplicates.py SHARED_DATA --plain [--only NAME ...] --cache DIR --sheets DIR

``--json`` is also where it goes on after it was ended: collections that are in it are not measured again. ``--plain``
plants nothing and takes whole collections, all pictures of each; what is described is kept in ``--cache``.

Collections of photographs hold true copies of their own. ``--sheets`` writes what is found as pictures, side by side,
to be looked at before it is called false; what was looked at and is true is listed in ``known_copies.txt`` beside this
file, by the names of the two.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import zlib
from base64 import b64decode, b64encode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np
from made_pictures import MAKERS
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from planted_copies import KINDS, SIMPLE_KINDS, kind_of, original_of, plant_all

from samekind.copies.candidates import alike_pairs, partners, voted_pairs
from samekind.copies.compare import Side, compare
from samekind.copies.groups import Found, Member, find_groups
from samekind.copies.keep import Facts, worth
from samekind.copies.picture import describe_picture, packed, unpacked
from samekind.system.cores import available_cores
from samekind.system.one_thread import one_thread

# Thresholds were chosen looking at these; the others measure them.
FITTED_ON = frozenset({"imagenette", "pages", "products", "leaves", "coins", "portraits"})
_MADE = 80
Described = tuple[Facts, Side, int]  # what decides which is kept, what is compared, and the bytes that are kept of it
REAL = {
    "imagenette": "imagenette2-224/val/*/*",
    "train": "imagenette2-224/train/*/*",
    "faces": "caltech101-a/Faces/*",
    "motorbikes": "caltech101-a/Motorbikes/*",
    "airplanes": "caltech101-a/airplanes/*",
    "caltech": "caltech101-a/[!FMa]*/*",
    "birds": "birds-524/*/*",
    "groceries": "grocery-81/*/*",
    "tiny": "tiny-imagenet-90/*/*",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=[*(name for name in REAL if name != "train"), *MAKERS])
    parser.add_argument("--most", type=int, default=400, help="pictures of a collection of photographs")
    parser.add_argument("--planted", type=int, default=40, help="pictures of which copies are planted, at most")
    parser.add_argument("--plain", action="store_true", help="whole collections, without planted copies")
    parser.add_argument("--imagededup", action="store_true", help="its hashes, too: the best of the four")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.plain:
        for name in arguments.only:
            _plain(name, arguments)
        return
    rows = json.loads(arguments.json.read_text()) if arguments.json and arguments.json.exists() else []
    for name in arguments.only:
        if any(row["name"] == name for row in rows):
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows.append(_measured(name, arguments, Path(folder)))
        print(_line(rows[-1]), flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(rows, indent=1))
    _summary(rows)


def _measured(name: str, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    pictures = list(_pictures(name, arguments.data, arguments.most, rng))
    every = -(-len(pictures) // min(arguments.planted, -(-len(pictures) // 10)))
    for number, (stem, image, suffix) in enumerate(pictures):
        original = folder / f"{stem}__original{suffix}"
        image.save(original, quality=95)
        if number % every == 0:
            with Image.open(original) as saved:  # copies are made of the file, not of what it was made of
                plant_all(saved.convert("RGB"), folder / stem, rng, of_png=suffix == ".png")
    files = sorted(folder.iterdir())
    originals = [file for file in files if kind_of(file.name) == "original"]
    known = _known_copies()
    plain, _ = _found(originals)
    lost = [(g.keep, m.place) for g in plain[0].groups for m in g.others if m.spare]
    lost_names = [(plain[1][a].name, plain[1][b].name) for a, b in lost]
    lost_names = [pair for pair in lost_names if frozenset(map(original_of, pair)) not in known]
    found, seconds = _found(files)
    row = {"name": name, "pictures": len(originals), "files": len(files), "lost": len(lost_names), **seconds}
    row |= _scored(*found, known)
    peers = {peer: _peer(_imagehash(peer, files), files, originals) for peer in ("phash", "dhash")}
    if arguments.imagededup:
        peers["imagededup"] = _imagededup(files, originals)
    row |= {f"{peer}_{key}": value for peer, values in peers.items() for key, value in values.items()}
    if arguments.sheets:
        _sheet(arguments.sheets / f"{name}.png", *found)
    return row


def _plain(name: str, arguments: argparse.Namespace) -> None:
    """What is found in a whole collection as it is, to be looked at."""
    files = sorted(arguments.data.glob(REAL[name]))
    described = kept_descriptions(name, files, arguments.cache)
    start = time.process_time()
    found, listed = grouped(files, described)
    known = _known_copies()
    pairs = [(group.keep, m.place, m) for group in found.groups for m in group.others]
    lines = []
    for keep, place, member in pairs:
        names = [_name(listed[keep]), _name(listed[place])]
        listed_as = "known" if frozenset(names) in known else "new"
        words = member.evidence.words() if member.evidence else "through another of the group"
        lines.append(f"{'REMOVE' if member.spare else 'look'} {listed_as} {names[0]} {names[1]} {words}")
    removed = sum(member.spare for *_, member in pairs)
    print(
        f"{name}: {len(files)} pictures, {removed} to be removed, {len(pairs) - removed} to be looked at, "
        f"{found.compared} compared in {time.process_time() - start:.0f} s",
        *lines,
        sep="\n",
        flush=True,
    )
    if arguments.sheets:
        _sheets(arguments.sheets / name, [(listed[a], listed[b]) for a, b, _ in sorted(pairs, key=_spare_first)])


def _spare_first(pair: tuple[int, int, Member]) -> bool:
    return not pair[2].spare


def _name(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def kept_descriptions(name: str, files: list[Path], cache: Path | None) -> dict[Path, Described]:
    """What is known of each file, and a line for each in the cache, so that it may be ended and go on."""
    lines = cache / f"{name}.jsonl" if cache else Path(os.devnull)
    lines.parent.mkdir(parents=True, exist_ok=True)
    kept = dict(map(json.loads, lines.read_text().splitlines())) if lines.exists() else {}
    with lines.open("a") as out:
        for file in files:
            if str(file) not in kept:
                pixels = _pixels(file)
                small, features = (b64encode(part).decode() for part in packed(describe_picture(pixels)))
                kept[str(file)] = small, features, pixels.shape[1], pixels.shape[0]
                out.write(json.dumps([str(file), kept[str(file)]]) + "\n")
    described = {}
    for file in files:
        small, features, width, height = kept[str(file)]
        described[file] = _sides(file, (b64decode(small), b64decode(features)), width, height, file.stat().st_size)
    return described


def _pictures(name: str, data: Path, most: int, rng: np.random.Generator) -> Iterator[tuple[str, Image.Image, str]]:
    if name in MAKERS:
        for number, image in enumerate(islice(MAKERS[name](rng), _MADE)):
            yield f"{number:05}", image, ".png"
        return
    files = sorted(data.glob(REAL[name]))
    for file in files[:: -(-len(files) // most)]:
        with Image.open(file) as image:
            yield f"{file.parent.name}-{file.stem}", image.convert("RGB"), ".jpg"


def _found(files: list[Path]) -> tuple[tuple[Found, list[Path]], dict[str, float]]:
    """The groups among files, the files in the order of their places, and seconds of processor."""
    start = time.process_time()
    described = {file: _described(file) for file in files}
    indexed = time.process_time()
    found, listed = grouped(files, described)
    done = time.process_time()
    kept = float(np.mean([described[file][2] for file in files]))
    seconds = {"index_s": indexed - start, "find_s": done - indexed, "kept_bytes": kept, "compared": found.compared}
    return (found, listed), seconds


def grouped(files: list[Path], described: dict[Path, Described]) -> tuple[Found, list[Path]]:
    listed = sorted(files, key=lambda file: worth(described[file][0]))
    facts, sides = [described[file][0] for file in listed], [described[file][1] for file in listed]
    pictures = [side.picture for side in sides]
    with one_thread():  # as a gallery does it
        candidates = partners(voted_pairs([p.features for p in pictures]), alike_pairs([p.blurred for p in pictures]))
        threads = available_cores()
        return find_groups(facts, candidates, lambda a, b: compare(sides[a], sides[b]), threads=threads), listed


@lru_cache(512)
def _pixels(file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def _described(file: Path) -> Described:
    pixels = _pixels(file)
    return _sides(file, packed(describe_picture(pixels)), pixels.shape[1], pixels.shape[0], file.stat().st_size)


def _sides(file: Path, kept: tuple[bytes, bytes], width: int, height: int, size: int) -> Described:
    facts = Facts(file.name, width, height, size, lossless=file.suffix == ".png")
    return facts, Side(unpacked(*kept), lambda: _pixels(file), width, height), sum(map(len, kept))


def _scored(found: Found, files: list[Path], known: set[frozenset[str]]) -> dict[str, Any]:
    groups: dict[str, list[int]] = defaultdict(list)
    for place, file in enumerate(files):
        groups[original_of(file.name)].append(place)
    planted = {place for places in groups.values() if len(places) > 1 for place in places}
    sure, hit, true_pairs, found_pairs = Counter[bool](), set[int](), 0, 0
    kept = [place for group in found.groups for place in (group.keep,) if place in planted]
    for group in found.groups:
        members = [group.keep, *(m.place for m in group.others if m.evidence)]
        names = [original_of(files[place].name) for place in members]
        for one, other in combinations(range(len(members)), 2):
            found_pairs += 1
            same = names[one] == names[other] or frozenset((names[one], names[other])) in known
            true_pairs += same
            if names[one] == names[other]:
                hit |= {members[one], members[other]}
        for member in group.others:
            if member.spare:
                pair = frozenset(original_of(files[place].name) for place in (group.keep, member.place))
                sure[len(pair) == 1 or pair in known] += 1
    kinds = Counter(kind_of(files[place].name) for place in planted)
    hits = Counter(kind_of(files[place].name) for place in hit)
    all_pairs = sum(len(places) * (len(places) - 1) // 2 for places in groups.values())
    return {
        "sure": sum(sure.values()),
        "sure_false": sure[False],
        "kinds": {kind: [hits[kind], kinds[kind]] for kind in KINDS},
        "kept_original": sum(kind_of(files[place].name) == "original" for place in kept),
        "kept_groups": len(kept),
        "f1": 2 * true_pairs / max(1, found_pairs + all_pairs),
        "precision": true_pairs / max(1, found_pairs),
    }


def _imagehash(method: str, files: list[Path]) -> NDArray[np.int16]:
    """The bits of a hash of each file: int16 (N, 64)."""
    import imagehash

    hashing: Callable[..., Any] = getattr(imagehash, method)
    rows = []
    for file in files:
        with Image.open(file) as image:
            rows.append(hashing(image.convert("RGB")).hash.ravel())
    return np.array(rows).astype(np.int16)


def _imagededup(files: list[Path], originals: list[Path]) -> dict[str, float]:
    """The best of imagededup's four hashes. The weights of its network are on a hub, so that one is left out."""
    from imagededup.methods import AHash, DHash, PHash, WHash

    peers = []
    for method in (AHash, DHash, PHash, WHash):
        hashing = method(verbose=False)
        rows = [bytes.fromhex(hashing.encode_image(image_array=_pixels(file))) for file in files]
        bits = np.unpackbits(np.frombuffer(b"".join(rows), np.uint8).reshape(len(files), -1), axis=1)
        peers.append(_peer(bits.astype(np.int16), files, originals))
    return max(peers, key=lambda peer: peer["f1"])


def _peer(bits: NDArray[np.int16], files: list[Path], originals: list[Path]) -> dict[str, float]:
    """The best F1 of a hash over all thresholds, and the pictures it would lose at that one among the originals."""
    distance = (bits[:, None, :] != bits[None]).sum(axis=2) if len(bits) < 2000 else _distances(bits)
    first, second = np.triu_indices(len(files), 1)
    names = np.array([original_of(file.name) for file in files])
    right = names[first] == names[second]
    apart = distance[first, second]
    scores = {}
    for limit in range(33):
        found = apart <= limit
        scores[limit] = 2 * int((found & right).sum()) / max(1, int(found.sum()) + int(right.sum()))
    best = max(scores, key=lambda limit: scores[limit])
    places = [files.index(file) for file in originals]
    among = distance[np.ix_(places, places)] <= best
    return {"f1": scores[best], "lost": float(np.triu(among, 1).any(axis=0).sum())}


def _distances(bits: NDArray[np.int16]) -> NDArray[np.int16]:
    signs = (bits * 2 - 1).astype(np.float32)
    return np.asarray((bits.shape[1] - signs @ signs.T) / 2, np.int16)


def _known_copies() -> set[frozenset[str]]:
    file = Path(__file__).with_name("known_copies.txt")
    lines = file.read_text().splitlines() if file.exists() else []
    return {frozenset(line.split()[:2]) for line in lines if line and not line.startswith("#")}


def _sheet(path: Path, found: Found, files: list[Path]) -> None:
    """What was found and is not planted."""
    pairs = [(group.keep, m.place) for group in found.groups for m in group.others if m.evidence]
    pairs = [pair for pair in pairs if original_of(files[pair[0]].name) != original_of(files[pair[1]].name)]
    if not pairs:
        return
    _sheets(path.with_suffix(""), [(files[one], files[other]) for one, other in pairs])


def _sheets(stem: Path, pairs: list[tuple[Path, Path]]) -> None:
    """Pairs side by side, four pairs in a row and 24 on a sheet."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(pairs), 24):
        sheet = Image.new("RGB", (8 * 150, 6 * 165), "white")
        draw = ImageDraw.Draw(sheet)
        for number, pair in enumerate(pairs[start : start + 24]):
            x, y = number % 4 * 300, number // 4 * 165
            draw.text((x + 2, y + 151), f"{start + number} {_name(pair[0])[-40:]}", "black")
            for column, file in enumerate(pair):
                image = Image.fromarray(_pixels(file))
                image.thumbnail((147, 147))
                sheet.paste(image, (x + 150 * column, y))
        sheet.save(f"{stem}-{start // 24}.png")


def _line(row: dict[str, Any]) -> str:
    simple, every = (
        sum(row["kinds"][k][0] for k in kinds) / max(1, sum(row["kinds"][k][1] for k in kinds))
        for kinds in (SIMPLE_KINDS, KINDS)
    )
    return (
        f"{row['name']:<14} {row['pictures']:>5} pictures"
        f"  lost {row['lost']} (per 1,000: {1000 * row['lost'] / row['pictures']:.1f})"
        f"  recall six {simple:.3f} fourteen {every:.3f}"
        f"  sure {row['sure']} false {row['sure_false']}  original kept {row['kept_original']}/{row['kept_groups']}"
        f"  F1 {row['f1']:.3f} ({_peers(row)})"
        f"  {row['kept_bytes']:.0f} bytes  {row['find_s']:.1f} s of {row['index_s']:.1f}"
    )


def _peers(row: dict[str, Any]) -> str:
    peers = [peer for peer in ("phash", "dhash", "imagededup") if f"{peer}_f1" in row]
    return ", ".join(f"{peer} {row[f'{peer}_f1']:.3f} losing {row[f'{peer}_lost']:.0f}" for peer in peers)


def _summary(rows: list[dict[str, Any]]) -> None:
    """Totals, and 95 % intervals from drawing collections anew; the collections that thresholds did not see apart."""
    for title, chosen in (("all", rows), ("not fitted on", [row for row in rows if row["name"] not in FITTED_ON])):
        if not chosen:
            continue
        rng = np.random.default_rng(0)
        recalls = {
            kind: np.array([[row["kinds"][kind][0], row["kinds"][kind][1]] for row in chosen], float) for kind in KINDS
        }
        total = {
            key: sum(row[key] for row in chosen)
            for key in ("lost", "pictures", "sure", "sure_false", "kept_original", "kept_groups")
        }
        print(f"{title}: {len(chosen)} collections", *(f"{key} {value}" for key, value in total.items()))
        for kind, counts in recalls.items():
            drawn = [counts[rng.integers(0, len(counts), len(counts))].sum(axis=0) for _ in range(2000)]
            low, high = np.quantile([hit / max(1, total) for hit, total in drawn], (0.025, 0.975))
            print(f"  {kind:<12} recall {counts[:, 0].sum() / max(1, counts[:, 1].sum()):.3f} [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    main()
