"""Sphinx' settings: `make docs` builds the site into build/docs, readable without a network."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "Towpath"
author = "the Towpath authors"
copyright = author
version = release = version_of("towpath")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["README.md"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
# Every page is one file that opens from a disk: no web fonts, no scripts from elsewhere.
html_theme = "furo"
html_title = "Towpath"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
highlight_language = "none"
