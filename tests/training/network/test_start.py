import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors.torch import save_file

from samekind.errors import TrainingError
from samekind.training.network.siamese import SiameseNetwork
from samekind.training.network.start import initialise
from samekind.training.recipe import read_recipe


def make_network() -> SiameseNetwork:
    return SiameseNetwork("tf_efficientnet_b0", 8, frozen_stages=5)


def test_a_backbone_file_is_loaded_by_timms_names(tmp_path: Path) -> None:
    source = make_network().backbone.state_dict()
    save_file(source, tmp_path / "weights.safetensors")
    network = make_network()
    weights = initialise(network, str(tmp_path / "weights.safetensors"))
    assert all(torch.equal(value, source[name]) for name, value in network.backbone.state_dict().items())
    assert weights.fresh == {"head.weight"}
    assert weights.pretraining == "unknown: whatever weights.safetensors was trained on"


def test_norms_behind_missing_layers_start_anew(tmp_path: Path) -> None:
    weights = {name: torch.ones_like(value) * 3 for name, value in make_network().backbone.state_dict().items()}
    del weights["conv_head.weight"], weights["blocks.6.0.conv_pwl.weight"]
    save_file(weights, tmp_path / "trunk.safetensors")
    network = make_network()
    fresh = initialise(network, str(tmp_path / "trunk.safetensors")).fresh
    missing = {"conv_head.weight", "bn2.weight", "bn2.bias"}
    missing |= {f"blocks.6.0.{name}" for name in ("conv_pwl.weight", "bn3.weight", "bn3.bias")}
    assert fresh == {f"backbone.{name}" for name in missing} | {"head.weight"}
    assert (network.backbone.bn2.running_mean == 0).all()
    assert (network.backbone.blocks[6][0].bn3.running_var == 1).all()
    assert (network.backbone.blocks[6][0].bn2.running_mean == 3).all()


def test_the_shared_trunk_lacks_just_the_layers_that_its_readme_names(shared: Path) -> None:
    weights = shared / "weights" / "tf_efficientnet_b0-imagenet-trunk.safetensors"
    found = initialise(make_network(), str(weights))
    assert {name for name in found.fresh if "conv" in name} == {
        "backbone.blocks.6.0.conv_pwl.weight",
        "backbone.conv_head.weight",
    }
    assert "ImageNet" in found.pretraining


def test_position_embeddings_of_another_size_are_resampled(tmp_path: Path) -> None:
    save_file(SiameseNetwork("test_vit", 8, 0).backbone.state_dict(), tmp_path / "weights.safetensors")
    network = SiameseNetwork("test_vit", 8, 0, input_size=96)
    before = network.backbone.pos_embed.clone()
    assert initialise(network, str(tmp_path / "weights.safetensors")).fresh == {"head.weight"}
    assert network.backbone.pos_embed.shape == before.shape
    assert not torch.equal(network.backbone.pos_embed, before)


@pytest.mark.parametrize("features", ["last", "expanded"])
def test_bundled_weights_are_the_pretrained_trunk(shared: Path, features: Literal["last", "expanded"]) -> None:
    weights = shared / "weights" / "tf_efficientnet_b0-imagenet-trunk.safetensors"
    wanted, network = (SiameseNetwork("tf_efficientnet_b0", 8, 5, features=features) for _ in range(2))
    trunk, bundled = initialise(wanted, str(weights)), initialise(network, "bundled")
    assert (bundled.fresh, bundled.pretraining) == (trunk.fresh, trunk.pretraining)
    assert bundled.licence.startswith("Apache-2.0")
    expected, found = wanted.state_dict(), network.state_dict()
    for name in set(expected) - trunk.fresh:
        # Rounded to float16 in the model file.
        assert torch.allclose(found[name].float(), expected[name].float(), rtol=1e-3, atol=1e-6), name


def test_bundled_goes_on_from_the_shipped_head_where_it_fits() -> None:
    network = SiameseNetwork.of(read_recipe("general"))
    weights = initialise(network, "bundled")
    assert not weights.fresh
    assert "then as general: " in weights.pretraining
    other = SiameseNetwork.of(read_recipe("general", ["network.dimension=64"]))
    assert initialise(other, "bundled").fresh == {"head.weight", "head.bias"}


