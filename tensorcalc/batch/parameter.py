"""Telling a parameter from a batch: what all samples share has no sample of its own.

Z = W X + b has one column a sample. ∂Z_ks/∂X_jt = I[s=t] W_kj ties the columns of X to them;
∂Z_ks/∂W_ji = I[k=j] X_is ties no axis of W to them: W is shared by all samples.
"""

from __future__ import annotations

from tensorcalc.derivation.samples import axis_of_samples, samples_word
from tensorcalc.derivation.stages import Edge, Stages, staged
from tensorcalc.errors import TensorCalcError
from tensorcalc.expr import Definition, Expr, Variable, toposort
from tensorcalc.structure import loose_ties
from tensorcalc.tensor import Tensor
from tensorcalc.wording import name_of, titled

__all__ = ["refuse_parameter"]

_WEIGHTS = ("W", "w", "theta", "θ", "beta", "β")


def refuse_parameter(of: Tensor, wrt: Tensor) -> None:
    """TensorCalcError if ``wrt`` is no batch, but a parameter that all samples share.

    Where it is open along which axis samples lie, a name decides: W and w are weights.
    """
    stages = staged(of.expr, wrt.expr)
    edges = [e for e in stages.into(stages.wrt) if e.of.ndim in (1, 2)]
    readings = [axis_of_samples(stages.of, e.of) for e in edges]
    known = [(e, r.axis) for e, r in zip(edges, readings, strict=True) if r.axis is not None]
    shares = [not _tied(e, axis) for e, axis in known]
    if known and all(shares):
        edge, axis = known[0]
        told = Tensor(edge.of)
        word = "entries" if edge.of.ndim == 1 else f"{samples_word(told, axis)}s"
        of_batch = name_of(told) if edge.of not in stages.named else "the batch"
        raise _is_parameter(of, wrt, stages, edge, f"the {word} of {of_batch} all share it")
    mixing = [e for e in edges if not all(_tied(e, axis) for axis in range(e.of.ndim))]
    if not known and mixing and name_of(wrt).startswith(_WEIGHTS):
        reason = "called as weights are, and nothing tells that it has one row or column a sample"
        raise _is_parameter(of, wrt, stages, mixing[0], reason)


def _tied(edge: Edge, axis: int) -> bool:
    """Whether some axis of the argument runs along with this axis of what is made of it."""
    ndim = edge.of.ndim
    return any(p == axis and q >= ndim for p, q in loose_ties(edge.value))


def _is_parameter(
    of: Tensor, wrt: Tensor, stages: Stages, edge: Edge, reason: str
) -> TensorCalcError:
    name = name_of(wrt)
    batch = _batch_beside(stages, edge)
    hint = f"explain_batch({name_of(of)}, {batch}) has ∂{name_of(of)}/∂{name} among its equations"
    if wrt.expr.ndim == 2:
        hint += f"; if the rows of {name} are the samples, give axis=0, if its columns are, axis=1"
    return TensorCalcError(
        f"explain_batch of {name_of(of)} by {titled(wrt)}: {name} is a parameter of the batch, "
        f"{reason}",
        f"give the batch quantity: {hint}",
    )


def _batch_beside(stages: Stages, edge: Edge) -> str:
    """The quantity with the samples: what the parameter makes, or what it multiplies."""
    if edge.of not in stages.named:
        return name_of(Tensor(edge.of))
    below = toposort([edge.of], lambda n: n is not edge.of and isinstance(n, Definition))
    others: list[Expr] = [
        n
        for n in below
        if isinstance(n, (Variable, Definition)) and n.ndim == 2 and n not in (stages.wrt, edge.of)
    ]
    return name_of(Tensor(others[0])) if others else "Z"
