"""Imports go downwards only, and the core needs nothing but NumPy and opt_einsum."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tensorcalc

# Each module or sub-package imports from the lines above its own, and within its sub-package.
LAYERS = (
    "absent errors",
    "function_values options shapes",
    "expr",
    "functions kinds special steps",
    "local rewrite",
    "simplify",
    "chain layout regroup structure",
    "display slopes",
    "tensor values evaluate",
    "reductions",
    "operations wording",
    "vocabulary",
    "codegen derivative",
    "backends",
    "explicit evaluation presentation",
    "forms reading",
    "language check",
    "derivation interop tracing",
    "backprop batch plot",
    "__init__",
    "cli",
    "__main__",
)
LAYER = {unit: layer for layer, units in enumerate(LAYERS) for unit in units.split()}

# Where an import may stand inside a function: the edges, where optional libraries are used.
LAZY = (
    "__main__",
    "backends",
    "backprop.data",
    "backprop.demo",
    "cli",
    "display",
    "interop",
    "plot",
)

OPTIONAL = {"IPython", "jax", "matplotlib", "numba", "rich", "scipy", "sklearn", "sympy", "torch"}

ROOT = Path(tensorcalc.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(ROOT.rglob("*.py"))
}

each_module = pytest.mark.parametrize("module", MODULES)


def statements(nodes, inside=False):
    """Every import that runs, and whether it stands inside a function."""
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, inside
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from statements(node.orelse, inside)
        else:
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from statements(ast.iter_child_nodes(node), inside or function)


def names(node, module):
    """Full dotted names of what an import statement of ``module`` brings in."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    package = ["tensorcalc", *module.split(".")][: -node.level] if node.level else []
    source = ".".join([*package, *filter(None, [node.module])])
    return [f"{source}.{alias.name}" for alias in node.names]


def imports(module):
    """Pairs of an imported name and whether it is imported inside a function."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    return [(name, inside) for node, inside in statements([tree]) for name in names(node, module)]


def unit(name):
    """The module or sub-package of tensorcalc that a dotted name of it stands in."""
    first = name.split(".")[1:2]
    return first[0] if first and first[0] in {m.split(".")[0] for m in MODULES} else "__init__"


@each_module
def test_imports_go_to_lower_layers(module):
    here = module.split(".")[0]
    assert here in LAYER, f"give tensorcalc/{here} a layer in {Path(__file__).name}"
    targets = {unit(name) for name, _ in imports(module) if name.split(".")[0] == "tensorcalc"}
    assert [t for t in sorted(targets - {here}) if LAYER.get(t, -1) >= LAYER[here]] == []


def test_the_architecture_document_shows_these_layers():
    document = Path(__file__).parent.parent / "docs" / "architecture.md"
    if not document.is_file():
        pytest.skip("the source archive has no docs")
    text = document.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", text, re.MULTILINE)
    shown = [sorted(re.findall(r"`(\w+)/?`", modules)) for _, modules in rows]
    assert [int(layer) for layer, _ in rows] == list(range(len(LAYERS)))
    there = {module.split(".")[0] for module in MODULES}
    assert shown == [sorted(there & set(units.split())) for units in LAYERS]


@each_module
def test_imports_inside_functions_stand_at_the_edges(module):
    if not f"{module}.".startswith(tuple(f"{name}." for name in LAZY)):
        assert [name for name, inside in imports(module) if inside] == []


@each_module
def test_modules_need_only_the_core_dependencies(module):
    core = {*sys.stdlib_module_names, "numpy", "opt_einsum", "tensorcalc"}
    on_import = {name.split(".")[0] for name, inside in imports(module) if not inside}
    assert on_import <= core


def test_importing_the_library_loads_no_optional_library():
    code = "import sys; old = set(sys.modules); import tensorcalc; print(*set(sys.modules) - old)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert "tensorcalc" in loaded
    assert OPTIONAL & {name.split(".")[0] for name in loaded} == set()
