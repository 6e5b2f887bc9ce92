"""HTML files that hold all they show: pictures, style and script, for a browser of any size, light or dark."""

from samekind.pages.template import page_template, thumbnail_uri, write_page

__all__ = ["page_template", "thumbnail_uri", "write_page"]
