"""How Sphinx makes the book. `make book` gathers the pages first: see pedagogy/publish/book.py."""

import re

from pedagogy.publish import api, macros

project = html_title = "Preferences, by hand"
html_show_copyright = False
language = "en"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.githubpages",  # .nojekyll, so that a host shows _static/
]

# Notebooks: outputs are there already.
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {}  # no widget runs here, and no script comes from elsewhere
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3

# Reference pages: docstrings are plain text.
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # what other libraries say stands in their references
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

# Formulas: MathJax beside the pages, with the course's macros. SVG, because fonts would be more files.
mathjax_path = "tex-svg.js"
mathjax3_config = {
    "tex": {"macros": macros.definitions()},
    "options": {"enableMenu": False},  # the menu makes every formula a stop of the Tab key
}

html_theme = "furo"
html_static_path = ["_static", "../slides/node_modules/mathjax/es5/tex-svg.js"]
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # it fetches pages, which browsers refuse to pages opened as files
html_use_index = html_domain_indices = False  # the search finds names, and the reference lists them
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"

STYLE = re.compile(r"<style\b[^>]*>.*?</style>", re.DOTALL)


def styles_into_the_head(app, page, template, context, doctree):
    """A widget's page brings its style along; HTML wants it in the head, and once is enough."""
    styles = dict.fromkeys(STYLE.findall(context.get("body", "")))
    context["body"] = STYLE.sub("", context.get("body", ""))
    context["metatags"] = context.get("metatags", "") + "\n".join(styles)


def levels_for_captions(app, page, template, context, doctree):
    """Sphinx calls the captions of the navigation headings; screen readers then ask for their level."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def plain_docstrings(app, what, name, thing, options, lines):
    lines[:] = api.as_rst(lines)


def setup(app):
    app.connect("html-page-context", styles_into_the_head)
    app.connect("html-page-context", levels_for_captions, priority=900)  # after furo has made the tree
    app.connect("autodoc-process-docstring", plain_docstrings)
