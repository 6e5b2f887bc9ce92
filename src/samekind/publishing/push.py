"""Putting a model on a hub: the file and its page in one commit, or nothing."""

from __future__ import annotations

import os
from pathlib import Path

from samekind.errors import HubError, ModelFileError
from samekind.hub.address import USUAL_FILE, parse_address
from samekind.hub.fetch import hub_errors_named, refuse_missing_client
from samekind.model_file.file import ModelFile, read_model
from samekind.publishing.model_page import model_page
from samekind.recognizer import Recognizer
from samekind.system.paths import refuse_no_path


def push(
    model: Recognizer | ModelFile | str | os.PathLike[str],
    address: str,
    *,
    private: bool = False,
    message: str | None = None,
) -> str:
    """Put a model on a hub, with a page made from its card: promised and measured rates, licence, intended use.

    File and page go up in one commit, so nobody ever finds one without the other. A ``README.md`` that was there is
    replaced; the hub keeps the earlier one in its history. The token is that of the hub's own
    client (``hf auth login``, or the variable ``HF_TOKEN``).

    Args:
        model: A loaded model, the name of one that comes with samekind, or a path.
        address: ``hf://owner/name``; with ``/file.onnx`` for another file than ``model.onnx``, and with ``@branch`` for
            another branch than the main one. The repository is made if it is not there.
        private: Make the repository, if it is not there, for you alone.
        message: Of the commit.

    Returns:
        The address with the commit, by which exactly this model can be loaded.

    Raises:
        HubError: The hub does not take it; no file was changed then, but the repository may have been made.
        ModelFileError: There is no such model.
        MissingExtraError: The extra ``hub`` is not installed.
    """
    refuse_missing_client()
    from huggingface_hub import CommitOperationAdd, HfApi  # noqa: PLC0415 - an extra

    place = parse_address(address)
    source = _file_of(model)
    file = place.file or USUAL_FILE
    page = model_page(source.card, str(place))
    api = HfApi(library_name="samekind")
    with hub_errors_named(place):
        api.create_repo(place.repository, private=private, exist_ok=True)
        commit = api.create_commit(
            place.repository,
            [CommitOperationAdd(file, source.data), CommitOperationAdd("README.md", page.encode())],
            commit_message=message or f"{source.card.name}, fingerprint {source.card.fingerprint[:12]}",
            revision=place.revision,
        )
    if not commit.oid:
        raise HubError(f"{address}: the hub did not say which commit it made")
    return f"hf://{place.repository}@{commit.oid}" + (f"/{file}" if place.file else "")


def _file_of(model: Recognizer | ModelFile | str | os.PathLike[str]) -> ModelFile:
    if isinstance(model, Recognizer):
        return model.model_file
    if isinstance(model, ModelFile):
        return model
    refuse_no_path(model, ModelFileError)
    return read_model(Path(model) if Path(model).is_file() else model)
