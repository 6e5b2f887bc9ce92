"""Cutting any network of timm in two, by watching what it runs, where its parts cannot simply be applied in turn.

A transformer adds positions to its tokens between two modules, so its modules in a row are not the network. So the
network itself runs, both times. For the features the output of the last frozen module is taken, and of those before it
from which there is a way around it. Behind the features it runs again, with stand-ins for all that is frozen: they
compute nothing, and those whose output was taken give it. That this is the same network is made sure of with numbers,
before anything else is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from samekind.errors import TrainingError, first_line
from samekind.training.network.packing import (
    Form,
    Shape,
    filled,
    form_of,
    packed,
    shapes_of,
    tensors_of,
    total_of,
    unpacked,
)

# Of the largest value: rounding, in another order.
_NEAR = 1e-4
# Modules whose outputs are kept, at most: a network that needs more of what is frozen is hardly cut at all.
_MOST_TAKEN = 4


def stage_names(backbone: Any) -> list[str]:
    """The modules behind which a network can be cut, first to last: what timm says its features come from.

    Raises:
        TrainingError: timm says nothing of it.
    """
    known = getattr(backbone, "feature_info", None)
    named = [str(info["module"]) for info in getattr(known, "info", known) or () if info.get("module")]
    modules = dict(backbone.named_modules())
    # Some name their stages as they are within the one module that holds them all.
    within = [name if name in modules else next((m for m in modules if m.endswith(f".{name}")), "") for name in named]
    names = [name for name in dict.fromkeys(within) if name]
    for container in ("blocks", "stages", "layers"):
        if not names and isinstance(getattr(backbone, container, None), nn.Sequential | nn.ModuleList):
            names = [f"{container}.{number}" for number in range(len(getattr(backbone, container)))]
    if not names:
        raise TrainingError("timm does not say where its stages are")
    return names


def too_many_stages(asked: object, there: int) -> str:
    """What is said where a network has fewer stages than are to stay as they are."""
    return f"has {there} stages; freezing.stages cannot be {asked}; half of them: --set freezing.stages={there // 2}"


def cut_behind(backbone: Any, stages: int, size: int) -> tuple[list[nn.Module], list[nn.Module]]:
    """As ``backbone.cut``, for any network.

    Args:
        backbone: As ``create_backbone`` gives it.
        stages: How many stages to cut off, at least one.
        size: The side of the images that it takes, in pixels.

    Raises:
        TrainingError: It has fewer, or what lies behind them needs more than their output.
    """
    names = [_that_runs(backbone, name) for name in stage_names(backbone)]
    if stages > len(names):
        raise TrainingError(too_many_stages(stages, len(names)))
    last = names[stages - 1]
    was_training = backbone.training
    backbone.eval()  # so that no batch statistics move and nothing is random
    try:
        images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            skipped, whole = _watched(backbone, last, images)
        first, rest, features, found = _cut(backbone, skipped, last, images)
        with torch.no_grad():
            turned = rest(features.flip(0))
        with torch.enable_grad():  # also where the caller wants no gradients
            first.alone = _needed(backbone, first(images)) - _needed(backbone, rest(features.detach()))
    except TrainingError:
        raise
    except Exception as error:  # whatever a network raises that is not run as it was made to be
        reason = first_line(error)
        raise TrainingError(f"cannot go on behind {last} ({reason})") from error
    finally:
        backbone.train(was_training)
    if not (_near(found, whole) and _near(turned, whole, turned=True)):
        raise TrainingError(f"what lies behind {last} needs more than its output")
    return [first], [rest]


def _cut(backbone: Any, skipped: dict[str, Form], last: str, images: Tensor) -> tuple[_Until, Behind, Tensor, Any]:
    """The two parts, and what each gives for the images.

    What lies behind the last frozen module has its output, and others' where it needs them.
    """
    taken = [last]
    while True:
        first = _Until(backbone, skipped, taken)
        rest = Behind(backbone, skipped, taken, images.shape[-1])
        with torch.no_grad():
            features = first(images)
            try:
                found = rest(features)
            except RuntimeError:  # some write into what they are given
                rest = Behind(backbone, skipped, taken, images.shape[-1], writable=True)
                found = rest(features)
        with torch.enable_grad():
            others = rest.leans_on(features)
        if not others:
            return first, rest, features, found
        if len(taken) + len(others) > _MOST_TAKEN:
            raise TrainingError(f"what lies behind {last} needs {others[0]} as well")
        taken = [*others, *taken]


def _that_runs(backbone: Any, name: str) -> str:
    """A stage that is a list of modules never runs itself; its last module does."""
    while isinstance(module := backbone.get_submodule(name), nn.ModuleList) and len(module):
        name = f"{name}.{len(module) - 1}"
    return name


def _near(found: Any, whole: Any, *, turned: bool = False) -> bool:
    """Whether two outputs are the same but for rounding; ``turned`` has the images of the first in reverse."""
    both = list(zip(tensors_of(found), tensors_of(whole), strict=True))
    return all(
        one.shape == other.shape
        and bool((one - (other.flip(0) if turned else other)).abs().max() <= _NEAR * other.abs().max())
        for one, other in both
    )


def _needed(backbone: Any, output: Any) -> set[str]:
    """The names of the parameters that an output depends on."""
    total = total_of(output)
    if not total.requires_grad:
        return set()
    named = {name: weight for name, weight in backbone.named_parameters() if weight.requires_grad}
    gradients = torch.autograd.grad(total, list(named.values()), allow_unused=True)
    return {name for name, gradient in zip(named, gradients, strict=True) if gradient is not None}


@dataclass(frozen=True)
class _Seen:
    """A module's run: when it began and ended, and the form of what it gave."""

    began: int
    ended: int
    form: Form | None


