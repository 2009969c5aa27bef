"""A scan in SARIF 2.1.0, which code hosts and editors show beside the lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tf_repro import __version__
from tf_repro.migrate.scanner import Hit, Idiom, idioms
from tf_repro.report.codes import page
from tf_repro.report.scan import message

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"change": "error", "may change": "warning", "unknown": "warning", "same": "note", "none": "note"}


def dumps(hits: Sequence[Hit]) -> str:
    """The hits as one run of ``tf-repro scan``; numbers that change are errors, those that may are warnings."""
    found = {hit.code for hit in hits}
    rules = [idiom for idiom in idioms() if idiom.code in found]
    index = {idiom.code: place for place, idiom in enumerate(rules)}
    driver = {"name": "tf-repro", "version": __version__, "rules": [_rule(idiom) for idiom in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(hit, index[hit.code]) for hit in hits],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


def _rule(idiom: Idiom) -> dict[str, Any]:
    return {
        "id": idiom.code,
        "name": "".join(word.capitalize() for word in idiom.name.split("-")),
        "shortDescription": {"text": idiom.native},
        "help": {"text": idiom.why or idiom.native, "markdown": page(idiom)},
        "defaultConfiguration": {"level": LEVELS[idiom.numbers]},
    }


def _result(hit: Hit, rule: int) -> dict[str, Any]:
    region = {"startLine": hit.line, "startColumn": hit.column}
    physical = {"artifactLocation": {"uri": _uri(hit.file)}, "region": region}
    location: dict[str, Any] = {"physicalLocation": physical}
    if hit.cell is not None:
        location["logicalLocations"] = [{"name": f"cell {hit.cell}"}]
    return {
        "ruleId": hit.code,
        "ruleIndex": rule,
        "level": LEVELS[hit.numbers],
        "message": {"text": message(hit)},
        "locations": [location],
    }


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else path.as_posix().replace(" ", "%20")
