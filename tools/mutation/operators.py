"""The small changes: what may be altered in a module, each as a mutant with a name that outlives edits elsewhere."""

from __future__ import annotations

import ast
import copy
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

# What takes the place of what. A comparison is moved by its boundary and turned round.
_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
_SILENT = frozenset({"__repr__", "__str__", "describe"})  # text for people
_COMPOUND = (ast.If, ast.While, ast.For, ast.With, ast.Try, ast.Match)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. `function` is the outermost function around it ("Class.method"), "" for code that runs at import.

    `lines` are the lines of the statement that must be run by a test for the change to matter.
    """

    module: str
    function: str
    line: str
    change: str
    nth: int
    lines: range
    site: int = field(compare=False)
    variant: int = field(compare=False)

    @property
    def id(self) -> str:
        """Eight digits that stay while the line, its function and the change stay."""
        text = "\n".join((self.module, self.function, self.line, self.change, str(self.nth)))
        return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class _Site:
    """A place that can change: the node, the function around it, the statement whose lines count, the new nodes."""

    node: ast.AST
    function: str
    statement: ast.AST
    changes: list[ast.AST]


def mutants_of(module: str, source: str) -> list[Mutant]:
    """All mutants of a module, in the order of the source. `module` is its path as it is to be named."""
    text = source.splitlines()
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for index, site in enumerate(_sites(ast.parse(source))):
        line = text[site.node.lineno - 1].strip()  # type: ignore[attr-defined]
        for variant, new in enumerate(site.changes):
            change = f"{_short(site.node)} -> {_short(new)}"
            key = (site.function, line, change)
            found.append(Mutant(module, site.function, line, change, seen[key], _lines(site.statement), index, variant))
            seen[key] += 1
    return found


def mutated(source: str, mutant: Mutant) -> ast.Module:
    """The module with that one change."""
    tree = ast.parse(source)
    site = next(site for index, site in enumerate(_sites(tree)) if index == mutant.site)
    new = site.changes[mutant.variant]
    for at in ast.walk(new):
        ast.copy_location(at, site.node)
    _Replace(site.node, new).visit(tree)
    return ast.fix_missing_locations(tree)


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old = old
        self._new = new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else self.generic_visit(node)


def _short(node: ast.AST) -> str:
    """The code of a node on one line; the heads of compound statements only."""
    return " ".join(ast.unparse(node).split())


def _lines(statement: ast.AST) -> range:
    """The lines of a statement, of a compound one those before its body."""
    first, last = statement.lineno, statement.end_lineno  # type: ignore[attr-defined]
    if isinstance(statement, (*_COMPOUND, ast.FunctionDef)) and getattr(statement, "body", None):
        last = max(first, statement.body[0].lineno - 1)
    return range(first, last + 1)


# ---- where something can change --------------------------------------------------------------------------------------


def _sites(tree: ast.Module) -> list[_Site]:
    """Every place of a module, always in the same order."""
    return list(_in_body(tree.body, "", ()))


def _in_body(body: list[ast.stmt], function: str, classes: tuple[str, ...]) -> Iterator[_Site]:
    for statement in body:
        if _is_docstring(statement) or isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass):
            continue
        if isinstance(statement, ast.ClassDef):
            if not any(_short(base) in ("TypedDict", "Protocol") for base in statement.bases):
                yield from _in_body(statement.body, function, (*classes, statement.name))
        elif isinstance(statement, ast.FunctionDef):
            yield from _in_function(statement, function, classes)
        elif not (isinstance(statement, ast.If) and _short(statement.test).endswith("TYPE_CHECKING")):
            yield from _in_statement(statement, function, classes)


def _in_function(node: ast.FunctionDef, function: str, classes: tuple[str, ...]) -> Iterator[_Site]:
    if node.name in _SILENT or any(_short(mark) == "overload" for mark in node.decorator_list):
        return
    for default in (*node.args.defaults, *node.args.kw_defaults):  # worked out when the function is made
        if default is not None:
            yield from _in_expression(default, function, default)
    yield from _in_body(node.body, function or ".".join((*classes, node.name)), ())


def _in_statement(statement: ast.stmt, function: str, classes: tuple[str, ...]) -> Iterator[_Site]:
    whole = _statement_changes(statement, bool(function))
    if whole:
        yield _Site(statement, function, statement, whole)
    for name, value in ast.iter_fields(statement):
        if name in ("body", "orelse", "finalbody"):
            yield from _in_body(value, function, classes)
        elif name == "handlers":
            for handler in value:
                yield from _in_body(handler.body, function, classes)
        elif name == "cases":
            for case in value:
                yield from _in_body(case.body, function, classes)
        elif name == "test" and not isinstance(value, ast.Compare | ast.BoolOp | ast.UnaryOp):
            yield _Site(value, function, statement, [ast.UnaryOp(ast.Not(), copy.deepcopy(value))])
            yield from _in_expression(value, function, statement)
        elif name != "annotation" and not isinstance(statement, ast.Raise):
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.AST):
                    yield from _in_expression(part, function, statement)


def _in_expression(node: ast.AST, function: str, statement: ast.AST) -> Iterator[_Site]:
    if isinstance(node, ast.JoinedStr):
        return
    changes = _expression_changes(node)
    if changes:
        yield _Site(node, function, statement, changes)
    for child in ast.iter_child_nodes(node):
        yield from _in_expression(child, function, statement)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


# ---- what it can change to -------------------------------------------------------------------------------------------


def _statement_changes(node: ast.stmt, in_function: bool) -> list[ast.AST]:
    """Deletions, another value to return, break and continue for each other."""
    if not in_function:
        return []
    if isinstance(node, ast.Return):
        if node.value is None:
            return [ast.Pass()]
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool):
            return []  # the constant itself changes
        if isinstance(node.value, ast.Constant) and node.value.value is None:
            return [ast.Pass()]
        return [ast.Return(ast.Constant(None))]
    if isinstance(node, ast.Break):
        return [ast.Continue(), ast.Pass()]
    if isinstance(node, ast.Continue):
        return [ast.Break(), ast.Pass()]
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Delete | ast.Assert):
        changes: list[ast.AST] = [ast.Pass()]
        if isinstance(node, ast.AugAssign) and type(node.op) in _BINARY:
            changes += [_with(node, op=_BINARY[type(node.op)]())]
        return changes
    if isinstance(node, ast.Assign) and all(isinstance(to, ast.Attribute | ast.Subscript) for to in node.targets):
        return [ast.Pass()]
    return []


def _expression_changes(node: ast.AST) -> list[ast.AST]:
    """The other operators, bounds and constants in the place of this one."""
    if isinstance(node, ast.Compare):
        return [
            _with(node, ops=[*node.ops[:at], other(), *node.ops[at + 1 :]])
            for at, op in enumerate(node.ops)
            for other in _COMPARE[type(op)]
        ]
    if isinstance(node, ast.BinOp):
        return [_with(node, op=_BINARY[type(node.op)]())] if type(node.op) in _BINARY else []
    if isinstance(node, ast.BoolOp):
        other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        return [_with(node, op=other)] + [_with(node, values=values) for values in _dropped(node.values)]
    if isinstance(node, ast.UnaryOp):
        return [] if isinstance(node.operand, ast.Constant) else [copy.deepcopy(node.operand)]
    if isinstance(node, ast.IfExp):
        return [copy.deepcopy(node.body), copy.deepcopy(node.orelse)]
    if isinstance(node, ast.Slice):
        bounds = {name: getattr(node, name) for name in ("lower", "upper", "step")}
        zero = isinstance(node.lower, ast.Constant) and node.lower.value == 0
        return [
            _with(node, **{name: None}) for name, bound in bounds.items() if bound and not (zero and name == "lower")
        ]
    if isinstance(node, ast.Constant):
        return _constant_changes(node.value)
    return []


def _dropped(values: list[ast.expr]) -> list[list[ast.expr]]:
    """For three operands and more: each left out once (with two, the change of the operator says enough)."""
    return [values[:at] + values[at + 1 :] for at in range(len(values))] if len(values) > 2 else []


def _constant_changes(value: object) -> list[ast.AST]:
    if isinstance(value, bool):
        return [ast.Constant(not value)]
    if isinstance(value, int):
        return [ast.Constant(value + 1), ast.Constant(value - 1 if value else -1)][: 2 if value else 1]
    return []


def _with(node: ast.AST, **changes: object) -> ast.AST:
    """A copy of a node with other fields."""
    new = copy.deepcopy(node)
    for name, value in changes.items():
        setattr(new, name, copy.deepcopy(value))
    return new