def _watched(backbone: Any, last: str, images: Tensor) -> tuple[dict[str, Form], Any]:
    """The modules that are done once the last frozen one is, the largest, and the forms of what they give."""
    seen: dict[str, _Seen] = {}
    clock = 0

    def begin(name: str) -> Any:
        def hook(*_: Any) -> None:
            nonlocal clock
            clock += 1
            if name in seen:
                again.add(name)
            seen[name] = _Seen(clock, 0, None)

        return hook

    def end(name: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            nonlocal clock
            clock += 1
            form = form_of(output, len(images))
            seen[name] = _Seen(seen[name].began, clock, form if any(shapes_of(form)) else None)

        return hook

    again: set[str] = set()
    with ExitStack() as hooks:
        for name, module in backbone.named_modules():
            if name:
                hooks.callback(module.register_forward_pre_hook(begin(name)).remove)
                hooks.callback(module.register_forward_hook(end(name)).remove)
        whole = backbone.forward_features(images)
    if last not in seen or last in again or seen[last].form is None:
        raise TrainingError(f"{last} does not run once and give values for each image")
    before = {
        name: run.form
        for name, run in seen.items()
        if run.form is not None and 0 < run.ended <= seen[last].ended and name not in again
    }
    # Whoever contains another stands in for it; the last one is named by the features themselves.
    largest = {
        name: form
        for name, form in before.items()
        if not any(name.startswith(f"{other}.") for other in before) and not last.startswith(f"{name}.")
    }
    return largest | {last: before[last]}, whole


def _form_taken(forms: dict[str, Form], taken: list[str]) -> Form:
    """The form of the outputs of one module or of several."""
    return tuple(forms[name] for name in taken) if len(taken) > 1 else forms[taken[0]]


class _Until(nn.Module):
    """Images (N, 3, S, S) to the outputs of some frozen modules, packed. What it runs is registered elsewhere.

    Attributes:
        alone: The names of parameters that nothing behind it needs, also those of no module, such as positions.
    """

    def __init__(self, backbone: Any, frozen: dict[str, Form], taken: list[str]) -> None:
        super().__init__()
        self._network, self._frozen, self._taken = (backbone,), frozen, taken
        self.alone: set[str] = set()

    def forward(self, images: Tensor) -> Tensor:
        found: dict[str, Any] = {}
        (network,) = self._network
        with ExitStack() as hooks:
            for name in self._taken:

                def keep(_: nn.Module, __: Any, output: Any, name: str = name) -> None:
                    found[name] = output

                hooks.callback(network.get_submodule(name).register_forward_hook(keep).remove)
            network.forward_features(images)
        outputs = tuple(found[name] for name in self._taken)
        return packed(outputs if len(outputs) > 1 else outputs[0], _form_taken(self._frozen, self._taken))

    def requires_grad_(self, requires_grad: bool = True) -> _Until:
        (network,) = self._network
        for name in self.alone:
            network.get_parameter(name).requires_grad_(requires_grad)
        return self

    def train(self, mode: bool = True) -> _Until:
        for module in self._modules_within():
            module.train(mode)
        self.training = mode
        return self

    def _modules_within(self) -> Iterator[nn.Module]:
        (network,) = self._network
        yield from (network.get_submodule(name) for name in self._frozen)


class Behind(nn.Module):
    """The outputs of some frozen modules to that of the whole backbone."""

    def __init__(
        self, backbone: Any, skipped: dict[str, Form], taken: list[str], size: int, *, writable: bool = False
    ) -> None:
        super().__init__()
        self._network, self._skipped, self._writable = (backbone,), skipped, writable
        self._taken, self._images = taken, (3, size, size)

    def forward(self, features: Tensor) -> Any:
        """(N, ...) in; what ``forward_features`` gives out: a tensor, or of some networks several."""
        (network,) = self._network
        with self._stand_ins(network, self._nothing(features), features):
            # Nothing looks at these pixels.
            return network.forward_features(features.new_zeros(1).expand(len(features), *self._images))

    def leans_on(self, features: Tensor) -> list[str]:
        """The other frozen modules whose outputs matter all the same: there is a way around the features.

        By the graph of gradients rather than by numbers, which a weight of zero would hide.
        """
        (network,) = self._network
        nothing = {
            name: [value.clone().requires_grad_() for value in values]
            for name, values in self._nothing(features).items()
        }
        given = {name: [value.clone() for value in values] for name, values in nothing.items()}  # may be written into
        with self._stand_ins(network, given, features):
            found = total_of(network.forward_features(features.new_zeros(1).expand(len(features), *self._images)))
        if not nothing or not found.requires_grad:
            return []
        named = [(name, value) for name, values in nothing.items() for value in values]
        gradients = torch.autograd.grad(found, [value for _, value in named], allow_unused=True)
        return [name for (name, _), gradient in zip(named, gradients, strict=True) if gradient is not None]

    def _nothing(self, features: Tensor) -> dict[str, list[Tensor]]:
        return {
            name: [self._zeros(features, shape) for shape in shapes_of(form)]
            for name, form in self._skipped.items()
            if name not in self._taken
        }

    def _zeros(self, features: Tensor, shape: Shape) -> Tensor:
        sides = (len(features) * max(1, shape.rows), *shape.sides)
        return features.new_zeros(sides) if self._writable else features.new_zeros(1).expand(sides)

    @contextmanager
    def _stand_ins(self, network: Any, nothing: dict[str, list[Tensor]], features: Tensor) -> Iterator[None]:
        modules = {name: network.get_submodule(name) for name in self._skipped}
        outputs = {name: filled(self._skipped[name], values) for name, values in nothing.items()}
        given = unpacked(features, _form_taken(self._skipped, self._taken))
        outputs |= zip(self._taken, given, strict=True) if len(self._taken) > 1 else [(self._taken[0], given)]
        try:
            for name, module in modules.items():
                module.forward = lambda *_, given=outputs[name], **__: given
            yield
        finally:
            for module in modules.values():
                del module.forward
