"""From the bytes of images to the rows that galleries and shards keep: one stateless piece of work.

Example:
    >>> import samekind
    >>> [row] = embed_batch([b"no image"], samekind.load().encoder)
    >>> row.error
    'not an image in a format that Pillow can read'
"""

from samekind.embedding.embed_batch import EmbeddedImage, embed_batch

__all__ = ["EmbeddedImage", "embed_batch"]
