"""Plant single faults in the package and see which no test finds: tests/machines/mutate.py [SOURCE…] [--count N].

Each mutation changes one operator, constant, condition or returned value of one file, in a copy of the tracked files,
and runs there the tests of the file's room until the first failure, its own tests first. What survives is printed with
its line: either a test is missing, or the two programs are equivalent. TensorFlow is imported once, and every mutation
tried in a fork of that process.
"""

import argparse
import ast
import concurrent.futures
import os
import queue
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OTHER = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
# The tests of the sources whose path begins so, the longest beginning first; they mirror the rooms elsewhere.
TESTS = {
    "tf_repro/layers/linear": ["tests/layers/test_linear_cross_entropy.py", "tests/layers"],
    "tf_repro/losses/": ["tests/test_losses.py", "tests/test_losses_divergences.py", "tests/keras/test_losses_get.py"],
    "tf_repro/__init__": ["tests/test_keras_backend.py", "tests/cli/test_cli.py"],
    "tf_repro/migrate/": ["tests/migrate", "tests/cli/test_check.py"],
    "tf_repro/migrate/bisection/": ["tests/migrate/checker/test_planted_rounding.py", "tests/migrate/checker"],
    "tf_repro/migrate/checker/": ["tests/migrate/checker/test_planted_faults.py", "tests/migrate/checker"],
    "tf_repro/migrate/checkpoint": ["tests/migrate/test_checkpoint.py", "tests/migrate/test_checkpoint_files.py"],
    "tf_repro/migrate/diagnosis/": ["tests/migrate/diagnosis", "tests/migrate/checker/test_planted_faults.py"],
    "tf_repro/migrate/draws": ["tests/migrate/test_draws.py", "tests/migrate/checker/test_deterministic_draws.py"],
    "tf_repro/migrate/scanner/": ["tests/migrate/scanner", "tests/cli/test_scan.py"],
    "tf_repro/migrate/skeleton": ["tests/cli/test_init.py"],
    "tf_repro/nn/cross": ["tests/nn/test_cross_entropy.py", "tests/nn/test_cross_entropy_edges.py", "tests/nn"],
    "tf_repro/nn/divergence": ["tests/nn/test_divergences.py", "tests/nn/test_linear_divergences.py"],
    "tf_repro/nn/linear": [
        "tests/nn/test_linear_cross_entropy.py", "tests/nn/test_linear_options.py", "tests/nn/test_linear_edges.py",
        "tests/nn/test_linear_divergences.py", "tests/layers/test_linear_cross_entropy.py",
    ],
    "tf_repro/nn/sharded": ["tests/distribution"],
    "tf_repro/optimizers/": ["tests/test_optimizers.py"],
    "tf_repro/ports/": ["tests/ports", "tests/suite/test_run.py"],
    "tf_repro/programs/": ["tests/programs", "tests/migrate/test_recording.py", "tests/suite/test_run.py"],
    "tf_repro/report/": ["tests/report", "tests/cli"],
    "legacy_tf1/atlas/": ["tests/legacy_tf1/test_atlas.py", "tests/atlas"],
    "legacy_tf1/": ["tests/legacy_tf1", "tests/programs/test_tf1.py", "tests/suite/test_run.py"],
}  # fmt: skip


