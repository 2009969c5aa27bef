"""How Sphinx builds the documentation: every example runs, every warning counts, nothing is fetched."""

import inspect
import os
import sys
from pathlib import Path

import tf_repro
from tf_repro import atlas
from tf_repro.report import codes
from tf_repro.report.atlas_figures import histories
from tf_repro.report.html.atlas_page import atlas_page

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # the extensions beside it

# What the notebooks' kernels inherit: TensorFlow quiet, the examples, _shell.py, and this environment's commands.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["EXAMPLES"] = str(HERE.parent / "examples")
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

project = "tf_repro"
author = "the tf_repro authors"
version = release = tf_repro.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "_mathml", "_columns", "_kernels"]
default_role = "code"
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(keras|tf|tensorflow|np|numpy|_?pytest|decimal|collections|pathlib)\..*")]

html_theme = "furo"
html_math_renderer = "mathml"
html_title = "tf_repro"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_copyright = False
html_copy_source = False
html_show_search_summary = False  # it is fetched, which a browser refuses to a page from disk

nb_execution_mode = "force"
nb_execution_show_tb = True  # a cell that fails is a warning, so that the build names all that fail
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_output_stderr = "warn"
nb_merge_streams = True
nb_render_markdown_format = "myst"
myst_enable_extensions = ["amsmath", "attrs_block", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_inherit_docstrings = False  # or every layer and optimizer would list what it inherits
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Call arguments", "params_style")]


def signature_of_init(app, what, name, obj, options, signature, returned):
    """A Keras layer takes what its ``__init__`` takes, which its ``__new__`` hides."""
    if what == "class" and signature == "(*args, **kwargs)":
        parameters = inspect.signature(obj.__init__).parameters.values()
        signature = str(inspect.Signature([p for p in parameters if p.name != "self"]))
    return signature, returned


def open_to_the_keyboard(app, pagename, templatename, context, doctree):
    """What scrolls can be reached, and what the theme calls a heading has a level."""
    if "body" in context:
        context["body"] = context["body"].replace("<pre>", '<pre tabindex="0">')
    headings = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = headings.replace('role="heading"', 'role="heading" aria-level="2"')


def write_code_pages(app):
    """The scanner's codes have a page each, written from their table so that none goes stale."""
    if (Path(app.srcdir) / "scanner").is_dir():
        codes.write_pages(Path(app.srcdir) / "scanner" / "codes")


def write_atlas(app, exception):
    """The drift atlas' page goes beside the others, made from its recordings."""
    if exception is None and app.builder.format == "html":
        recordings = atlas.load()
        page = atlas_page(recordings, atlas.changes(recordings), histories(recordings))
        (Path(app.outdir) / "atlas.html").write_text(page, encoding="utf-8")


def setup(app):
    """Sphinx calls this, as it does every extension's."""
    app.connect("builder-inited", write_code_pages, priority=0)  # before the sources are looked for
    app.connect("autodoc-process-signature", signature_of_init)
    app.connect("html-page-context", open_to_the_keyboard, priority=900)  # after the theme
    app.connect("build-finished", write_atlas)
