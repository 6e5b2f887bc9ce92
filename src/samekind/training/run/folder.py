"""The folder of a run: every file in it, by name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from samekind.errors import TrainingError
from samekind.system.atomic import replacing
from samekind.system.paths import relative_path
from samekind.training.recipe import show_recipe
from samekind.training.run.settings import RunSettings


class RunFolder:
    """The files of a run. No other module knows their names.

    Args:
        path: The folder; it need not be there.

    Attributes:
        settings: What the run was started with; it makes the folder a run's.
        recipe: Its recipe once more, as TOML.
        environment: What it ran on.
        split: The images of each part, as a manifest from which the run can be repeated.
        digest: SHA-256 of these images: with others the run does not go on.
        items: The listed pairs or triplets, indices into the training images of ``split``.
        held_out_items: Answered pairs that are held out, indices into the held-out images of ``split``.
        features: The folder of the cached features, while there are any.
        ready: Says to the processes that are not the first that the split and the cache are there.
        last: The last checkpoint.
        best: The checkpoint of the best epoch.
        network: The trained weights.
        logs: The folder of the loggers.
        metrics: The loss of each logged step and the held-out error rate of each epoch, as CSV.
        curves: The same as a picture.
        model: A copy of the model file.
        summary: What was found at the end, in words.

    Example:
        >>> RunFolder("runs/photos").last.as_posix()
        'runs/photos/checkpoints/last.ckpt'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.settings = self.path / "run.json"
        self.recipe = self.path / "recipe.toml"
        self.environment = self.path / "environment.json"
        self.split = self.path / "split.csv"
        self.digest = self.path / "images.sha256"
        self.items = self.path / "items.npy"
        self.held_out_items = self.path / "held-out-items.npy"
        self.features = self.path / "features"
        self.ready = self.path / "ready"
        self.last = self.path / "checkpoints" / "last.ckpt"
        self.best = self.last.with_stem("best")
        self.network = self.path / "network.safetensors"
        self.logs = self.path / "logs"
        self.metrics = self.logs / "metrics.csv"
        self.curves = self.path / "curves.png"
        self.model = self.path / "model.onnx"
        self.summary = self.path / "summary.txt"

    def __str__(self) -> str:
        return str(self.path)

    @property
    def has_begun(self) -> bool:
        """Whether a run has begun here."""
        return self.settings.exists()

    def refuse_run(self) -> None:
        """Make sure that no run has begun here.

        Raises:
            TrainingError: One has.
        """
        if self.has_begun:
            raise TrainingError(
                f"{self}: a run is there already. Go on with it: --resume {self}; or name another folder: --run"
            )

    def begin(self, settings: RunSettings, environment: str) -> None:
        """Make the folder a run's.

        Args:
            settings: Kept with their paths relative to the folder, so that a run which is moved together with its data
                goes on in its new place.
            environment: What the run runs on, as JSON.

        Raises:
            TrainingError: A run is there already.
        """
        self.refuse_run()
        self._write(self.environment, environment)
        self._write(self.recipe, show_recipe(settings.recipe))
        kept = settings.model_dump(mode="json")
        for name in ("folder", "output", "init"):
            if Path(kept[name]).is_absolute():  # the start may be a name
                kept[name] = relative_path(Path(kept[name]), self.path)
        kept["tests"] = [relative_path(path, self.path) for path in settings.tests]
        # Last, for it makes the folder a run.
        self._write(self.settings, json.dumps(kept, indent=2))

    def read_settings(self) -> RunSettings:
        """What the run here was started with.

        Raises:
            TrainingError: There is none.
        """
        try:
            text = self.settings.read_bytes()
        except OSError:
            raise TrainingError(f"{self}: no run to resume there ({self.settings.name} is missing)") from None
        try:
            return RunSettings.model_validate_json(text, context={"folder": self.path.resolve()})
        except ValidationError as error:
            raise TrainingError(f"{self.settings}: broken ({error.errors()[0]['msg']})") from None

    def keep_items(self, items: NDArray[np.int64], held_out: NDArray[np.int64] | None = None) -> None:
        """Write the items of a list, int64 (M, 2 or 3), and those that are held out of it, where they are pairs."""
        for path, listed in ((self.items, items), (self.held_out_items, held_out)):
            if listed is not None:
                with replacing(path, own=True) as temporary, temporary.open("wb") as file:
                    np.save(file, listed)

    def read_items(self) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
        """The items that the run trains on, and the held-out ones; None where it has none."""
        items, held_out = (
            np.load(path, allow_pickle=False) if path.exists() else None for path in (self.items, self.held_out_items)
        )
        return items, held_out

    @staticmethod
    def _write(path: Path, text: str) -> None:
        with replacing(path, own=True) as temporary:
            temporary.write_text(text, encoding="utf-8")
