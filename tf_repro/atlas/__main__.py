"""Merge recordings into the atlas: ``python -m tf_repro.atlas ATLAS.json RECORDING.json…``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tf_repro.atlas.bounds import judge
from tf_repro.atlas.recordings import Atlas, load, merge, save


def main(arguments: list[str]) -> int:
    """Merge and save; a file ``failed.json`` holds the releases that could not be recorded."""
    if len(arguments) < 2:
        print("usage: python -m tf_repro.atlas ATLAS.json RECORDING.json…", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    atlas = load(path) if path.exists() else Atlas()
    for name in arguments[1:]:
        content = json.loads(Path(name).read_text(encoding="utf-8"))
        if "probes" in content:
            merge(atlas, content)
        else:
            atlas.failed.update(content)
    judge(atlas)
    save(atlas, path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
