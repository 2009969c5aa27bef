"""The table of codes, and the page of each: what ``tf-repro scan --explain`` prints and the documentation shows."""

from __future__ import annotations

import re
from pathlib import Path

from tf_repro.migrate.scanner import Idiom, idioms
from tf_repro.report.scan import EFFECTS

GROUPS = {
    "1": "How a program runs",
    "2": "Variables",
    "3": "Training",
    "4": "Operations",
    "5": "Layers and cells",
    "6": "Random numbers",
    "7": "Data",
    "8": "Files, flags and summaries",
    "9": "Names",
}


def page(idiom: Idiom) -> str:
    """A code's page, in Markdown.

    Example:
        >>> from tf_repro.migrate.scanner import idioms
        >>> print(page(idioms()[0]).splitlines()[0])
        # TF101 placeholder
    """
    sections = [f"# {idiom.code} {idiom.name}", f"Write {idiom.native}."]
    why = f": {idiom.why}" if idiom.why else ""
    sections.append(f"**{EFFECTS[idiom.numbers].capitalize()}**{why}.")
    if idiom.before:
        sections += [_code("TensorFlow 1", idiom.before), _code("TensorFlow 2", idiom.after)]
    if idiom.symbols:
        sections.append("## Symbols\n\n" + ", ".join(f"`{symbol}`" for symbol in idiom.symbols) + _condition(idiom))
    shown = "\n".join(f"- `{proof}`" for proof in idiom.proof) or "Nothing in this project shows it."
    sections.append(f"## Proof\n\n{shown}")
    return "\n\n".join(sections) + "\n"


def _code(title: str, code: str) -> str:
    return f"## {title}\n\n```python\n{code}\n```"


def _condition(idiom: Idiom) -> str:
    parts = []
    if idiom.keywords:
        parts.append("with the keyword " + " or ".join(f"`{keyword}`" for keyword in idiom.keywords))
    if idiom.arguments:
        parts.append("with its arguments in the old order")
    return f", called {', or '.join(parts)}" if parts else ""


def table(link: str = "{code}.md") -> str:
    """All codes, group by group, in Markdown.

    Args:
        link: where a code's page is.
    """
    lines = []
    for first, title in GROUPS.items():
        lines += [f"## {title}", "", "| code | name | numbers | write |", "|---|---|---|---|"]
        for idiom in idioms():
            if idiom.code[2] == first:
                code = f"[{idiom.code}]({link.format(code=idiom.code)})"
                cells = [code, idiom.name, EFFECTS[idiom.numbers], idiom.native.replace("|", "\\|")]
                lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def write_pages(folder: Path) -> list[Path]:
    """Write the page of each code into a folder, where it changes; pages of codes that are gone are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {folder / f"{idiom.code}.md": _linked(page(idiom)) for idiom in idioms()}
    pages[folder / "table.md"] = "# Codes\n\n" + table() + _contents()
    for stale in set(folder.glob("*.md")) - set(pages):
        stale.unlink()
    for path, text in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    return list(pages)


def _linked(text: str) -> str:
    """The page with a link to each page of the documentation that proves it, seen from ``scanner/codes``."""
    return re.sub(r"^- `docs/(.+\.md)`$", r"- [`docs/\1`](../../\1)", text, flags=re.MULTILINE)


def _contents() -> str:
    codes = "\n".join(idiom.code for idiom in idioms())
    return f"\n```{{toctree}}\n:hidden:\n\n{codes}\n```\n"
