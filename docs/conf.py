"""Sphinx' settings: `make docs` builds the site into build/docs, readable without a network."""

from __future__ import annotations

from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from towpath import errors_catalogue

project = "Towpath"
author = "the Towpath authors"
copyright = author
version = release = version_of("towpath")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
# Quotes and hyphens stand as they are typed: `--from-opt` is no dash.
smartquotes = False
# Every page is one file that opens from a disk: no web fonts, no scripts from elsewhere.
html_theme = "furo"
html_title = "Towpath"
html_show_sphinx = False
html_copy_source = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["towpath.css"]
html_theme_options = {"navigation_with_keys": True}
highlight_language = "none"


def error_pages(_app: Any) -> None:
    """Puts the pages of error codes, which the package ships for `tow explain`, among those of the reference."""
    folder = Path(__file__).parent / "reference" / "errors" / "codes"
    folder.mkdir(exist_ok=True)
    pages = {f"{code}.md": errors_catalogue.source(code) for code in errors_catalogue.codes()}
    for stale in {page.name for page in folder.iterdir()} - pages.keys():
        (folder / stale).unlink()
    for name, text in pages.items():
        page = folder / name
        # A page that is as it was keeps its time, so that only what changed is built again.
        if not page.exists() or page.read_text("utf-8") != text:
            page.write_text(text, "utf-8")


def setup(app: Any) -> None:
    app.connect("builder-inited", error_pages)
