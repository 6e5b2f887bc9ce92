"""What a sync found and did."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class SyncReport:
    """What a sync found and did.

    Attributes:
        added: New files, each embedded, or given the embedding of a file with the same bytes.
        changed: Files whose bytes are other ones now.
        moved: Files found again under another path.
        removed: Files that are gone.
        unchanged: Files that needed nothing.
        embedded: Runs of the network: images whose content was new.
        videos: New or changed videos, the frames of which are counted among the images.
        unreadable: Files that cannot be read as images, and why; those found in this sync only.
        unreadable_before: Files that could not be read before and have not changed since.
        unlisted: Folders and files that could not be looked at, and why, each time. What the gallery has of them stays.
        damaged: New files of which a part is missing, and what; they were read as far as they go.
        not_embedded: Images that ``samekind.embed`` has planned for a folder of shards and not embedded yet.
        passed_over: The reasons why files and folders were passed over, with their number, in words.
    """

    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    embedded: int = 0
    videos: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unreadable_before: int = 0
    unlisted: list[tuple[str, str]] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(default_factory=list)
    not_embedded: int = 0
    passed_over: list[str] = field(default_factory=list)
