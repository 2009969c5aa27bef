"""Self-contained HTML pages: one file with its style and script inside, and nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from tf_repro.report.html import code
from tf_repro.report.outcomes import format_ulp, format_value, format_verdict


def render(template: str, **context: Any) -> str:
    """The page that ``template`` makes of ``context``; every text in it is escaped, a missing name is an error.

    Templates extend ``base.html.j2``, which has the blocks ``title``, ``masthead``, ``contents``, ``main`` and
    ``footer`` and puts ``style.css`` and ``table.js`` into the page. The page's own policy lets that script run and
    no other.

    Args:
        template: a file of ``templates/``.
        **context: what the template names.

    Raises:
        jinja2.UndefinedError: the template names what the context does not hold.

    Example:
        >>> page = render("base.html.j2")
        >>> page.startswith("<!doctype html>"), "http://" in page
        (True, False)
    """
    return _environment().get_template(template).render(context)


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader(__name__)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = (loader.get_source(environment, name)[0] for name in ("style.css", "table.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment.globals.update(style=Markup(style), script=Markup(script), script_hash=f"sha256-{digest}")
    environment.filters.update(
        prose=code.prose, python=code.python, value=format_value, ulp=format_ulp, said=format_verdict
    )
    return environment
