"""Collections: the data sets whole, and narrow ones cut from them by what they show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from accuracy_features import Pool
from numpy.typing import NDArray

from samekind.inference.similarity import Embeddings

# By domain and name the classes of a narrow collection: Tiny-ImageNet's by their WordNet numbers.
LISTED = {
    ("tiny", "dogs"): "n02085620 n02094433 n02099601 n02099712 n02106662 n02113799",
    ("tiny", "insects and spiders"): "n02165456 n02190166 n02206856 n02226429 n02231487 n02233338 n02236044 n02268443 "
    "n02279972 n02281406 n01770393 n01774384 n01774750 n01784675",
    ("tiny", "vehicles"): "n02814533 n02917067 n03100240 n03393912 n03444034 n03447447 n03599486 n03662601 n03670208 "
    "n03796401 n03977966 n04146614 n04285008 n04465501 n04487081",
    ("tiny", "clothes"): "n02669723 n02730930 n02837789 n02883205 n02963159 n03026506 n03404251 n03617480 n03763968 "
    "n03770439 n03980874 n04133789 n04254777 n04259630 n04371430 n04532106",
    ("tiny", "furniture"): "n02808440 n03014705 n03179701 n03201208 n03637318 n04070727 n04099969 n04265275",
    ("tiny", "fruit and vegetables"): "n07715103 n07720875 n07734744 n07747607 n07749582 n07753592 n07768694 n12267677",
    ("caltech", "animals"): "ant bass crayfish crocodile_head cougar_face dalmatian dolphin emu flamingo hawksbill "
    "hedgehog ibis lobster octopus pigeon platypus rooster scorpion tick wild_cat",
    ("caltech", "vehicles"): "Motorbikes airplanes car_side ketch schooner",
    ("caltech", "faces"): "Faces garfield snoopy buddha cougar_face crocodile_head dalmatian",
    ("caltech", "tools and devices"): "binocular camera cellphone laptop revolver stapler umbrella wrench",
    ("caltech", "works of craft"): "buddha chandelier electric_guitar ewer gramophone mandolin menorah minaret pagoda",
}
# Birds by words in the names of their species.
NAMED = {
    ("birds", "water birds"): "duck|teal|goose|pintail|merganser|wigeon|loon|grebe|swan|coot|eider|scoter|goldeneye|"
    "shoveler|pelican|cormorant|heron|egret|ibis|stork|spoonbill|flamingo|crane|bittern|gull|tern|puffin|albatross|"
    "booby|penguin|plover|avocet|stilt|oyster|godwit|sandpiper|curlew|anhinga|limpkin|jacana|skimmer|auk|murre",
    ("birds", "small birds"): "warbler|sparrow|finch|bunting|tit|wren|tanager|robin|thrush|flycatcher|vireo|towhee|"
    "junco|pipit|siskin|redpoll|kinglet|bluebird|oriole|blackbird|starling|grosbeak|cardinal|swallow",
    ("birds", "birds of prey"): "eagle|hawk|falcon|kite|osprey|owl|vulture|condor|kestrel|harrier|baza|caracara|"
    "buzzard|kookaburra|shrike",
    ("birds", "colourful birds"): "parakeet|macaw|cockat|lory|lorikeet|parrot|toucan|hornbill|quetzal|trogon|bee_eater|"
    "barbet|kingfisher|hummingbird|sunbird|woodstar|motmot|touraco|pitta|broadbill",
    ("grocery", "milk and yoghurt"): "milk|yog|ghurt|cream",
}
# Collections drawn by lot: of so many classes, these times.
SIZES, TIMES = (3, 5, 8, 12, 20, 30, 50, 80), 4
# A collection of most of the classes is the whole one again.
_LARGEST_SHARE = 0.8
_FEWEST_IMAGES = 24
# Noise among the similarities of classes, so that no two collections of neighbours are the same.
_NOISE = 0.03
# Groceries by what the names of their files begin with.
COARSE = ("fruit", "vegetables", "packages")


@dataclass(frozen=True)
class Cut:
    """A collection: some images of a domain.

    Attributes:
        domain: What is left out with it.
        name: ``whole``, or what it shows.
        images: The numbers of its images in the pool that is measured.
    """

    domain: str
    name: str
    images: NDArray[np.int64]


def collections_of(pools: Mapping[str, Pool]) -> list[Cut]:
    """Each data set whole, and what is cut from it; of three classes or more."""
    return [cut for domain, pool in pools.items() for cut in _cuts(domain, pool)]


def drawn_by_lot(domain: str, labels: NDArray[np.int64], embeddings: Embeddings) -> Iterator[Cut]:
    """Collections of classes that were drawn by lot, every second of classes that look alike, as people's often do."""
    rng = np.random.default_rng(5)
    classes = int(labels.max()) + 1
    means = np.stack([embeddings[labels == label].mean(axis=0) for label in range(classes)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    for size in (size for size in SIZES if size <= _LARGEST_SHARE * classes):
        for time in range(TIMES):
            if alike := time % 2:
                near = means @ means[rng.integers(classes)] + rng.normal(0, _NOISE, classes)
                chosen = np.argsort(-near)[:size]
            else:
                chosen = rng.choice(classes, size, replace=False)
            images = np.flatnonzero(np.isin(labels, chosen))
            if len(images) >= _FEWEST_IMAGES:
                yield Cut(domain, f"{size} classes{' alike' if alike else ''}, {time}", images)


def _cuts(domain: str, pool: Pool) -> Iterator[Cut]:
    names = pool.images.classes
    yield Cut(domain, "whole", np.arange(len(pool.images)))
    for (of, name), listed in LISTED.items():
        if of == domain:
            yield Cut(domain, name, pool.of(frozenset(listed.split())))
    for (of, name), pattern in NAMED.items():
        if of == domain:
            yield Cut(domain, name, pool.of(frozenset(one for one in names if re.search(pattern, one))))
    if domain == "grocery":
        first = np.array([path.name.partition("-")[0] for path in pool.images.paths])
        for coarse in COARSE:
            yield Cut(domain, coarse, np.flatnonzero(first == coarse))
