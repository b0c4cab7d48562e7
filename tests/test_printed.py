"""What is printed for random programs means what is computed: the text is read back."""

import re
import warnings

import numpy as np
import pytest
from formula_reader import read
from random_programs import VARIABLES, Writer, draw_values

import tensorcalc as tc
from tensorcalc.display.matrix import matrix_form
from tensorcalc.display.spelling import spell
from tensorcalc.expr import Definition, Select, Special, toposort
from tensorcalc.tensor import Tensor

# what the reader has no word for: slices of formulas, products and maxima along an axis
UNREAD = re.compile(
    r"[a-zA-Z0-9)]\[|[eI]\[|…|∏₋|(max|min|argmax|argmin|∏)\([^()]*\([^()]*axis|array"
)


def items(seed):
    """A quantity, its first derivative and, of a scalar by a vector, its second."""
    writer = Writer(seed)
    text = writer.program()
    p = tc.program(text, VARIABLES)
    present = [name for name in VARIABLES if re.search(rf"\b{name}\b", text)]
    yield text, p.result.expr
    if not present:
        return
    by = p[writer.random.choice(present)]
    first = tc.derivative(p.result, by)
    yield text, first.value
    if not first.of.expr.ndim and by.expr.ndim < 2:
        yield text, tc.derivative(p.result, by, by).value


def known_names(e, at):
    """The values of the variables and of the named intermediates below ``e``."""
    found = {n.name: Tensor(n) for n in toposort([e]) if isinstance(n, Definition)}
    return at | {name: np.asarray(quantity.evaluate(at)) for name, quantity in found.items()}


def is_readable(e, text):
    along = any(
        isinstance(n, Special)
        and n.argument.ndim > n.function.core
        and "soft" not in n.function.name
        for n in toposort([e])
    )
    sliced = any(isinstance(n, Select) for n in toposort([e]))
    return not along and not sliced and not UNREAD.search(text)


def wrong_formulas(seed):
    """Formulas that mean something else than what is computed; and how many were read."""
    at, wrong, count = draw_values(seed), [], 0
    for text, e in items(seed):
        form = matrix_form(e) if e.ndim <= 2 else None
        shown = spell(form) if form is not None else None
        if shown is None or not is_readable(e, shown):
            continue
        try:
            value = np.asarray(Tensor(e).evaluate(at))
        except tc.TensorCalcError:
            continue
        expected = value.reshape(-1, 1) if value.ndim == 1 else np.atleast_2d(value)
        found = read(shown, known_names(e, at), expected.shape)
        scale = max(1.0, float(np.abs(expected).max(initial=0)))
        count += 1
        if not np.allclose(found, expected, rtol=1e-8, atol=1e-9 * scale):
            wrong.append((text, shown))
    return wrong, count


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_a_printed_formula_means_what_is_computed(start):
    total = 0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for seed in range(start, start + 50):
            wrong, count = wrong_formulas(seed)
            assert not wrong
            total += count
    assert total > 20
