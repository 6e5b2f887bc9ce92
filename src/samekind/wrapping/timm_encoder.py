"""An encoder of timm's with its own preprocessing and pooling, exported to ONNX (extra ``wrap``)."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samekind.errors import MissingExtraError, TrainingError, WrapError, first_line
from samekind.images import Pixels, Resize
from samekind.wrapping.form import Floats, InputForm, OutputForm, Pool

if TYPE_CHECKING:
    from torch import Tensor, nn

_EXTRA = ("torch", "timm", "safetensors", "onnx", "onnxscript")
RANDOM = "random"
# timm's names of the poolings of its token networks.
_POOLS = {"cls": "token", "mean": "avg", "patches": "avg"}


@dataclass(frozen=True)
class TimmEncoder:
    """A network of timm's without its classifier.

    Attributes:
        name: As a person gave it, for messages.
        architecture: timm's name of the architecture.
        tag: timm's full name of the weights; empty for those of a file.
        module: Takes uint8 (N, S, S, 3), gives unit rows.
        size: S, pixels.
        resize: How its images become square.
        shown: The share of each side that it is shown.
        source: Where the weights come from.
        revision: The commit of the hub, or the SHA-256 of a file.
        licence: Of the weights, as timm states it.
        past: What they had seen, in words.
        recipe: What else the card keeps.
    """

    name: str
    architecture: str
    tag: str
    module: nn.Module
    size: int
    resize: Resize
    shown: float
    source: str
    revision: str
    licence: str
    past: str
    recipe: dict[str, Any]

    @classmethod
    def create(
        cls, name: str, init: str | os.PathLike[str] | None = None, pool: Pool | None = None, size: int | None = None
    ) -> TimmEncoder:
        """Make the network and load its weights.

        Args:
            name: timm's, with a tag or without.
            init: A .safetensors file, ``random``, or None for timm's pretrained weights, downloaded on first use.
            pool: ``cls``, ``mean``, ``patches`` or ``cls+patches``; None is timm's own.
            size: S; None is timm's own.

        Raises:
            MissingExtraError: A library of the extra ``wrap`` is not installed.
            WrapError: There is no such network, its weights cannot be had or do not fit, or it cannot be used so.
        """
        for module in _EXTRA:
            if find_spec(module) is None:
                raise MissingExtraError("wrap", module)
        import timm  # noqa: PLC0415 - an extra
        import torch  # noqa: PLC0415 - an extra
        from timm.data.config import resolve_model_data_config  # noqa: PLC0415 - an extra

        architecture, _, tag = name.partition(".")
        if not timm.is_model(architecture):
            close = timm.list_models(f"*{architecture.rpartition('_')[2]}*")[:3]
            raise WrapError(f"timm has no network {architecture!r}{'; it has ' + ', '.join(close) if close else ''}")
        torch.manual_seed(0)
        network = _create(name, init, _options(architecture, pool, size))
        config: dict[str, Any] = resolve_model_data_config(network)  # type: ignore[no-untyped-call] # timm's
        known = network.pretrained_cfg
        side = size or int(config["input_size"][1])
        encoder = _Encoder(network, config["mean"], config["std"], pool).eval()
        source, revision = _weights(name, init, known)
        pretrained = init is None
        return cls(
            name=f"timm:{name}",
            architecture=architecture,
            tag=f"{architecture}.{tag or known.get('tag', '')}".rstrip(".") if pretrained else "",
            module=encoder,
            size=side,
            resize="squash" if config.get("crop_mode") == "squash" else "crop",
            shown=min(1.0, float(config.get("crop_pct") or 1.0)),
            source=source,
            revision=revision,
            licence=str(known.get("license") or "not stated") if pretrained else "not stated",
            past=_past(architecture, tag or str(known.get("tag") or ""), init),
            recipe={"timm": timm.__version__, "mean": list(config["mean"]), "std": list(config["std"]),
                    "interpolation": config.get("interpolation", ""), "pool": pool or "timm's own"},
        )  # fmt: skip

    def embed(self, pixels: Pixels) -> Floats:
        """The embeddings in torch: uint8 (N, S, S, 3) in; float32 (N, D), unit rows, out."""
        import numpy as np  # noqa: PLC0415 - beside torch
        import torch  # noqa: PLC0415 - an extra

        try:
            with torch.no_grad():
                rows = [self.module(torch.from_numpy(picture[None])).numpy() for picture in pixels]
        except Exception as error:  # torch raises almost anything for a shape that does not fit
            raise WrapError(
                f"{self.name}: cannot run on pictures of {self.size} pixels ({first_line(error)})"
            ) from error
        return np.concatenate(rows)

    def export(self, *, one_by_one: bool = False) -> bytes:
        """The network as ONNX.

        Args:
            one_by_one: Export it for one image, and run it image after image.

        Raises:
            TrainingError: torch cannot export it so.
            WrapError: It is over 2 GB.
        """
        from samekind.model_file.onnx_envelope import OnnxEnvelope  # noqa: PLC0415 - beside torch
        from samekind.training.network.export import trace  # noqa: PLC0415 - an extra
        from samekind.wrapping.folding import fold_around  # noqa: PLC0415 - beside torch

        output = "embedding" if one_by_one else "embeddings"
        model = trace(self.module, self.size, output, batch=1 if one_by_one else None)
        try:
            data = bytes(model.SerializeToString())
        except ValueError as error:  # protobuf's
            raise WrapError(f"{self.name}: over 2 GB, which an ONNX file cannot hold") from error
        if not one_by_one:
            return data
        envelope = OnnxEnvelope(data, self.name)
        takes = InputForm("images", self.size, "nhwc", "uint8", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        gives = OutputForm(output, 2, "none", 0, half=False)
        return fold_around(envelope, envelope.graph(), takes, gives, self._dimension(), one_by_one=True)

    def _dimension(self) -> int:
        import numpy as np  # noqa: PLC0415 - beside torch

        return int(self.embed(np.zeros((1, self.size, self.size, 3), np.uint8)).shape[1])


def _create(name: str, init: str | os.PathLike[str] | None, options: dict[str, Any]) -> Any:
    import timm  # noqa: PLC0415 - an extra

    from samekind.training.run.preflight import refuse_unreachable_hub  # noqa: PLC0415 - an extra

    if init is None:
        try:
            refuse_unreachable_hub(name.partition(".")[0])
        except TrainingError as error:
            raise WrapError(str(error)) from error
    try:
        network = timm.create_model(name, pretrained=init is None, num_classes=0, **options)
    except Exception as error:  # the hub's client, timm and torch raise almost anything
        remedy = "; give a file: --init WEIGHTS.safetensors" if init is None else ""
        raise WrapError(f"timm:{name}: cannot be made ({first_line(error)}){remedy}") from error
    if init is not None and os.fspath(init) != RANDOM:
        _load(network, Path(init))
    return network


def _options(architecture: str, pool: Pool | None, size: int | None) -> dict[str, Any]:
    """What timm is to make otherwise than it would."""
    from samekind.training.network.backbone import size_options  # noqa: PLC0415 - an extra

    pooled = {"global_pool": _POOLS[pool]} if pool in _POOLS else {}
    return pooled | size_options(architecture, size)


def _load(network: Any, path: Path) -> None:
    from safetensors import SafetensorError  # noqa: PLC0415 - an extra
    from safetensors.torch import load_file  # noqa: PLC0415 - an extra

    from samekind.training.network.resampling import for_its_size  # noqa: PLC0415 - an extra

    try:
        weights = for_its_size(load_file(path), network)
    except FileNotFoundError:
        raise WrapError(f"{path}: no such file") from None
    except (OSError, SafetensorError) as error:
        raise WrapError(f"{path}: not a readable safetensors file ({first_line(error)})") from error
    own = network.state_dict()
    for name, tensor in weights.items():
        if name in own and own[name].shape != tensor.shape:
            raise WrapError(f"{path}: {name} is {tuple(tensor.shape)}, not {tuple(own[name].shape)}")
    if missing := sorted(name for name in own if name not in weights and not name.endswith("num_batches_tracked")):
        raise WrapError(f"{path}: lacks {len(missing)} weights of this network, such as {missing[0]}")
    network.load_state_dict({name: tensor for name, tensor in weights.items() if name in own}, strict=False)


def _weights(name: str, init: str | os.PathLike[str] | None, known: dict[str, Any]) -> tuple[str, str]:
    """Where the weights come from, and which state of that it is."""
    if init is not None:
        if os.fspath(init) == RANDOM:
            return f"timm:{name} with random weights", ""
        return f"timm:{name} with {Path(init).name}", hashlib.sha256(Path(init).read_bytes()).hexdigest()
    from huggingface_hub import constants  # noqa: PLC0415 - comes with timm

    repository = str(known.get("hf_hub_id") or "")
    reference = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}" / "refs" / "main"
    try:
        return f"timm:{name}", reference.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return f"timm:{name}", ""


def _past(architecture: str, tag: str, init: str | os.PathLike[str] | None) -> str:
    from samekind.training.network.pretrained import past_of  # noqa: PLC0415 - an extra

    if init is None:
        return past_of(f"{architecture}.{tag}")
    return "nothing: random weights" if os.fspath(init) == RANDOM else f"not stated; the weights of {Path(init).name}"


def _Encoder(network: Any, mean: Any, std: Any, pool: Pool | None) -> nn.Module:  # noqa: N802 - makes a class's object
    """A module of pixels to unit rows; a function, so that torch is imported when it is called."""
    import torch  # noqa: PLC0415 - an extra
    from torch import nn  # noqa: PLC0415 - an extra

    def unit(x: Tensor) -> Tensor:
        divided: Tensor = x / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(1e-12)
        return divided

    class Encoder(nn.Module):
        pixel_mean: Tensor
        pixel_std: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.register_buffer("pixel_mean", 255.0 * torch.tensor(mean))
            self.register_buffer("pixel_std", 255.0 * torch.tensor(std))

        def forward(self, images: Tensor) -> Tensor:
            x = ((images.float() - self.pixel_mean) / self.pixel_std).permute(0, 3, 1, 2)
            if pool == "cls+patches":
                tokens = self.network.forward_features(x)
                first = int(getattr(self.network, "num_prefix_tokens", 1))
                return unit(torch.cat([unit(tokens[:, 0]), unit(tokens[:, first:].mean(dim=1))], dim=1))
            return unit(self.network(x).flatten(1))

    return Encoder()
