"""Results as a Markdown table."""

_TITLES = {
    "softmax": "Softmax",
    "dense": "Cross-entropy, dense labels",
    "sparse": "Cross-entropy, sparse labels",
    "linear": "Linear layer and cross-entropy, mean",
}


def markdown(results):
    """A table for each operation: time and memory, their ratios over the first implementation, errors."""
    measured = ", ".join(f"{name} {value}" for name, value in results["provenance"].items())
    lines = ["# Forward and backward pass, float32", "", f"Measured on: {measured}.", "", *_accuracy(results["rows"])]
    for operation, title in _TITLES.items():
        rows = [row for row in results["rows"] if row["operation"] == operation]
        if not rows:
            continue
        lines += [f"## {title}", ""]
        lines.append(
            "| size | oneDNN | implementation | time, ms | ratio | peak MB | ratio | error: value, gradients |"
        )
        lines.append("|---|---|---|---:|---:|---:|---:|---|")
        for result in rows:
            size = " × ".join(map(str, result["size"]))
            case = f"| {size} | {result.get('onednn', '–')} "
            first = next(iter(result["implementations"].values()))
            for name, entry in result["implementations"].items():
                errors = ", ".join(f"{error:.0e}" for error in entry["error"])
                lines.append(
                    f"{case}| {name} | {entry['seconds'] * 1e3:.2f} | {_ratio(entry, first, 'seconds')} "
                    f"| {entry['peak_bytes'] / 1e6:.1f} | {_ratio(entry, first, 'peak_bytes')} | {errors} |"
                )
        lines.append("")
    return "\n".join(lines)


def _accuracy(rows):
    """Lines of the table of errors of softmax's gradient; none where they were not measured."""
    rows = [row for row in rows if row["operation"] == "accuracy"]
    if not rows:
        return []
    names = list(rows[0]["implementations"])
    lines = ["## Softmax's gradient, largest relative error of a row", ""]
    lines.append("| logits | upstream | classes | " + " | ".join(names) + " |")
    lines.append("|---|---|---:|" + "---:|" * len(names))
    for row in rows:
        errors = " | ".join(f"{row['implementations'][name]['error']:.0e}" for name in names)
        lines.append(f"| {row['scale']}·N(0,1) | N(0,1) + {row['offset']} | {row['size'][-1]} | {errors} |")
    return [*lines, ""]


def _ratio(entry, first, key):
    return f"{entry[key] / first[key]:.2f}" if first[key] > 0 else "–"
