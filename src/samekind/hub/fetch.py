"""Fetching a model from a hub into the hub's own cache, with its own client (extra ``hub``)."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from samekind.errors import DatasetError, HubError, MissingExtraError, first_cause, first_line
from samekind.hub.address import USUAL_FILE, HubAddress
from samekind.system.hashing import content_hash

# Seconds to wait for the hub's answer whether there is something newer, before what is here serves.
_PATIENCE = 5.0
_COMMIT = re.compile(r"[0-9a-f]{40}")


def fetch(address: HubAddress) -> Path:
    """The file of a model: fetched, or as it was fetched before where the hub cannot be reached.

    Raises:
        MissingExtraError: huggingface_hub is not installed.
        HubError: It cannot be had; the message says why, and what to do.
    """
    refuse_missing_client()
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - an extra

    with hub_errors_named(address):
        file = address.file or _only_model(address)
        return Path(hf_hub_download(address.repository, file, revision=address.revision, etag_timeout=_PATIENCE))


def forget(path: Path) -> bool:
    """Remove a file that was fetched, and what the cache's link leads to, so that it is fetched anew.

    One that is as the hub has it stays: to fetch it anew would change nothing, and another program may need it.

    Returns:
        Whether it is gone.
    """
    try:
        content = path.resolve()
        if content.name == content_hash(content):  # the cache calls large files by their SHA-256
            return False
        path.unlink()
        content.unlink(missing_ok=True)
    except (OSError, DatasetError):
        return False
    return True


def refuse_missing_client() -> None:
    """Make sure that the hub's client is installed.

    Raises:
        MissingExtraError: It is not.
    """
    if find_spec("huggingface_hub") is None:
        raise MissingExtraError("hub", "huggingface_hub")


def _only_model(address: HubAddress) -> str:
    """The one model file of a repository, by the hub's list or, without a network, by the cache."""
    from huggingface_hub import HfApi, snapshot_download, try_to_load_from_cache  # noqa: PLC0415 - an extra
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError  # noqa: PLC0415 - an extra

    where, revision = address.repository, address.revision
    # A commit does not change, so nobody needs to be asked what is in it.
    is_commit = revision is not None and _COMMIT.fullmatch(revision)
    if is_commit and isinstance(try_to_load_from_cache(where, USUAL_FILE, revision=revision), str):
        return USUAL_FILE
    try:
        found = HfApi().model_info(where, revision=revision, timeout=_PATIENCE)
        names = [file.rfilename for file in found.siblings or ()]
    except HfHubHTTPError:  # the hub was reached, and said no
        raise
    except Exception as error:  # no network: what was fetched before serves
        try:
            folder = Path(snapshot_download(where, revision=revision, local_files_only=True))
        except LocalEntryNotFoundError as missing:
            raise missing from error
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*.onnx")]
    models = sorted(name for name in names if name.endswith(".onnx"))
    if USUAL_FILE in models or len(models) == 1:
        return USUAL_FILE if USUAL_FILE in models else models[0]
    if not models:
        raise HubError(f"{address}: holds no .onnx file")
    raise HubError(f"{address}: holds several models; name one, such as {address}/{models[0]}")


@contextmanager
def hub_errors_named(address: HubAddress) -> Iterator[None]:
    """What the hub's client raises, in our words."""
    from huggingface_hub import errors  # noqa: PLC0415 - an extra

    try:
        yield
    except HubError:
        raise
    except errors.GatedRepoError as error:
        raise HubError(
            f"{address}: its owner gives access on request: ask for it on the page of the model, then log in with "
            "`hf auth login` or set HF_TOKEN"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise HubError(
            f"{address}: there is no such repository, or it is private: log in with `hf auth login` or set HF_TOKEN"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise HubError(f"{address}: has no revision {address.revision!r}") from error
    except errors.LocalEntryNotFoundError as error:
        reason = _answered(error) or f"the hub cannot be reached ({_reason(error)})"
        raise HubError(f"{address}: {reason}; and it was not fetched before") from error
    except errors.EntryNotFoundError as error:
        raise HubError(f"{address}: has no file {address.file or USUAL_FILE}") from error
    except errors.HfHubHTTPError as error:
        raise HubError(f"{address}: {_answered(error) or _reason(error)}") from error
    except Exception as error:  # a connection that broke, a full disk, a hub that speaks another language
        reason = (isinstance(error, OSError) and error.strerror) or _reason(error)
        raise HubError(f"{address}: broken off ({reason}); nothing half is kept, so try again") from error


def _answered(error: BaseException) -> str | None:
    """What the hub answered, in words, where it did."""
    cause: BaseException | None = error
    while cause is not None:
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if status is not None:
            return _STATUS.get(status, f"the hub answered {status} ({_reason(cause)})")
        cause = cause.__cause__
    return None


_STATUS = {
    401: "the hub does not know you: log in with `hf auth login` or set HF_TOKEN",
    403: "the hub does not let you: the token needs the right to write for a push",
    413: "it is too large for the hub",
    429: "the hub asks to wait before the next try",
    500: "the hub has a fault of its own; try later",
    503: "the hub is not available; try later",
}


def _reason(error: BaseException) -> str:
    """The first line of the innermost error."""
    return textwrap.shorten(first_line(first_cause(error)), 200, placeholder=" …")
