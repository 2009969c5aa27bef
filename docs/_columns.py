"""A migration page's two programs side by side: the sections "TensorFlow 1" and "TensorFlow 2" become two columns.

Cells run only at a page's top level, so no directive can hold them; the sections are joined after the page is read.
"""

from docutils import nodes

BEFORE, AFTER = "TensorFlow 1", "TensorFlow 2"


def join(app, doctree):
    """Put each section "TensorFlow 1" and the "TensorFlow 2" that follows it into one container."""
    for before in [section for section in doctree.findall(nodes.section) if title_of(section) == BEFORE]:
        parent, place = before.parent, before.parent.index(before)
        after = parent[place + 1 : place + 2]
        if after and title_of(after[0]) == AFTER:
            parent[place : place + 2] = [nodes.container("", before, *after, classes=["before-after"])]


def title_of(node):
    """A section's title; nothing for what is no section."""
    return node[0].astext() if isinstance(node, nodes.section) else None


def setup(app):
    """Sphinx calls this; the tables of contents are collected before."""
    app.connect("doctree-read", join, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
