"""How Sphinx builds the documentation: every example runs, every warning counts, nothing is fetched."""

import os
import sys
from pathlib import Path

import tf_repro

# The notebooks' kernels inherit this: TensorFlow quiet, and `tf-repro` and `pytest` from the building environment.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["EXAMPLES"] = str(Path(__file__).parents[1] / "examples")
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

project = "tf_repro"
author = "the tf_repro authors"
version = release = tf_repro.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
default_role = "code"
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(keras|tf|tensorflow|np|numpy|pytest|decimal|collections|pathlib)\..*")]

html_theme = "furo"
html_title = "tf_repro"
html_copy_source = False
html_show_search_summary = False  # it is fetched, which a browser refuses to a page from disk

nb_execution_mode = "force"
nb_execution_show_tb = True  # a cell that fails is a warning, so that the build names all that fail
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_output_stderr = "warn"
nb_merge_streams = True
nb_render_markdown_format = "myst"
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Call arguments", "params_style")]
