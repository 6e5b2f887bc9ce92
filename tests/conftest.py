"""Small images, folders and models that the tests are made of."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import lanes
import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, settings
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from samekind.model_file.calibration import (
    DomainCalibration,
    MeasuredOn,
    OperatingPoint,
    PairCalibration,
    TrioCalibration,
)
from samekind.model_file.card import FORMAT_VERSION, Card, Training
from samekind.model_file.file import write_model

# A suite that was started in the background ignores Ctrl-C, and so would the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How fast examples are made is a matter of the machine, not of what is tested.
settings.register_profile(
    "samekind",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("samekind")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="only what needs no torch, browser, service or process")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--fast"):
        config.pluginmanager.register(lanes)
        sys.meta_path.insert(0, lanes.NoTorch())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A process for each processor; none for files that are named, whose tests are sooner done than two have begun."""
    if all(Path(argument.partition("::")[0]).is_file() for argument in config.args):
        return 0
    # Two processes that reckon with two threads each on two processors mostly wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, MOST_WORKERS) if processors > 1 else 0


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow places come first, then files that start processes: no worker has one left when the others are done."""
    slow = {item.path for item in items if lanes.is_slow(item)}
    items.sort(key=lambda item: (not lanes.is_slow_place(item.path), item.path not in slow))


# Each may come to hold two gigabytes of networks.
MOST_WORKERS = 8
SHARED = Path(os.environ.get("SAMEKIND_SHARED", Path(__file__).parents[2] / "shared"))
SIZE, DIMENSION = 16, 6


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; tests that need it are skipped, visibly, where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"real data not found at {SHARED}")
    return SHARED


def make_card(**changes: object) -> Card:
    measured = MeasuredOn(description="a test", images=10, classes=3, positives=20, negatives=25)
    points = {
        "balanced": OperatingPoint(threshold=0.5, far=0.02, tar=0.97),
        "strict": OperatingPoint(threshold=0.8, far=0.01, tar=0.9),
    }
    card = Card(
        format_version=FORMAT_VERSION,
        name="tiny",
        backbone="mean colour",
        input_size=SIZE,
        resize="squash",
        dimension=DIMENSION,
        pair=PairCalibration(scale=10.0, bias=-5.0, operating_points=points, measured_on=measured),
        trio=TrioCalibration(weights=(10.0, 1.0, 0.5), bias=-6.0, operating_points=points, measured_on=measured),
        training=Training(
            data="nothing",
            classes=("a", "b", "c"),
            images=0,
            digest="none",
            objective="pairs",
            init="scratch",
            pretraining="nothing",
            recipe={},
        ),
        licence="Apache-2.0",
        created="2026-11-23",
        samekind_version="0.1.0",
    )
    return card.model_copy(update=changes)


def tiny_network(dimension: int = DIMENSION) -> onnx.ModelProto:
    """A network of one layer: the mean colour of an image, projected and normalised."""
    weight = np.random.default_rng(0).normal(size=(3, dimension)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["colour"], keepdims=0),
        helper.make_node("Sub", ["colour", "grey"], ["centred"]),
        helper.make_node("MatMul", ["centred", "weight"], ["raw"]),
        helper.make_node("ReduceL2", ["raw", "row"], ["norm"], keepdims=1),
        helper.make_node("Clip", ["norm", "least"], ["length"]),
        helper.make_node("Div", ["raw", "length"], ["embeddings"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", SIZE, SIZE, 3])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", dimension])],
        [
            numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
            numpy_helper.from_array(np.array([90.0, 120.0, 150.0], np.float32), "grey"),
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(np.array([1], np.int64), "row"),
            numpy_helper.from_array(np.array(1e-12, np.float32), "least"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of a few kilobytes, whose embeddings are mean colours."""
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    write_model(path, tiny_network().SerializeToString(), make_card())
    return path