def test_layers_that_are_missing_are_not_frozen_as_noise() -> None:
    message = r"bundled: lacks backbone\.blocks\.6\..*freezing\.stages=7 would keep as noise; .*freezing\.stages=6"
    with pytest.raises(TrainingError, match=message):
        initialise(SiameseNetwork("tf_efficientnet_b0", 8, frozen_stages=7), "bundled")
    initialise(SiameseNetwork("tf_efficientnet_b0", 8, frozen_stages=6), "bundled")


def test_bundled_weights_are_of_one_backbone() -> None:
    with pytest.raises(TrainingError, match="is for tf_efficientnet_b0 only, not for resnet18; use --init imagenet"):
        initialise(SiameseNetwork("resnet18", 8, frozen_stages=0), "bundled")


def test_scratch_leaves_everything_fresh() -> None:
    network = make_network()
    weights = initialise(network, "scratch")
    assert weights.fresh == {name for name, _ in network.named_parameters()}
    assert weights.pretraining.startswith("nothing")


def test_files_that_cannot_serve_are_refused_by_name(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"not safetensors")
    save_file({"foreign": torch.ones(1)}, tmp_path / "foreign.safetensors")
    save_file({"conv_stem.weight": torch.ones(1)}, tmp_path / "shape.safetensors")
    for name, message in [
        ("missing.safetensors", "no such file"),
        ("broken.safetensors", "not a readable"),
        ("foreign.safetensors", "holds no weights"),
        ("shape.safetensors", "conv_stem.weight"),
        ("missing.onnx", "no such model"),
    ]:
        with pytest.raises(TrainingError, match=message) as error:
            initialise(make_network(), str(tmp_path / name))
        assert name in str(error.value)
    with pytest.raises(TrainingError, match="does not fit"):
        initialise(make_network(), str(tiny_model))


# The hub's protocol as far as timm's client needs it: a HEAD with the file's tag and commit, then a GET.
_HUB = """
import http.server, pathlib, sys, threading

class Hub(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        if not self.path.endswith("/model.safetensors"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("ETag", '"tag"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(WEIGHTS)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(WEIGHTS)
    do_GET = do_HEAD
    def log_message(self, *_): pass

WEIGHTS = pathlib.Path(sys.argv[1]).read_bytes()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=server.serve_forever, daemon=True).start()
import os
os.environ.pop("HF_HUB_OFFLINE", None)  # the page sets it for its process, and so for tests after its own
os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
os.environ["HF_HUB_CACHE"] = sys.argv[2]
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_ETAG_TIMEOUT"] = os.environ["HF_HUB_DOWNLOAD_TIMEOUT"] = "120"  # a busy machine answers late
"""


def _initialise_from_hub(weights: Path, folder: Path, prelude: str) -> subprocess.CompletedProcess[str]:
    script = prelude + textwrap.dedent("""
        from samekind.errors import TrainingError
        from samekind.training.network.start import initialise
        from samekind.training.network.siamese import SiameseNetwork
        network = SiameseNetwork("tf_efficientnet_b0", 8, frozen_stages=5)
        try:
            weights = initialise(network, "imagenet")
        except TrainingError as error:
            print("refused:", error)
        else:
            print(sorted(weights.fresh), float(network.backbone.conv_stem.weight.mean()), weights)
    """)
    command = [sys.executable, "-c", script, str(weights), str(folder / "cache")]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_pretrained_weights_come_from_the_hub(tmp_path: Path) -> None:
    import timm

    whole = timm.create_model("tf_efficientnet_b0").state_dict()
    whole["conv_stem.weight"] = torch.full_like(whole["conv_stem.weight"], 0.25)
    save_file(whole, tmp_path / "weights.safetensors")
    result = _initialise_from_hub(tmp_path / "weights.safetensors", tmp_path, _HUB)
    assert "['head.weight'] 0.25 " in result.stdout, result.stdout + result.stderr
    assert "pretraining='ImageNet-1k with labels (tf_efficientnet_b0.aa_in1k), " in result.stdout
    assert "tag='tf_efficientnet_b0.aa_in1k', licence='apache-2.0'" in result.stdout


def test_without_a_hub_the_remedy_is_named(tmp_path: Path) -> None:
    offline = "import os; os.environ['HF_HUB_OFFLINE'] = '1'; os.environ['HF_HUB_CACHE'] = '/nonexistent'\n"
    result = _initialise_from_hub(tmp_path / "none", tmp_path, offline)
    assert "refused: the pretrained weights tf_efficientnet_b0.aa_in1k could not be downloaded" in result.stdout
    assert "--init bundled works, whose weights come with samekind" in result.stdout
    assert "--init WEIGHTS.safetensors" in result.stdout
