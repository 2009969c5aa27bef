"""What decides the statements on the reverse sweep and the cosine."""

from __future__ import annotations

from typing import Any


def decide(record: Any) -> dict[str, dict[str, Any]]:
    """The statements of the document that a number decides, from any engine's Record."""
    before, after = record["before, cosine"], record["after, cosine"]
    return {
        "after, cost y0·y": {"w_of_y1_times_y": record["after"]["w"]},
        "cosine": {
            "within_one": abs(float(before["cost"])) <= 1 and abs(float(after["cost"])) <= 1,
            "descent_turns_away": bool(after["cost"] < before["cost"]),
        },
    }