def adaptable_card(**changes: object) -> Card:
    """The card of a model that can be adapted without labels; its rates in collections are its own."""
    measured = MeasuredOn(
        description="left-out collections",
        domain="collections of other kinds",
        images=10,
        classes=3,
        positives=20,
        negatives=25,
    )
    points = {
        "balanced": OperatingPoint(threshold=0.8, far=0.05, tar=0.85),
        "strict": OperatingPoint(threshold=1.2, far=0.01, tar=0.6),
    }
    shares = {name: point.model_copy(update={"threshold": point.threshold / 2}) for name, point in points.items()}
    domains = DomainCalibration(
        full_length=0.6,
        spread=0.5,
        few=20,
        pair=PairCalibration(scale=4.0, bias=-3.0, operating_points=points, measured_on=measured),
        trio=TrioCalibration(weights=(4.0, 0.4, 0.2), bias=-3.5, operating_points=shares, measured_on=measured),
        domains=("a test",),
    )
    return make_card(domains=domains, **changes)


@pytest.fixture(scope="session")
def adaptable_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, with a card that lets it be adapted to pictures without labels."""
    path = tmp_path_factory.mktemp("model") / "adaptable.onnx"
    write_model(path, tiny_network().SerializeToString(), adaptable_card())
    return path


@pytest.fixture(scope="session")
def many_colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 24 different pictures in two subfolders, all of them rather red."""
    root = tmp_path_factory.mktemp("colours")
    rng = np.random.default_rng(5)
    for number in range(24):
        folder = root / ("dark" if number % 2 else "light")
        folder.mkdir(exist_ok=True)
        save_noise(folder / f"{number:02}.png", (230, *map(int, rng.integers(20, 190, 2))), seed=number)
    return root


@pytest.fixture
def photo(tmp_path: Path) -> Callable[..., Path]:
    """Writes a picture of noise around a colour and gives its path."""

    def write(name: str = "photo.png", colour: tuple[int, int, int] = (200, 40, 40), seed: int = 0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_noise(path, colour, seed)
        return path

    return write


def save_noise(path: Path, colour: tuple[int, int, int], seed: int, size: tuple[int, int] = (24, 20)) -> None:
    noise = np.random.default_rng(seed).integers(-20, 20, (size[1], size[0], 3))
    Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)).save(path)


COLOURS = {"blue": (40, 40, 220), "green": (40, 200, 40), "red": (220, 40, 40), "white": (240, 240, 240)}


@pytest.fixture(scope="session")
def colour_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders of four colours with 24 small images each."""
    root = tmp_path_factory.mktemp("colours")
    for name, colour in COLOURS.items():
        (root / name).mkdir()
        for i in range(24):
            save_noise(root / name / f"{i:02}.png", colour, seed=1000 * ord(name[0]) + i)
    return root


@pytest.fixture(scope="session", autouse=True)
def fewer_trios() -> Iterator[None]:
    """Calibrations are fitted on a tenth of the trios, for speed."""
    from samekind.fitting.calibrations import trio_items

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trio_items, "__kwdefaults__", {"most": trio_items.__kwdefaults__["most"] // 10})
        yield


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """Files need not have come to the disk: no test cuts the power. Processes of their own sync as ever."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests share."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "of-all-workers"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.fixture(scope="session")
def traced_once(of_all_workers: Path) -> Iterator[None]:
    """Networks of the same layers are traced for ONNX once, for speed."""
    from exports import TracedOnce

    traced = TracedOnce(of_all_workers)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("network.export", "batches.cache"):
            patch.setattr(f"samekind.training.{module}.export_onnx", traced)
        yield


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs a test with an empty folder as the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def colour_domains(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Class folders of three kinds of pictures: reddish, greenish and bluish ones, each of five classes."""
    root = tmp_path_factory.mktemp("domains")
    for place, domain in enumerate(("reds", "greens", "blues")):
        for label in range(5):
            folder = root / domain / f"class{label}"
            folder.mkdir(parents=True)
            for number in range(14):
                rng = np.random.default_rng((place, label, number))
                colour = [40 + 40 * ((label * 2 + channel) % 5) for channel in range(3)]
                colour[place] = 210
                red, green, blue = (int(value + rng.integers(-12, 12)) for value in colour)
                save_noise(folder / f"{number:02}.png", (red, green, blue), seed=int(rng.integers(1 << 30)))
    return [root / domain for domain in ("reds", "greens", "blues")]
