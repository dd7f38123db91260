"""Configuration of the documentation: `make docs` builds it, with warnings as errors."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from making.text import address

from pytest_specqa import __version__

project = "pytest-specqa"
author = "The pytest-specqa developers"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "numpydoc", "making.extension"]
exclude_patterns = ["making", "build"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
default_role = "py:obj"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = f"pytest-specqa {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
# Pages without pages below them need no list of these.
html_sidebars = {"*": [], "generated/*": [], "generated/notebooks/*": []}
html_show_sourcelink = False
html_theme_options = {
    "icon_links": [{"name": "Repository", "url": address("Repository"), "icon": "fa-brands fa-github"}],
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "show_prev_next": False,
}

specqa_pictures = os.environ.get("SPECQA_PICTURES", "1") != "0"
