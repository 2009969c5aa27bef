"""Results as a Markdown table."""

_TITLES = {
    "softmax": "Softmax",
    "dense": "Cross-entropy, dense labels",
    "sparse": "Cross-entropy, sparse labels",
    "linear": "Linear layer and cross-entropy, mean",
}


def markdown(results):
    """A table for each operation: time and memory, their ratios over the first implementation, errors."""
    lines = ["# Forward and backward pass, float32", ""]
    for operation, title in _TITLES.items():
        rows = [result for result in results if result["operation"] == operation]
        if not rows:
            continue
        lines += [f"## {title}", ""]
        lines.append("| size | implementation | time, ms | ratio | peak MB | ratio | error: value, gradients |")
        lines.append("|---|---|---:|---:|---:|---:|---|")
        for result in rows:
            size = " × ".join(map(str, result["size"]))
            first = next(iter(result["implementations"].values()))
            for name, entry in result["implementations"].items():
                errors = ", ".join(f"{error:.0e}" for error in entry["error"])
                lines.append(
                    f"| {size} | {name} | {entry['seconds'] * 1e3:.2f} | {_ratio(entry, first, 'seconds')} "
                    f"| {entry['peak_bytes'] / 1e6:.1f} | {_ratio(entry, first, 'peak_bytes')} | {errors} |"
                )
        lines.append("")
    return "\n".join(lines)


def _ratio(entry, first, key):
    return f"{entry[key] / first[key]:.2f}" if first[key] > 0 else "–"
