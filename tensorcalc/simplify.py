"""Rewriting: named rules in a table whose order can be read, and the engine that applies them.

A rule is a pure function from a node to a simpler node of the same shape, or None. Rules
never see a recorder: ``rewrites`` yields every application as a ``Step``; ``simplify`` keeps
only the last expression and remembers it on the node.

Sharing is kept. Only deltas, ones, numbers and pure views are absorbed by their consumers;
a contraction of two real factors stays a node of its own, since flattening it into every
consumer makes the cost of a gradient grow with the square of the depth. Names
(``Definition``) are leaves here: what they stand for is simplified where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    Ones,
    Select,
    Special,
    toposort,
    unknown_below,
)
from tensorcalc.rewrite.entries import apply_to_numbers, combine_powers, push_slice
from tensorcalc.rewrite.inverses import cancel_inverse, undo_inverse
from tensorcalc.rewrite.means import cancel_sizes, deviations_sum_to_zero
from tensorcalc.rewrite.products import (
    absorb_factors,
    contract_delta,
    contract_deltas,
    drop_ones,
    leave_out_nothing,
    multiply_numbers,
    pick_entry,
    undo_merge,
)
from tensorcalc.rewrite.quotients import (
    cancel_reciprocals,
    distribute,
    distribute_to_cancel,
    square_of_length,
    with_operand,
)
from tensorcalc.rewrite.recognise import (
    of_log_softmax,
    recognise_exponentials,
    recognise_log_softmax,
    recognise_softmax,
    recognise_softplus,
    softmax_sums_to_one,
)
from tensorcalc.rewrite.sums import collect_terms, factor_delta, open_inner_sums
from tensorcalc.steps import Rule, Step

__all__ = ["RULES", "rebuild", "rewrites", "simplify", "substitute"]


def expand_where_shorter(e: Expr) -> Expr | None:
    """Products of sums are multiplied out where terms then cancel: (1−λ)a − λ(1−a) = a − λ.

    Only sums and products of names: expanding what was built up would undo its sharing.
    """
    if not isinstance(e, Add) or not any(map(_expandable, e.terms)):
        return None
    if not all(_is_polynomial(term, 3) for term in e.terms):
        return None
    expanded: list[Expr] = []
    for term in e.terms:
        expanded.extend(_expanded(term))
        if len(expanded) > 32:
            return None
    shorter = simplify(Add(expanded))
    return shorter if _weight(shorter) < _weight(e) else None


def _expandable(term: Expr) -> bool:
    return isinstance(term, Einsum) and any(isinstance(f, Add) for f in term.operands)


def _is_polynomial(e: Expr, levels: int) -> bool:
    """Whether an expression is made of names and numbers by a few sums and products."""
    if isinstance(e, (Einsum, Add)):
        return levels > 0 and all(_is_polynomial(arg, levels - 1) for arg in e.args)
    return not isinstance(e, (Elementwise, Special, Select))


def _expanded(term: Expr) -> list[Expr]:
    done: list[Expr] = []
    waiting = [term]
    while waiting and len(done) + len(waiting) <= 32:
        t = waiting.pop(0)
        if not isinstance(t, Einsum):
            done.append(t)
            continue
        k = next((k for k, f in enumerate(t.operands) if isinstance(f, Add)), None)
        if k is None:
            done.append(t)
        else:
            waiting.extend(with_operand(t, k, part) for part in t.operands[k].args)
    return done + waiting


def _weight(e: Expr, levels: int = 4) -> int:
    """How long a sum of products is when written out, looking a few levels down."""
    if levels and isinstance(e, Add):
        return sum(_weight(term, levels - 1) for term in e.terms)
    if levels and isinstance(e, Einsum):
        factors = (f for f in e.operands if not isinstance(f, Constant))
        return sum(_weight(f, levels - 1) for f in factors) or 1
    return 1


def cancel_deviations(e: Expr) -> Expr | None:
    """Deviations from a mean sum to zero."""
    return deviations_sum_to_zero(e, simplify)


RULES: tuple[Rule, ...] = (
    Rule("leave out what does nothing", Einsum, leave_out_nothing, tidies=True),
    Rule("absorb the inner product", Einsum, absorb_factors, tidies=True),
    Rule("multiply the numbers", Einsum, multiply_numbers, tidies=True),
    Rule(
        "contract the Kronecker delta",
        Einsum,
        contract_delta,
        "Σ_k I[k=j] A_k = A_j",
        at_once=contract_deltas,
    ),
    Rule("drop the ones", Einsum, drop_ones, "Σ_i 1 = n", tidies=True),
    Rule("undo the merging", Einsum, undo_merge, "Σ_p I[p=(i,j)] I[p=(k,l)] = I[i=k] I[j=l]"),
    Rule("pick the entry", Einsum, pick_entry, "Σ_q I[q=c] A_q = A_c"),
    Rule("‖u‖ · ‖u‖ = ‖u‖²", Einsum, square_of_length),
    Rule("exp(u) σ(−u) = σ(u)", Einsum, recognise_exponentials),
    Rule("recognise the softmax", Einsum, recognise_softmax, "exp(u) / Σ exp(u) = softmax(u)"),
    Rule("the softmax sums to 1", Einsum, softmax_sums_to_one, "Σ softmax(u) = 1"),
    Rule("deviations sum to zero", Einsum, cancel_deviations, "Σ_i (x_i − x̄) = 0"),
    Rule("cancel the size", Einsum, cancel_sizes, "Σ_i 1 / n = 1", tidies=True),
    Rule("cancel against the inverse", Einsum, cancel_inverse, "B (A B)⁻¹ = A⁻¹"),
    Rule("cancel the reciprocal", Einsum, cancel_reciprocals, "u · (1/u) = 1"),
    Rule("multiply out over the sum", Einsum, distribute, "(A + I) B = A B + B"),
    Rule("multiply out to cancel", Einsum, distribute_to_cancel, "(p/u + q) u = p + q u"),
    Rule("collect equal terms", Add, collect_terms, "A + A = 2 A"),
    Rule("factor out the delta", Add, factor_delta, "I[i=j] a_i + I[i=j] = I[i=j] (a_i + 1)"),
    Rule("open the inner sum", Add, open_inner_sums, tidies=True),
    Rule("multiply out where terms cancel", Add, expand_where_shorter),
    Rule("evaluate at a number", Elementwise, apply_to_numbers, tidies=True),
    Rule("recognise the softplus", Elementwise, recognise_softplus, "log(1 + exp u) = softplus(u)"),
    Rule("recognise log softmax", Elementwise, recognise_log_softmax, "log softmax(u)"),
    Rule("combine the powers", Elementwise, combine_powers, "(uᵖ)^q = u^(pq)"),
    Rule("leave out what softmax ignores", Special, of_log_softmax),
    Rule("undo the inverse", Special, undo_inverse, "(X⁻¹)⁻¹ = X"),
    Rule("slice each factor", Select, push_slice, tidies=True),
)

RULES_FOR: dict[type[Expr], tuple[Rule, ...]] = {
    kind: tuple(rule for rule in RULES if rule.node is kind)
    for kind in dict.fromkeys(rule.node for rule in RULES)
}

_LEAVES = (Definition, Delta, Ones, Constant)


def is_leaf(e: Expr) -> bool:
    """Where rewriting does not look further down: names and atoms."""
    return isinstance(e, _LEAVES) or not e.args


def first_rule(node: Expr) -> tuple[Rule, Expr] | None:
    """The first rule of the table that rewrites ``node``, and what it gives, at once if it can."""
    for rule in RULES_FOR.get(type(node), ()):
        after = (rule.at_once or rule.apply)(node)
        if after is not None:
            assert after.shape == node.shape, f"{rule.name} changed the shape"
            return rule, after
    return None


def simplify(root: Expr) -> Expr:
    """The normal form: arguments first, then rules at the node until none applies.

    Should rules ever undo each other, the form that would come again is taken as it is.
    """
    stack: list[tuple[Expr, Expr | None]] = [(root, None)]
    under_way: set[Expr] = set()
    while stack:
        node, successor = stack.pop()
        if "normal" in node.memo:
            continue
        if successor is not None:
            under_way.discard(node)
            node.memo["normal"] = normal_of(successor) if "normal" in successor.memo else successor
            continue
        if is_leaf(node):
            node.memo["normal"] = None
            continue
        waiting = [arg for arg in node.args if "normal" not in arg.memo]
        if waiting:
            stack.append((node, None))
            stack.extend((arg, None) for arg in waiting)
            continue
        after = node.with_args(tuple(map(normal_of, node.args)))
        if after is node:
            applied = first_rule(node)
            if applied is None:
                node.memo["normal"] = None
                continue
            after = applied[1]
        under_way.add(node)
        stack.append((node, after))
        if after not in under_way:
            stack.append((after, None))
    return normal_of(root)


def normal_of(node: Expr) -> Expr:
    """The normal form already found; None stands for the node itself."""
    return node.memo["normal"] or node


def rewrites(root: Expr, rules: Iterable[Rule] = RULES) -> Iterator[Step]:
    """Apply rules one at a time, innermost node first, until none fires; yield every step."""
    rules = tuple(rules)
    while True:
        step = _next_step(root, rules)
        if step is None:
            return
        yield step
        root = step.after


def _next_step(root: Expr, rules: tuple[Rule, ...]) -> Step | None:
    for node in toposort([root], is_leaf):
        if is_leaf(node):
            continue
        for rule in rules:
            after = rule.apply(node) if isinstance(node, rule.node) else None
            if after is not None:
                assert after.shape == node.shape, f"{rule.name} changed the shape"
                whole = substitute(root, {node: after}, is_leaf)
                return Step(rule, root, whole, node, after)
    return None


def substitute(
    root: Expr, replacement: Mapping[Expr, Expr], leaf: Callable[[Expr], bool] | None = None
) -> Expr:
    """``root`` with nodes replaced; sharing is kept."""
    return rebuild(root, replacement.get, leaf) if replacement else root


def rebuild_once(root: Expr, change: Callable[[Expr], Expr | None], name: str) -> Expr:
    """``rebuild`` that remembers on each node, under ``name``, what became of it.

    Many roots over one graph cost one sweep. ``change`` must depend on nothing but the node.
    """
    for node in unknown_below(root, name, through_names=False):
        after = change(node)
        if after is None and not is_leaf(node):
            args = tuple(arg.memo[name] or arg for arg in node.args)
            after = node if args == node.args else node.with_args(args)
        node.memo[name] = None if after is node else after
    return root.memo[name] or root


def rebuild(
    root: Expr,
    change: Callable[[Expr], Expr | None],
    leaf: Callable[[Expr], bool] | None = is_leaf,
) -> Expr:
    """``root`` with ``change(node)`` in place of each node for which it is not None."""
    result: dict[Expr, Expr] = {}
    for node in toposort([root], leaf):
        changed = change(node)
        if changed is not None:
            result[node] = changed
        elif leaf is not None and leaf(node):
            result[node] = node
        else:
            args = tuple(result[arg] for arg in node.args)
            result[node] = node if args == node.args else node.with_args(args)
    return result[root]
