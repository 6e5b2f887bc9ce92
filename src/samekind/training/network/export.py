"""A trained network to ONNX: half the bytes, names kept, checked against torch."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import onnxscript.optimizer
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from samekind.errors import TrainingError, first_cause, first_line
from samekind.images import Pixels, load_image
from samekind.inference.encoder import open_session
from samekind.training.network.siamese import SiameseNetwork

# Below this many values a tensor saves nothing by being stored in 16 bits (norms, biases).
_SMALL = 2048
# The most that an embedding (unit length) may differ between torch and ONNX Runtime, in any dimension.
PARITY_TOLERANCE = 1e-3
_PARITY_IMAGES = 16
_OPSET = 18

Part = Literal["whole", "features"]


class _Features(nn.Module):
    def __init__(self, network: SiameseNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network.features(images)


def export_onnx(network: SiameseNetwork, input_size: int, part: Part = "whole") -> onnx.ModelProto:
    """Trace a network for ONNX Runtime: uint8 (N, S, S, 3) in, embeddings (or the frozen stages' features) out.

    Batch norms are not folded into the convolutions, so that each initialiser keeps its parameter's name and training
    can start again from the file; ONNX Runtime folds them when it loads it.
    """
    traced = copy.deepcopy(network).cpu().eval()
    whole = part == "whole"
    return trace(traced if whole else _Features(traced), input_size, "embeddings" if whole else "features")


def refuse_unexportable(network: SiameseNetwork, input_size: int) -> None:
    """Make sure that a network can become a model file, before it is trained.

    Raises:
        TrainingError: torch cannot export it.
    """
    try:
        export_onnx(network, input_size)
    except TrainingError as error:
        raise TrainingError(f"{error}, so no model file could be made of it; use another network.backbone") from error


def trace(module: nn.Module, input_size: int, output: str, *, batch: int | None = None) -> onnx.ModelProto:
    """Trace a module that takes uint8 (N, S, S, 3).

    Args:
        module: On the CPU, in evaluation mode.
        input_size: S, pixels.
        output: The name of what it gives.
        batch: The N that the graph always takes; None for any.

    Raises:
        TrainingError: torch cannot export it.
    """
    images = torch.zeros((batch or 2, input_size, input_size, 3), dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    # Attention as its formula: of torch's fused one not every layout of values (BEiT's, Hiera's) can be exported.
    part: Any
    for part in module.modules():
        if getattr(part, "fused_attn", False):  # timm's
            part.fused_attn = False
    with warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):
        warnings.simplefilter("ignore")  # deprecations inside the exporter are its own affair
        try:
            program = torch.onnx.export(
                module,
                (images,),
                dynamo=True,
                optimize=False,  # it would fold the batch norms
                input_names=["images"],
                output_names=[output],
                dynamic_shapes={"images": {} if batch else {0: torch.export.Dim("n")}},
                opset_version=_OPSET,
                verbose=False,
            )
        except Exception as error:  # torch raises almost anything for what it cannot trace
            reason = first_line(first_cause(error))
            raise TrainingError(f"torch could not export the network to ONNX ({reason})") from error
    if program is None:
        raise TrainingError("torch could not export the network to ONNX")
    model: onnx.ModelProto = program.model_proto
    # The exporter writes the zero bias of each convolution as a sum of shapes; make them constants.
    onnxscript.optimizer.fold_constants(model)
    onnxscript.optimizer.remove_unused_nodes(model)
    for node in model.graph.node:
        node.ClearField("metadata_props")  # stack traces of the exporting machine
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        value.ClearField("metadata_props")
    return model


def round_to_float16(network: SiameseNetwork) -> None:
    """Round the weights that the file will hold in 16 bits, so that what is checked and calibrated is what ships.

    Raises:
        TrainingError: A weight is beyond the range of float16.
    """
    for name, parameter in network.named_parameters():
        if parameter.numel() >= _SMALL:
            rounded = parameter.data.half().float()
            if not rounded.isfinite().all():
                raise TrainingError(f"{name}: too large for float16; the training has diverged")
            parameter.data.copy_(rounded)


def store_as_float16(model: onnx.ModelProto) -> None:
    """Store the large initialisers in 16 bits, each with a Cast behind it that ONNX Runtime folds at load."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _SMALL:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name))
        for node in graph.node:
            node.input[:] = [f"{name}.float32" if given == name else given for given in node.input]
        casts.append(helper.make_node("Cast", [name], [f"{name}.float32"], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def export_checked(network: SiameseNetwork, paths: Sequence[Path], input_size: int) -> bytes:
    """Export a network for its model file, and compare the file with the network on real images.

    Args:
        network: Trained; its large weights are rounded in place to what the file holds.
        paths: Images, of which a few are taken.
        input_size: S, pixels.

    Returns:
        The serialized ONNX model.

    Raises:
        TrainingError: torch and ONNX Runtime disagree, or a weight is beyond the range of float16.
    """
    round_to_float16(network)
    model = export_onnx(network, input_size)
    store_as_float16(model)
    onnx_model: bytes = model.SerializeToString()
    some = paths[:: max(1, len(paths) // _PARITY_IMAGES)]
    difference = parity(network, onnx_model, np.stack([load_image(path, input_size) for path in some]))
    if not difference <= PARITY_TOLERANCE:
        raise TrainingError(
            f"the exported network's embeddings differ from torch's by {difference:.2g} "
            f"(at most {PARITY_TOLERANCE:g} is allowed); no model file was written"
        )
    return onnx_model


def parity(network: SiameseNetwork, onnx_model: bytes, pixels: Pixels) -> float:
    """The largest difference between torch's and ONNX Runtime's embeddings of real images.

    Args:
        network: The network whose export is checked.
        onnx_model: The serialized export, as it will be shipped.
        pixels: uint8 (N, S, S, 3).
    """
    with torch.no_grad():
        expected: NDArray[np.float32] = copy.deepcopy(network).cpu().eval()(torch.from_numpy(pixels)).numpy()
    session = open_session(onnx_model, "the exported network")
    (actual,) = session.run(None, {"images": pixels})
    return float(np.abs(actual - expected).max())
