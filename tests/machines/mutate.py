"""Plant single faults in the package and see which no test finds: tests/machines/mutate.py SOURCE… --tests TEST….

Each mutation changes one operator, constant, condition or returned value of one file, in a copy of the tracked files,
and runs the tests there until the first failure. What survives is printed with its line: either a test is missing, or
the two programs are equivalent.
"""

import argparse
import ast
import copy
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OTHER = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip


def mutations(tree):
    """Every (line, change), where the change alters the tree that it is given a node of."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and isinstance(node.body[0], ast.Expr)
    }
    annotations = {
        id(part)
        for node in ast.walk(tree)
        for noted in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if noted is not None
        for part in ast.walk(noted)
    }
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in docstrings | annotations:
            continue
        line = getattr(node, "lineno", 0)
        if isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in OTHER:
            yield line, number, "op"
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in OTHER:
            yield line, number, "ops"
        elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
            yield line, number, "value"
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
            yield line, number, "operand"
        elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
            yield line, number, "test"
        elif isinstance(node, ast.Return) and node.value is not None:
            yield line, number, "return"


def mutated(tree, number, kind):
    """A copy of the tree with one fault."""
    tree = copy.deepcopy(tree)
    node = list(ast.walk(tree))[number]
    if kind == "op":
        node.op = OTHER[type(node.op)]()
    elif kind == "ops":
        node.ops[0] = OTHER[type(node.ops[0])]()
    elif kind == "value":
        node.value = not node.value if isinstance(node.value, bool) else node.value + 1
    elif kind == "operand":
        node.op = ast.UAdd() if isinstance(node.op, ast.USub) else ast.Not()
        node.operand = node.operand if isinstance(node.op, ast.UAdd) else ast.UnaryOp(ast.Not(), node.operand)
    elif kind == "test":
        node.test = ast.UnaryOp(ast.Not(), node.test)
    else:
        node.value = ast.Constant(None)
    return ast.unparse(ast.fix_missing_locations(tree))


def survives(folder, tests):
    """Whether the tests pass in the folder; one that does not end counts as found."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", *tests]
    environment = os.environ | {"PYTHONPATH": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=900, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main():
    """Draw mutations, try each, and print those that survive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", type=Path, help="files of the package, from the root")
    parser.add_argument("--tests", nargs="+", required=True, help="what must find the faults, from the root")
    parser.add_argument("--count", type=int, default=20, help="how many mutations to draw")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = [
        (source, *each)
        for source in options.sources
        for each in mutations(ast.parse((ROOT / source).read_text(encoding="utf-8")))
    ]
    drawn = random.Random(options.seed).sample(found, min(options.count, len(found)))
    with tempfile.TemporaryDirectory(prefix="tf_repro-") as name:
        folder = Path(name)
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
        if not survives(folder, options.tests):
            raise SystemExit("the tests must pass without a fault")
        survivors = 0
        for source, line, number, kind in drawn:
            before = (folder / source).read_text(encoding="utf-8")
            (folder / source).write_text(mutated(ast.parse(before), number, kind), encoding="utf-8")
            alive = survives(folder, options.tests)
            (folder / source).write_text(before, encoding="utf-8")
            survivors += alive
            text = before.splitlines()[line - 1].strip()
            print(f"{'SURVIVES' if alive else 'found   '} {source}:{line} {kind}: {text}", flush=True)
    print(f"{survivors} of {len(drawn)} mutations survive, of {len(found)} that there are")


if __name__ == "__main__":
    main()
