"""Make the picture that opens the README, wide and for a telephone: ``python docs/pictures.py``."""

from pathlib import Path

from tf_repro import atlas
from tf_repro.report.pictures import heat
from tf_repro.suite import claims

HERO = Path(__file__).with_name("hero.svg")
UPRIGHT = Path(__file__).with_name("hero-upright.svg")
STYLE = (
    "<style>svg { color: #1c1e21 } @media (prefers-color-scheme: dark) { svg { color: #e5e3de } }</style>"  # page's ink
)


def hero(*, upright: bool = False) -> str:
    """The figures of a document on every release of the atlas, as an SVG that stands alone, in either colour scheme."""
    drawn = heat.releases(claims.load("softmax_backprop"), atlas.load(), upright=upright).svg
    head, title, rest = drawn.partition("<title")
    return f"{head}{STYLE}\n{title}{rest}\n"


if __name__ == "__main__":
    HERO.write_text(hero(), encoding="utf-8")
    UPRIGHT.write_text(hero(upright=True), encoding="utf-8")
