"""The model file: one ``.onnx`` whose metadata holds its card. Read, check, write."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, JsonValue, ValidationError

from samekind.errors import ModelFileError
from samekind.hub.address import is_hub_address, parse_address
from samekind.hub.fetch import fetch, forget
from samekind.model_file.card import FORMAT_VERSION, Card
from samekind.model_file.card_format_1 import upgraded
from samekind.model_file.onnx_envelope import OnnxEnvelope
from samekind.system.atomic import replacing
from samekind.system.passwords import without_passwords
from samekind.system.paths import refuse_no_path

CARD_KEY = "samekind.card"
DEFAULT_MODEL = "general"
_SEEN_KEY = "samekind.seen_images"
# Such as https://, s3:// and hf://; a letter and a colon alone are a drive of Windows.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:(//|(?<=hf:))", re.IGNORECASE)
# Among a million images the chance of one false hit in ten thousand seen ones is one in two thousand million.
_HASH_BYTES = 8


class SeenImages:
    """The images that had a part in training or calibration, by the first 8 bytes of their files' SHA-256.

    Args:
        hashes: SHA-256 sums in hexadecimal.

    Example:
        >>> "ab" * 32 in SeenImages(["ab" * 32])
        True
    """

    def __init__(self, hashes: Iterable[str] = ()) -> None:
        self._prefixes = frozenset(bytes.fromhex(digest)[:_HASH_BYTES] for digest in hashes)

    def __contains__(self, content_hash: str) -> bool:
        return bytes.fromhex(content_hash)[:_HASH_BYTES] in self._prefixes

    def __or__(self, other: SeenImages) -> SeenImages:
        """The images of both."""
        both = SeenImages()
        both._prefixes = self._prefixes | other._prefixes
        return both

    def to_text(self) -> str:
        """As it stands in the file: base64 of the sorted prefixes."""
        return base64.b64encode(b"".join(sorted(self._prefixes))).decode()

    @classmethod
    def from_text(cls, text: str) -> SeenImages:
        """Read what ``to_text`` wrote.

        Raises:
            ValueError: It is something else.
        """
        data = base64.b64decode(text, validate=True)
        seen = cls()
        seen._prefixes = frozenset(data[i : i + _HASH_BYTES] for i in range(0, len(data), _HASH_BYTES))
        return seen


@dataclass(frozen=True)
class ModelFile:
    """A checked model file in memory.

    Attributes:
        card: What it says of itself.
        data: The whole file, ready for ``onnxruntime.InferenceSession``. It refers to no other file.
        seen_images: The images that made it, which must not be used to measure it.
    """

    card: Card
    data: bytes
    seen_images: SeenImages = field(default_factory=SeenImages)


def bundled_models() -> dict[str, Path]:
    """The models that come with the package, by name."""
    folder = Path(str(resources.files("samekind"))) / "models"
    return {path.stem: path for path in sorted(folder.glob("*.onnx"))}


def lasting_name(name_or_path: str | os.PathLike[str] | None) -> str:
    """What finds a model again, wherever the process goes: its name, its address on a hub, or its whole path.

    Example:
        >>> lasting_name(None)
        'general'
    """
    name = DEFAULT_MODEL if name_or_path is None else os.fspath(name_or_path)
    kept_as_named = name in bundled_models() or is_hub_address(name)
    return name if kept_as_named else str(Path(name).expanduser().resolve())


def find_model(name_or_path: str | os.PathLike[str] | None) -> Path:
    """The file of a model: by the name of one that comes with the package, by its path, or by its address on a hub.

    A model of the hub is fetched, unless it was before; None is the default model.

    Raises:
        ModelFileError: There is no such model.
        HubError: It cannot be fetched.
        MissingExtraError: An address was given, and the extra ``hub`` is not installed.
    """
    if not isinstance(name_or_path, str | os.PathLike | None):
        raise ModelFileError(f"a model is given by its name or its path, not by one {type(name_or_path).__name__}")
    if name_or_path is not None:
        refuse_no_path(name_or_path, ModelFileError)
    name = os.fspath(name_or_path) if name_or_path is not None else DEFAULT_MODEL
    if is_hub_address(name):
        return fetch(parse_address(name))
    if _ADDRESS.match(name):
        raise ModelFileError(
            f"{without_passwords(name)}: addresses are not fetched; download the model and give the path of the file"
        )
    bundled = bundled_models()
    if name in bundled:
        return bundled[name]
    with suppress(OSError, ValueError, RuntimeError):  # a name that no file can have is that of no model
        if (path := Path(name).expanduser()).is_file():
            return path
    known = ", ".join(bundled) or "none"
    close = get_close_matches(name.lower(), bundled, 1)
    hint = f". Did you mean {close[0]}?" if close else ""
    raise ModelFileError(f"{name}: no such model file, nor a model that comes with samekind ({known}){hint}")


def read_model(name_or_path: str | os.PathLike[str] | None = None) -> ModelFile:
    """Read and check a model file.

    Args:
        name_or_path: The name of a model that comes with the package, a path, an address (``hf://owner/name``), or None
            for the default model.

    Raises:
        ModelFileError: It is missing, broken, not a samekind model, of a newer format, changed since it was written,
            or refers to other files.

    Example:
        >>> read_model().card.backbone
        'tf_efficientnet_b0'
    """
    path = find_model(name_or_path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from error
    name = os.fspath(name_or_path) if name_or_path is not None else DEFAULT_MODEL
    if not is_hub_address(name):
        return parse_model(data, str(path))
    try:
        return parse_model(data, name)
    except ModelFileError as error:
        if not forget(path):  # or what was spoilt on its way would be found so for ever
            raise
        raise ModelFileError(f"{error}; what was fetched is not kept") from None


def parse_model(data: bytes, name: str) -> ModelFile:
    """Check the bytes of a model file; ``name`` is what messages call it.

    Raises:
        ModelFileError: As ``read_model``.
    """
    envelope = OnnxEnvelope(data, name)
    text = envelope.metadata.get(CARD_KEY)
    if text is None:
        raise ModelFileError(
            f"{name}: an ONNX model, but not one of samekind (it has no card); `samekind wrap` makes one of an encoder"
        )
    card = _parse_card(text, name)
    envelope.refuse_external_data()
    if card.fingerprint != fingerprint(envelope.network, card):
        raise ModelFileError(f"{name}: corrupt; its network is not the one that its card describes")
    try:
        seen = SeenImages.from_text(envelope.metadata[_SEEN_KEY])
    except (KeyError, ValueError):
        raise ModelFileError(f"{name}: corrupt; its list of training images cannot be read") from None
    return ModelFile(card, data, seen)


def write_model(
    path: str | os.PathLike[str], onnx_model: bytes, card: Card, seen_hashes: Iterable[str] | SeenImages = ()
) -> Card:
    """Write an ONNX model with its card, whole or not at all.

    Args:
        path: The file to write.
        onnx_model: A serialized ONNX model, uint8 (N, S, S, 3) in, float32 (N, D) out. Its metadata is replaced.
        card: What to say of it. The fingerprint is filled in here.
        seen_hashes: The SHA-256, in hexadecimal, of each image file that had a part in training or calibration (or
            such a list as another model file has it), so that an evaluation can refuse them.

    Returns:
        The card as written.

    Raises:
        ModelFileError: The bytes are no ONNX model, or refer to other files.
    """
    model = make_model(onnx_model, card, seen_hashes, name=os.fspath(path))
    with replacing(path) as temporary:
        temporary.write_bytes(model.data)
    return model.card


def make_model(
    onnx_model: bytes, card: Card, seen_hashes: Iterable[str] | SeenImages = (), *, name: str | None = None
) -> ModelFile:
    """A model file in memory, of an ONNX model and its card.

    Args:
        onnx_model: As ``write_model`` takes it.
        card: As ``write_model`` takes it.
        seen_hashes: As ``write_model`` takes them.
        name: What messages call it; by default the name on the card.

    Raises:
        ModelFileError: As ``write_model``.
    """
    envelope = OnnxEnvelope(onnx_model, card.name if name is None else name)
    envelope.refuse_external_data()
    card = card.model_copy(update={"fingerprint": fingerprint(envelope.network, card)})
    seen = seen_hashes if isinstance(seen_hashes, SeenImages) else SeenImages(seen_hashes)
    metadata = {CARD_KEY: card.model_dump_json(), _SEEN_KEY: seen.to_text()}
    return ModelFile(card, envelope.with_metadata(metadata), seen)


def fingerprint(network: bytes, card: Card) -> str:
    """SHA-256 over the network and how images are fed to it: equal fingerprints mean equal embeddings.

    The calibration is left out, so a gallery stays valid when a model is calibrated anew.
    """
    shown = "" if card.shown == 1 else f" {card.shown!r}"
    digest = hashlib.sha256(f"{card.input_size} {card.resize}{shown}\n".encode())
    digest.update(network)
    return digest.hexdigest()


class _Versioned(BaseModel):
    format_version: JsonValue


def _parse_card(text: str, name: str) -> Card:
    try:
        if _Versioned.model_validate_json(text).format_version == 1:
            text = upgraded(text)
        return Card.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if where == "format_version" and first["type"] != "missing":
            raise ModelFileError(
                f"{name}: format version {first['input']} is not 1 or {FORMAT_VERSION}; "
                "a newer samekind may read it: pip install -U samekind"
            ) from None
        raise ModelFileError(f"{name}: its card is broken ({where}: {first['msg']})") from None
