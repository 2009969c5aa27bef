"""A TF1 program's file as what it defines: ``build()``'s dict, its form checked, or what a script runs."""

import ast
import contextlib
import os
import re
import sys
import traceback
import types

if __package__:
    from legacy_tf1 import program_script
    from legacy_tf1.program_feeds import ProgramError, is_dense_number
else:
    import program_script
    from program_feeds import ProgramError, is_dense_number


@contextlib.contextmanager
def command_line_of(path):
    """While it lasts, the program's own flags have their defaults, whatever the checker was given."""
    before, sys.argv = sys.argv, [path]
    try:
        yield
    finally:
        sys.argv = before


def built(path, function, inputs, tf=None, script=None):
    """What the function of the file returns for the inputs, its form checked; or what a script without it runs."""
    name = os.path.basename(path)
    if tf is not None and function == "build" and is_script(path):
        return taken_from_script(tf, path, inputs, script or {})
    module = load(path)
    if not callable(getattr(module, function, None)):
        raise ProgramError(f"a program must define {function}(). Received: {name} without one")
    try:
        program = getattr(module, function)(**inputs)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a program raises what it likes
        raise ProgramError(failure(f"{function}() must succeed", error, path)) from None
    check_form(program, function, name)
    return program


def check_form(program, function, name):
    """Refuse what is not a program's description."""
    rule = function + "() of a TF1 program must return {'placeholders': {…}, 'fetches': {…}, 'train': …}. Received: "
    if not isinstance(program, dict):
        raise ProgramError(rule + f"{type(program).__name__} from {name}")
    unknown = set(program) - {"placeholders", "fetches", "train", "feeds", "gradients"}
    missing = {"placeholders", "fetches"} - set(program)
    if unknown or missing:
        raise ProgramError(rule + "the keys {} from {}".format(", ".join(sorted(map(str, program))) or "none", name))
    for key in ("placeholders", "fetches"):
        if not isinstance(program[key], dict):
            raise ProgramError(f"{key!r} must be a dict by name. Received: {type(program[key]).__name__}")
    for key, tensor in program["fetches"].items():
        if not is_dense_number(tensor):
            kind = "{} of dtype {}".format(
                type(tensor).__name__, getattr(getattr(tensor, "dtype", None), "name", "none")
            )
            raise ProgramError(f"fetches must be dense tensors of real numbers. Received: {key!r}, a {kind}")
    for key, tensor in program["placeholders"].items():
        if not hasattr(tensor, "graph") or "Placeholder" not in getattr(getattr(tensor, "op", None), "type", ""):
            raise ProgramError(f"placeholders must be tf.placeholder tensors. Received: {key!r} = {tensor}")


def is_script(path):
    """Whether the file defines no ``build``."""
    with open(path, encoding="utf-8") as file:
        try:
            tree = ast.parse(file.read())
        except (SyntaxError, ValueError):
            return False
    return not any("build" in names or "*" in names for names in map(defined_names, tree.body))


def defined_names(statement):
    """The names that a statement of a module defines: a function, a class, an assignment or an import."""
    if isinstance(statement, ast.ImportFrom):
        return [alias.asname or alias.name for alias in statement.names]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return [statement.name] if isinstance(statement, (ast.FunctionDef, ast.ClassDef)) else []


def taken_from_script(tf, path, inputs, options):
    """What ``build()`` of the script would return."""
    if inputs:
        raise ProgramError(
            "inputs are those of build(). Received: {} for {}, a script without one".format(
                ", ".join(sorted(inputs)), os.path.basename(path)
            )
        )
    try:
        return program_script.content(tf, path, **options)
    except ProgramError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a program raises what it likes
        raise ProgramError(failure("a script must run up to its steps of training", error, path)) from None


def load(path):
    """The file as a module; an exception in it becomes one line."""
    module = types.ModuleType("legacy_program")
    module.__file__ = path
    try:
        with open(path, encoding="utf-8") as file:
            exec(compile(file.read(), path, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a program raises what it likes
        raise ProgramError(failure("a program must load", error, path)) from None
    return module


def failure(rule, error, path):
    """What broke the rule in one line; where the program ended itself, how to keep it from that."""
    if not isinstance(error, SystemExit):
        return "{}. Received: {}".format(rule, explain(error, path))
    mend = "guard it by if __name__ == '__main__':" if rule.endswith("load") else "take it out"
    return "a program must not end its process. Received: {}; {}".format(explain(error, path), mend)


def explain(error, path):
    """An exception in one line, with the last line of the program that it passed through."""
    frames = [frame for frame in traceback.extract_tb(sys.exc_info()[2]) if frame[0] == path]
    place = f"{os.path.basename(path)}, line {frames[-1][1]}" if frames else os.path.basename(path)
    failed_node = re.search(r"\nNode: .*\n(.*)", str(error))
    text = " ".join((failed_node.group(1) if failed_node else str(error)).split())
    return f"{place}: {type(error).__name__}: {text[:300]}"
