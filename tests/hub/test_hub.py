"""Models are fetched from a hub and put there; whatever goes wrong is said, and nothing half is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import adaptable_card, tiny_network
from hub.stand_in import COMMIT, Client, Repository, StandIn

from samekind.errors import HubError
from samekind.hub.address import HubAddress, parse_address
from samekind.model_file.card import Measurement
from samekind.model_file.file import make_model, read_model

pytest.importorskip("huggingface_hub")


@pytest.fixture(scope="module")
def hub() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def client(hub: StandIn, home: Path) -> Iterator[Client]:
    client = Client(hub.endpoint, home)
    yield client
    client.close()


@pytest.fixture(scope="module")
def data() -> bytes:
    metric = Measurement(
        data="birds", split="val", group="all", task="pairs", metric="auc", label="AUC", value=0.98, low=0.97, high=0.99
    )
    return make_model(tiny_network().SerializeToString(), adaptable_card(metrics=(metric,))).data


FINGERPRINT = make_model(tiny_network().SerializeToString(), adaptable_card()).card.fingerprint


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("hf://me/shoes", HubAddress("me/shoes")),
        ("hf://me/shoes@v1.0", HubAddress("me/shoes", "v1.0")),
        ("hf://me/shoes/small.onnx", HubAddress("me/shoes", None, "small.onnx")),
        ("hf://me/shoes@refs%2Fpr%2F3/a/b.onnx", HubAddress("me/shoes", "refs/pr/3", "a/b.onnx")),
    ],
)
def test_addresses_are_taken_apart_and_written_again(address: str, expected: HubAddress) -> None:
    assert parse_address(address) == expected
    assert str(expected) == address


@pytest.mark.parametrize(
    "address",
    [
        "hf://shoes",
        "hf:me/shoes",
        "hf://me/shoes@",
        "hf://me/shoes/../x.onnx",
        "hf://me/shoes/model.bin",
        "hf://me/shoes/",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(HubError, match="write hf://OWNER/NAME"):
        read_model(address)


@pytest.mark.parametrize(
    "revision", ["..%2F..%2Fx", "%2Fetc%2Fpasswd", "a%2F..%2F..%2F..%2Fb", "a%00", "main%0A", ".."]
)
def test_a_revision_leads_nowhere_out_of_the_cache(revision: str) -> None:
    with pytest.raises(HubError, match="is no revision"):
        parse_address(f"hf://me/shoes@{revision}/model.onnx")


def test_a_model_is_fetched_once_and_is_there_without_the_hub(
    hub: StandIn, home: Path, data: bytes, tmp_path: Path
) -> None:
    server = StandIn()
    server.repositories["me/once"] = repository = Repository({"model.onnx": data, "README.md": b"hello"})
    client = Client(server.endpoint, tmp_path)
    assert client.ask("load", "hf://me/once") == {"fingerprint": FINGERPRINT}
    assert client.ask("load", f"hf://me/once@{COMMIT}") == {"fingerprint": FINGERPRINT}
    assert repository.asked.count("GET model.onnx") == 1
    asked = len(repository.asked)
    assert client.ask("load", f"hf://me/once@{COMMIT}") == {"fingerprint": FINGERPRINT}
    assert len(repository.asked) == asked
    client.close()
    server.shutdown()
    server.server_close()
    for options in ({}, {"HF_HUB_OFFLINE": "1"}):
        later = Client(server.endpoint, tmp_path, **options)
        assert later.ask("load", "hf://me/once") == {"fingerprint": FINGERPRINT}
        assert later.ask("load", "hf://me/once/model.onnx") == {"fingerprint": FINGERPRINT}
        for never in ("hf://me/never/model.onnx", f"hf://me/never@{COMMIT}"):
            answer = later.ask("load", never)
            assert answer["error"] == "HubError"
            assert "was not fetched before" in answer["message"]
        later.close()


def test_the_one_model_is_found_and_of_several_one_is_to_be_named(client: Client, hub: StandIn, data: bytes) -> None:
    hub.repositories["me/odd"] = Repository({"shoes.onnx": data})
    hub.repositories["me/two"] = Repository({"a.onnx": data, "b.onnx": data})
    hub.repositories["me/none"] = Repository({"README.md": b"x"})
    assert client.ask("load", "hf://me/odd") == {"fingerprint": FINGERPRINT}
    assert "name one, such as hf://me/two/a.onnx" in client.ask("load", "hf://me/two")["message"]
    assert client.ask("load", "hf://me/two/b.onnx") == {"fingerprint": FINGERPRINT}
    assert "holds no .onnx file" in client.ask("load", "hf://me/none")["message"]


def test_what_is_whole_but_no_model_of_samekind_stays_in_the_cache(
    client: Client, hub: StandIn, home: Path, data: bytes
) -> None:
    """Other programs keep their models there, too."""
    foreign = tiny_network().SerializeToString()
    hub.repositories["me/foreign"] = Repository({"model.onnx": foreign}, etag="sha256")
    answer = client.ask("load", "hf://me/foreign")
    assert "has no card" in answer["message"]
    assert "not kept" not in answer["message"]
    [kept] = home.rglob("models--me--foreign/snapshots/**/model.onnx")
    assert kept.read_bytes() == foreign
    hub.repositories["me/spoilt"] = Repository({"model.onnx": foreign}, etag="sha256", fault="changed")
    assert "what was fetched is not kept" in client.ask("load", "hf://me/spoilt")["message"]
    assert not [*home.rglob("models--me--spoilt/snapshots/**/model.onnx")]


# What goes wrong: the repository, what is asked for, and what the message says.
FAULTS: dict[str, tuple[dict[str, object], str, str]] = {
    "no such repository": ({"status": 404, "code": "RepoNotFound"}, "", "no such repository, or it is private"),
    "private": ({"status": 401, "code": "RepoNotFound"}, "", "no such repository, or it is private: log in"),
    "gated": ({"status": 403, "code": "GatedRepo"}, "", "gives access on request"),
    "not known": ({"status": 401}, "/model.onnx", "log in with"),
    "forbidden": ({"status": 403}, "/model.onnx", "does not let you"),
    "no such revision": ({}, "@v9/model.onnx", "has no revision 'v9'"),
    "no such file": ({}, "/other.onnx", "has no file other.onnx"),
    "too many requests": ({"status": 429}, "/model.onnx", "asks to wait"),
    "a fault of the hub": ({"status": 500}, "/model.onnx", "fault of its own"),
    "not available": ({"status": 503}, "/model.onnx", "not available"),
    "broken connection": ({"fault": "cut"}, "/model.onnx", "nothing half is kept"),
    "a changed bit": ({"fault": "changed"}, "/model.onnx", "what was fetched is not kept"),
    "a page of a proxy": ({"fault": "text"}, "/model.onnx", "what was fetched is not kept"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_goes_wrong_is_said_and_mended_the_next_time(
    client: Client, hub: StandIn, home: Path, data: bytes, case: str
) -> None:
    options, more, message = FAULTS[case]
    name = f"me/{case.replace(' ', '-')}"
    hub.repositories[name] = Repository({"model.onnx": data}, **options)  # type: ignore[arg-type]
    answer = client.ask("load", f"hf://{name}{more}")
    assert answer.get("error") in {"HubError", "ModelFileError"}, answer
    assert message in answer["message"]
    assert name in answer["message"]
    assert not [path for path in home.rglob(f"models--{name.replace('/', '--')}/snapshots/**/*.onnx") if path.exists()]
    hub.repositories[name] = Repository({"model.onnx": data})
    assert client.ask("load", f"hf://{name}") == {"fingerprint": FINGERPRINT}


def test_a_connection_that_breaks_once_is_taken_up_again(client: Client, hub: StandIn, data: bytes) -> None:
    hub.repositories["me/slow"] = Repository({"model.onnx": data}, fault="slow")
    answer = client.ask("load", "hf://me/slow/model.onnx")
    if "error" in answer:  # an older client does not; then it says so, and the next try is whole
        assert "nothing half is kept" in answer["message"]
        answer = client.ask("load", "hf://me/slow/model.onnx")
    assert answer == {"fingerprint": FINGERPRINT}


def test_a_model_is_pushed_with_its_page_in_one_commit_and_loads_by_its_address(
    client: Client, hub: StandIn, data: bytes, tmp_path: Path
) -> None:
    (tmp_path / "shoes.onnx").write_bytes(data)
    answer = client.ask("push", str(tmp_path / "shoes.onnx"), "hf://me/pushed", True)
    assert answer == {"address": f"hf://me/pushed@{COMMIT}"}
    repository = hub.repositories["me/pushed"]
    assert "create private=True" in repository.asked
    [files] = repository.committed
    assert set(files) == {"model.onnx", "README.md"}
    assert files["model.onnx"] == data
    page = files["README.md"].decode()
    for part in ("license: apache-2.0", "model-index", "0.97", "FAR", "Intended use", FINGERPRINT, "hf://me/pushed"):
        assert part in page
    assert client.ask("load", answer["address"]) == {"fingerprint": FINGERPRINT}


# What goes wrong with a push: the repository, the address, and what the message says.
PUSH_FAULTS: dict[str, tuple[dict[str, object], str, str]] = {
    "no token": ({"status": 401}, "hf://me/p1", "log in with"),
    "no right": ({"status": 403}, "hf://me/p2", "the right to write"),
    "the commit fails": ({"fault": "commit"}, "hf://me/p3", "fault of its own"),
    "no address": ({}, "hf://p4", "write hf://OWNER/NAME"),
    "too large": ({"status": 413}, "hf://me/p5", "too large"),
}


@pytest.mark.parametrize("case", PUSH_FAULTS)
def test_a_push_that_fails_changes_nothing_and_says_why(
    client: Client, hub: StandIn, data: bytes, tmp_path: Path, case: str
) -> None:
    options, address, message = PUSH_FAULTS[case]
    (tmp_path / "shoes.onnx").write_bytes(data)
    name = address.removeprefix("hf://")
    hub.repositories[name] = Repository({}, **options)  # type: ignore[arg-type]
    answer = client.ask("push", str(tmp_path / "shoes.onnx"), address, False)
    assert answer["error"] == "HubError", answer
    assert message in answer["message"]
    assert hub.repositories[name].files == {}


def test_without_an_address_no_hub_is_asked(client: Client, hub: StandIn) -> None:
    before = {name: len(repository.asked) for name, repository in hub.repositories.items()}
    assert len(client.ask("load", "general")["fingerprint"]) == 64
    assert "no such model file" in client.ask("load", "me/shoes")["message"]
    assert "addresses are not fetched" in client.ask("load", "https://host/model.onnx")["message"]
    assert {name: len(repository.asked) for name, repository in hub.repositories.items()} == before
