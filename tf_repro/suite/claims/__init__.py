"""The documents' printed figures as data: one TOML file per document, and their loader.

The rules that a file must keep are mostly between its fields (an engine's name and what may be declared of it, a
mistake and its quantity), which a schema library leaves to hand-written validators as well; so all of them are here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_repro.core.errors import InputError
from tf_repro.core.verdicts import Declaration, Figure

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DIRECTORY = Path(__file__).parent

_DOCUMENT_KEYS = {"title", "source", "engines", "may_drift", "claim", "reasons"}
_CLAIM_KEYS = {
    "id", "moment", "quantity", "rule", "printed", "derived", "where", "only", "may_drift", "engines", "erratum",
    "statement",
}  # fmt: skip
_SAME_EVERYWHERE = ("tf-", "lanes-")
_ERRATUM_KEYS = {"correct", "mistake", "because", "yes_or_no"}


@dataclass(frozen=True)
class Claim:
    """One printed figure, scalar or one-dimensional, with its declared verdict per engine.

    Attributes:
        id: unique within the document.
        moment: the Record's moment that holds it.
        quantity: the Record's quantity that holds it.
        figures: what was printed, one per scalar.
        is_scalar: whether the document printed a scalar rather than an array.
        where: the place in the document.
        origins: per figure ``"printed"``, or ``"derived"``: it follows from what the document states.
        statement: what the claim says in words, where the figure alone does not tell.
        mistake: for an erratum, the quantity that holds the value of the mistake.
        because: for an erratum, what the mistake is.
        yes_or_no: for an erratum that no number decides, why; any wrong yes explains it, so the reason must be told.
        declarations: per engine, one :class:`~tf_repro.core.verdicts.Declaration` per figure.
    """

    id: str
    moment: str
    quantity: str
    figures: tuple[Figure, ...]
    is_scalar: bool
    where: str
    origins: tuple[str, ...]
    statement: str
    mistake: str
    because: str
    yes_or_no: str
    declarations: Mapping[str, tuple[Declaration, ...]]


@dataclass(frozen=True)
class Document:
    """The claims of one document.

    Attributes:
        name: the file's name, the same in every room.
        title: the document's own title.
        source: who published it where and when.
        engines: every engine that the document's claims are run on.
        may_drift: engines on kernels that are not ours: a printed float may be off within the rounding bound there.
        reasons: why a recording or an emulated kernel is away from a figure, by name.
        claims: in the document's order.
    """

    name: str
    title: str
    source: str
    engines: tuple[str, ...]
    may_drift: tuple[str, ...]
    reasons: Mapping[str, str]
    claims: tuple[Claim, ...]

    @property
    def scalars(self) -> int:
        """How many printed scalars the claims hold."""
        return sum(len(claim.figures) for claim in self.claims)

    def scalars_of(self, origin: str) -> int:
        """How many of them were printed, or derived."""
        return sum(claim.origins.count(origin) for claim in self.claims)


def names(directory: Path = DIRECTORY) -> list[str]:
    """The documents that have claims, in the order of their files."""
    found = sorted(path.stem for path in directory.glob("*.toml"))
    if not found:
        raise InputError(f"a claims folder must hold TOML files. Received: {directory}")
    return found


def load(name: str, directory: Path = DIRECTORY) -> Document:
    """The claims of the document called ``name``.

    Raises:
        InputError: there is no such document, or its file breaks a rule; the message names file, claim and rule.

    Example:
        >>> load("softmax_backprop").claims[0].figures[0].printed
        '7.8399997'
    """
    known = names(directory)
    if name not in known:
        where = "" if directory == DIRECTORY else f" in {directory}"
        raise InputError(f"document must be one of {', '.join(known)}{where}. Received: {name!r}")
    path = directory / f"{name}.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"claims must be valid TOML. Received: {path.name}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"claims must be a readable UTF-8 file. Received: {path.name}: {error}") from None
    try:
        return _document(name, content)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None


def engines(documents: Iterable[Document]) -> list[str]:
    """Every engine that the documents name, in their order."""
    return list(dict.fromkeys(engine for document in documents for engine in document.engines))


def select(
    documents: Iterable[str] = (), chosen: Iterable[str] = (), directory: Path = DIRECTORY
) -> tuple[list[Document], list[str]]:
    """The documents and engines that a user asked for; all of them where none is named.

    Raises:
        InputError: a document or an engine is unknown, or a claims file breaks a rule.

    Example:
        >>> (document,), engines = select(["reverse_mode"], ["eager"])
        >>> document.name, engines
        ('reverse_mode', ['eager'])
    """
    loaded = [load(name, directory) for name in dict.fromkeys(documents) or names(directory)]
    known = engines(loaded)
    for engine in chosen:
        if engine not in known:
            of = ", ".join(document.name for document in loaded)
            raise InputError(f"engine must be one of {', '.join(known)} for {of}. Received: {engine!r}")
    return loaded, [engine for engine in known if engine in set(chosen)] or known


def _document(name: str, content: Mapping[str, Any]) -> Document:
    _require(content, "a claims file", _DOCUMENT_KEYS, required=_DOCUMENT_KEYS - {"reasons", "may_drift"})
    document = Document(
        name=name,
        title=_text(content, "title"),
        source=_text(content, "source"),
        engines=tuple(_texts(content, "engines")),
        may_drift=tuple(_engines(content, tuple(_texts(content, "engines")))),
        reasons=dict(content.get("reasons", {})),
        claims=(),
    )
    claims: dict[str, Claim] = {}
    for table in content["claim"]:
        claim_id = _text(table, "id") if isinstance(table, dict) and "id" in table else "(no id)"
        if claim_id in claims:
            raise InputError(f"claim ids must be unique. Received: {claim_id!r} twice")
        try:
            claims[claim_id] = _claim(table, document)
        except InputError as error:
            raise InputError(f"claim {claim_id!r}: {error}") from None
    return Document(**{**vars(document), "claims": tuple(claims.values())})


def _claim(table: Mapping[str, Any], document: Document) -> Claim:
    required = {"id", "moment", "quantity", "rule", "printed", "where"}
    _require(table, "a claim", _CLAIM_KEYS, required=required)
    figures = _figures(table, table["printed"])
    erratum = table.get("erratum", {})
    if erratum:
        _require_erratum(table, erratum, len(figures))
    return Claim(
        id=table["id"],
        moment=_text(table, "moment"),
        quantity=_text(table, "quantity"),
        figures=figures,
        is_scalar=isinstance(table["printed"], str),
        where=_text(table, "where"),
        origins=_origins(table, len(figures)),
        statement=table.get("statement", ""),
        mistake=erratum.get("mistake", ""),
        because=erratum.get("because", ""),
        yes_or_no=erratum.get("yes_or_no", ""),
        declarations=_declarations(table, document, figures),
    )


def _origins(table: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """Where each figure comes from; ``derived = true``, or the places of those that are."""
    derived = table.get("derived", table["rule"] == "statement")
    places = range(count) if derived is True else derived or []
    if not all(isinstance(place, int) and 0 <= place < count for place in places):
        raise InputError(f"derived must be true or places from 0 to {count - 1}. Received: {derived!r}")
    return tuple("derived" if place in places else "printed" for place in range(count))


def _require_erratum(table: Mapping[str, Any], erratum: Any, count: int) -> None:
    _require(erratum, "an erratum", _ERRATUM_KEYS, required=_ERRATUM_KEYS - {"yes_or_no"})
    if (table["rule"] == "statement") is not bool(erratum.get("yes_or_no")):
        received = "no" if table["rule"] == "statement" else "a number and"
        raise InputError(
            f"an erratum is a number, or says in yes_or_no why no number decides it. Received: {received} yes_or_no"
        )
    if "yes_or_no" in erratum:
        _text(erratum, "yes_or_no")
    if len(_figures(table, erratum["correct"])) != count:
        raise InputError(f"correct must have {count} figure(s). Received: {len(_figures(table, erratum['correct']))}")
    if not str(erratum["mistake"]).startswith(f"{table['quantity']}_"):
        raise InputError(
            f"a mistake must be named after its quantity, {table['quantity']}_…. Received: {erratum['mistake']!r}"
        )


def _declarations(
    table: Mapping[str, Any], document: Document, figures: tuple[Figure, ...]
) -> dict[str, tuple[Declaration, ...]]:
    """What is declared of each engine, figure by figure."""
    engines = _texts(table, "only") if "only" in table else document.engines
    drifting = {*document.may_drift, *_engines(table, engines)} if table["rule"].startswith("float") else set()
    correct: tuple[Figure | None, ...] = (None,) * len(figures)
    if "erratum" in table:
        correct = _figures(table, table["erratum"]["correct"])
    declarations = {
        engine: tuple(Declaration(correct=right, may_drift=engine in drifting and not right) for right in correct)
        for engine in engines
    }
    for group, drift in table.get("engines", {}).items():
        for engine in group.split():
            if engine not in declarations:
                raise InputError(f"an engine must be one of {', '.join(declarations)}. Received: {engine!r}")
            if not engine.startswith(_SAME_EVERYWHERE):
                raise InputError(f"ulp is for recordings and emulated kernels, tf-… and lanes-…. Received: {engine!r}")
            declarations[engine] = tuple(_drift(drift, len(figures), document))
    for index in range(len(figures)):
        if not any(declared[index].is_strict for declared in declarations.values()):
            raise InputError(f"an engine must be held to figure {index} exactly. Received: only engines that may drift")
    return declarations


def _engines(table: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    """Those that may drift; each must be known."""
    named = _texts(table, "may_drift") if "may_drift" in table else []
    if unknown := [engine for engine in named if engine not in known]:
        raise InputError(f"may_drift must name engines of {', '.join(known)}. Received: {', '.join(unknown)}")
    return named


def _figures(table: Mapping[str, Any], printed: Any) -> tuple[Figure, ...]:
    texts = [printed] if isinstance(printed, str) else printed
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise InputError(f"figures must be a text or a non-empty list of texts. Received: {printed!r}")
    return tuple(Figure(text, table["rule"]) for text in texts)


def _drift(drift: Any, count: int, document: Document) -> Iterator[Declaration]:
    """One exact declaration per figure, from ``{ulp = [0, 3, …], reason = "name"}``."""
    _require(drift, "a drift", {"ulp", "reason"}, required={"ulp", "reason"})
    if drift["reason"] not in document.reasons:
        raise InputError(f"reason must be one of {', '.join(document.reasons)}. Received: {drift['reason']!r}")
    if not isinstance(drift["ulp"], list) or len(drift["ulp"]) != count:
        raise InputError(f"ulp must be a list of {count}. Received: {drift['ulp']!r}")
    for steps in drift["ulp"]:
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
            raise InputError(f"ulp must be whole numbers of at least 0. Received: {steps!r}")
        yield Declaration(steps, reason=drift["reason"] if steps else "")


def _require(table: Any, what: str, allowed: set[str], required: set[str]) -> None:
    if not isinstance(table, dict):
        raise InputError(f"{what} must be a table. Received: {table!r}")
    if missing := sorted(required - set(table)):
        raise InputError(f"{what} must have {', '.join(sorted(required))}. Received: no {', '.join(missing)}")
    if unknown := sorted(set(table) - allowed):
        raise InputError(f"{what} may have {', '.join(sorted(allowed))}. Received: {', '.join(unknown)}")


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value:
        raise InputError(f"{key} must be a non-empty text. Received: {value!r}")
    return value


def _texts(table: Mapping[str, Any], key: str) -> list[str]:
    values = table[key]
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise InputError(f"{key} must be a non-empty list of texts. Received: {values!r}")
    return values