def mutations(text):
    """Every (node to replace, the source that replaces it) of a file."""
    tree = ast.parse(text)
    annotations = [
        noted for node in ast.walk(tree) for name in ("annotation", "returns") if (noted := getattr(node, name, None))
    ]
    strings = [
        node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
    ]  # their positions are wrong before Python 3.12
    left_out = {id(part) for node in annotations + strings for part in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in OTHER:
            changed = {"op": OTHER[type(node.op)]()}
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in OTHER:
            changed = {"ops": [OTHER[type(node.ops[0])](), *node.ops[1:]]}
        elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
            changed = {"value": not node.value if isinstance(node.value, bool) else node.value + 1}
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
            yield node, ast.unparse(node.operand)
            continue
        elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
            yield node.test, f"not ({ast.unparse(node.test)})"
            continue
        elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
            yield node.value, "None"
            continue
        else:
            continue
        yield node, ast.unparse(type(node)(**{**dict(ast.iter_fields(node)), **changed}))


def mutated(text, node, replacement):
    """The text with the replacement, in brackets, where the node stands."""
    lines = text.encode().splitlines(keepends=True)
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (before + f"({replacement})".encode() + after).decode()


def tests_of(source):
    """A source's own examples, then the tests of its room, those first that mention most what it defines."""
    path = Path(source)
    mirrored = Path("tests", *path.parts[1:-1])
    while not (ROOT / mirrored).is_dir():
        mirrored = mirrored.parent
    beginning = max((each for each in TESTS if source.startswith(each)), key=len, default=None)
    room = (
        TESTS[beginning] if beginning else [f"tests/test_{path.name}"] if mirrored == Path("tests") else [str(mirrored)]
    )
    files = [
        file for each in room for file in ([ROOT / each] if each.endswith(".py") else (ROOT / each).rglob("test_*.py"))
    ]
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    named = {getattr(node, "name", "_") for node in tree.body} | {
        path.parent.name if path.stem == "__init__" else path.stem
    }
    words = [name for name in named if not name.startswith("_")]

    def mentions(file):
        text = file.read_text(encoding="utf-8") + file.stem
        return -sum(text.count(word) for word in words)

    ordered = [str(file.relative_to(ROOT)) for file in sorted(dict.fromkeys(files), key=mentions)]
    return [source, *ordered] if source.startswith("tf_repro/") else ordered


def passes(folder, tests, limit):
    """Whether the tests pass in the folder, run in a fork of this process; None if they do not end."""
    child = os.fork()
    if child == 0:
        os.setsid()
        os.chdir(folder)
        silent = os.open(folder / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        sys.path.insert(0, str(folder))
        os.environ["PYTHONPATH"] = str(folder)
        import pytest

        os._exit(pytest.main(["-q", "-x", "--tb=no", "-p", "no:cacheprovider", "-p", "no:randomly", *tests]))
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.1)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def attempt(folders, source, node, replacement, limit):
    """What becomes of one mutation: "found", "endless" or "SURVIVES", with the test that found it."""
    folder = folders.get()
    before = (folder / source).read_text(encoding="utf-8")
    (folder / source).write_text(mutated(before, node, replacement), encoding="utf-8")
    verdict = {True: "SURVIVES", False: "found", None: "endless"}[passes(folder, tests_of(source), limit)]
    (folder / source).write_text(before, encoding="utf-8")
    failed = [
        line.split()[1] for line in (folder / "output.txt").read_text().splitlines() if line[:6] in ("FAILED", "ERROR ")
    ]
    folders.put(folder)
    return verdict, failed[0] if failed and verdict == "found" else ""


def tracked():
    """The tracked files, from the root."""
    return subprocess.run(["git", "ls-files"], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout.split()


def copies(number, parent):
    """A queue of so many copies of the tracked files."""
    folders = queue.Queue()
    for each in range(number):
        folder = Path(parent, str(each))
        folder.mkdir()
        archive = subprocess.run(["tar", "-c", *tracked()], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        folders.put(folder)
    return folders


def main():
    """Draw mutations, try each, and print what becomes of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", help="files of the package, from the root (every file if none is given)")
    parser.add_argument("--count", type=int, default=20, help="how many mutations to draw")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="how many to try at a time")
    parser.add_argument("--limit", type=float, default=900, help="seconds after which one counts as found")
    options = parser.parse_args()
    sources = options.sources or [
        each for each in tracked() if each.startswith(("tf_repro/", "legacy_tf1/")) and each.endswith(".py")
    ]
    texts = {source: (ROOT / source).read_text(encoding="utf-8") for source in sources}
    found = [(source, *each) for source, text in texts.items() for each in mutations(text)]
    drawn = random.Random(options.seed).sample(found, min(options.count, len(found)))
    import keras  # noqa: F401
    import tensorflow  # noqa: F401  what the forks share; no operation runs here, which would start its threads

    survivors = 0
    with (
        tempfile.TemporaryDirectory(prefix="tf_repro-") as name,
        concurrent.futures.ThreadPoolExecutor(options.jobs) as pool,
    ):
        folders = copies(options.jobs, name)
        tried = {pool.submit(attempt, folders, *each, options.limit): each for each in drawn}
        for future in concurrent.futures.as_completed(tried):
            source, node, replacement = tried[future]
            verdict, test = future.result()
            survivors += verdict == "SURVIVES"
            change = f"{ast.get_source_segment(texts[source], node)} -> {replacement}".replace("\n", " ")
            print(f"{verdict:8} {source}:{node.lineno} {change}  {test}", flush=True)
    print(f"{survivors} of {len(drawn)} mutations survive, of {len(found)} that there are")


if __name__ == "__main__":
    main()
