"""The shape of the package holds: imports go down only, the pure floors stay pure, and everything stays small.

The floors are the map in `trio_gateway/__init__.py`. Function lines count from the first statement
after the docstring to the last line; imports under `if TYPE_CHECKING:` are no imports.
"""

from __future__ import annotations

import ast
import math
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "trio_gateway"


def read_map(folder: str) -> dict[str, int]:
    """Read how high each part of a folder stands, from the map in the folder's own docstring."""
    text = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text(encoding="utf-8")))
    return {part: int(floor) for part, floor in re.findall(r"^ +(\w+)/? +(\d) ", text, re.MULTILINE)}


FLOORS = read_map(PACKAGE) | {"": 99}
"""The height of each part of the package; the package itself stands on top."""

GATEWAY = f"{PACKAGE}.gateway"
GATEWAY_FLOORS = read_map(f"{PACKAGE}/gateway")
"""The same within the largest part, in which the modules beside the folders stand on top."""

PURE = {"model", "settings", "wire", "session"}
DOORS = {f"{GATEWAY}.transport", f"{PACKAGE}.client"}
"""The two parts that may import trio_websocket, in one module each."""

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


@attrs.frozen
class Module:
    """Hold one module of the package: its dotted name, its text and its syntax tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def part(self) -> str:
        """Name the part of the package, as FLOORS does; empty for the package itself."""
        return self.name.partition(".")[2].partition(".")[0]

    @property
    def imports(self) -> set[str]:
        """Name every module and every imported name, dotted, that this module needs at run time."""
        return set(imported(self.tree))


def load(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(name, path, text, ast.parse(text, str(path)))


def run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from run_time_nodes(child)


def imported(tree: ast.Module) -> Iterator[str]:
    for node in run_time_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = [load(path) for path in sorted((ROOT / PACKAGE).rglob("*.py"))]
NAMES = {module.name for module in MODULES}
FUNCTIONS = [(module, node) for module in MODULES for node in ast.walk(module.tree) if isinstance(node, FUNCTION)]


def libraries(module: Module) -> set[str]:
    return {name.partition(".")[0] for name in module.imports}


def needed(module: Module) -> set[str]:
    """Find the package's own modules that a module imports."""
    own = {name if name in NAMES else name.rpartition(".")[0] for name in module.imports}
    return {name for name in own if name in NAMES and name != module.name}


def part_of(name: str) -> str:
    return name.partition(".")[2].partition(".")[0]


def gateway_floor(name: str) -> int:
    """Tell how high a module of the gateway stands in it; those beside its folders stand on top."""
    part = name.removeprefix(f"{GATEWAY}.").partition(".")[0]
    return GATEWAY_FLOORS.get(part, max(GATEWAY_FLOORS.values()))


def goes_down(part: str, other: str) -> bool:
    return part == other or FLOORS[other] < FLOORS[part]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[math.ceil(share * len(values)) - 1]


def is_aside(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(each).endswith(("overload", ".setter")) for each in function.decorator_list)


def public(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the public classes and functions of a module and of its public classes; overloads and setters aside."""
    for child in getattr(node, "body", ()):
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield child
            yield from public(child)
        elif isinstance(child, FUNCTION) and not child.name.startswith("_") and not is_aside(child):
            yield child


def test_every_part_of_the_package_stands_on_the_map():
    assert {module.part for module in MODULES} <= FLOORS.keys()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_imports_go_down_only(module):
    up = [name for name in needed(module) if not goes_down(module.part, part_of(name))]

    assert up == [], f"{module.name} imports from its own floor or above"


@pytest.mark.parametrize("module", [each for each in MODULES if each.part == "gateway"], ids=lambda module: module.name)
def test_within_the_gateway_imports_go_down_only(module):
    others = [name for name in needed(module) if name.startswith(f"{GATEWAY}.")]
    up = [name for name in others if gateway_floor(name) > gateway_floor(module.name)]

    assert up == [], f"{module.name} imports from above"


@pytest.mark.parametrize("module", [each for each in MODULES if each.part in PURE], ids=lambda module: module.name)
def test_the_pure_floors_import_neither_trio_nor_redis(module):
    assert libraries(module) & {"trio", "redis", "hiredis", "socket", "trio_websocket"} == set()


def test_one_module_at_each_end_of_a_connection_imports_trio_websocket():
    users = [module.name for module in MODULES if "trio_websocket" in libraries(module)]

    assert len(users) <= 2, users
    assert len({name.rpartition(".")[0] for name in users}) == len(users)
    assert {name.rpartition(".")[0] for name in users} <= DOORS


def test_no_imports_go_in_a_circle():
    graph = {module.name: needed(module) for module in MODULES}
    while leaves := [name for name, others in graph.items() if not others & graph.keys()]:
        for name in leaves:
            del graph[name]

    assert graph == {}, "these modules import each other, or such that do"


def test_files_are_short():
    lengths = {module.path: len(module.text.splitlines()) for module in MODULES}

    assert {path: length for path, length in lengths.items() if length > 400} == {}
    assert statistics.median(lengths.values()) <= 150


def test_functions_are_short():
    lengths = [body_lines(function) for _, function in FUNCTIONS]
    long = [f"{module.path}:{each.lineno} {each.name}" for module, each in FUNCTIONS if body_lines(each) > 50]

    assert long == []
    assert statistics.median(lengths) <= 8
    assert percentile(lengths, 0.9) <= 25


def test_nine_of_ten_public_names_have_a_docstring():
    names = [(module, node) for module in MODULES for node in public(module.tree)]
    bare = [f"{module.path}:{node.lineno} {node.name}" for module, node in names if not ast.get_docstring(node)]

    assert len(bare) <= len(names) * 0.1, bare


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_every_file_opens_with_its_rule(module):
    assert ast.get_docstring(module.tree)
