"""The wording of errors: the whole message, its type and its hint."""

import pickle
import re

import numpy as np
import pytest

import tensorcalc as tc

W, x, y = tc.matrix("W", 5, 4), tc.vector("x", 4), tc.vector("y", 5)
A, S, T = tc.matrix("A", 4, 4), tc.scalar("S"), tc.tensor("T", 2, 3, 4)
M, n = tc.matrix("M", "m", "n"), tc.vector("n", "n")
v = tc.define("v", W @ x)
s = tc.define("s", tc.sigmoid(v))
E = tc.define("E", tc.norm(s - y) ** 2 / 2)
at = {"W": np.ones((5, 4)), "x": np.ones(4), "y": np.ones(5)}
NAMES = {
    **{name: value for name, value in globals().items() if len(name) < 3},
    "tc": tc,
    "np": np,
    "d": tc.derivative(E, W),
    "J": tc.derivative(s, v),
    "B": tc.derivative(v, W),
    "g": tc.derivative(E, s),
    "H": tc.hessian(E, x),
    "run": tc.derivative(E, W).compile(),
    "p": tc.parse("v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2", W=(5, 4), x=4, y=5),
    "f": tc.function("f"),
    "h": tc.function("h", np.tanh),
    "nan": np.nan,
    "k": np.ones((5, 5)),
}

# What somebody writes, the type and the message of the error it meets, and the hint.
TABLE = r"""
# points
tc.derivative(tc.norm(tc.log(x - 9)), x).verify()
    DomainError: no random point found at which ∂(‖log(x − 9 1)‖)/∂x is defined (60 tried): log has no finite value at all of them
    hint: give one: at=dict(x=…)

# dimensions and shapes
tc.vector("u", 0)
    DimensionError: a dimension of size 0
    hint: declare a size of 1 or more
tc.vector("u", -1)
    DimensionError: a dimension of size -1
    hint: declare a size of 1 or more
tc.vector("u", True)
    DimensionError: a dimension given as True
    hint: give a whole number such as 4 or a name such as "n"
tc.matrix("u", 2.5, 3)
    DimensionError: a dimension given as 2.5
    hint: give a whole number such as 4 or a name such as "n"
tc.vector("u", "a-b")
    DimensionError: a dimension given as 'a-b'
    hint: give a whole number such as 4 or a name such as "n"
tc.vector("u", 2.5)
    DimensionError: a shape given as 2.5
    hint: give an int, a tuple such as (5, 4), or names such as "k n"
tc.variable("u", None)
    DimensionError: a shape given as None
    hint: give an int, a tuple such as (5, 4), or names such as "k n"
tc.matrix("u", 4)
    ShapeError: matrix u declared with 1 dimension (4)
    hint: give 2, or use tc.variable('u', shape)
tc.matrix("u", 4, 5, 6)
    ShapeError: matrix u declared with 3 dimensions (4 × 5 × 6)
    hint: give 2, or use tc.variable('u', shape)
tc.vector("u", (4, 1))
    ShapeError: vector u declared with 2 dimensions (4 × 1)
    hint: give 1, or use tc.variable('u', shape)
tc.ones("a b")
    DimensionError: a dimension given as 'a b'
    hint: give a whole number such as 4 or a name such as "n"
# names
tc.vector("lambda", 4)
    TensorCalcError: a quantity named 'lambda'
    hint: choose a name such as W, x or delta_2
tc.scalar(3)
    TensorCalcError: a quantity named 3
    hint: choose a name such as W, x or delta_2
tc.define("two words", x)
    TensorCalcError: a quantity named 'two words'
    hint: choose a name such as W, x or delta_2
tc.define("x", 2 * x)
    NameClashError: x = 2 x already uses a quantity named x
    hint: choose another name for the new quantity
tc.derivative(E, tc.vector("W", 4))
    NameClashError: W names two quantities in one computation: a variable of shape 5 × 4 and a
        variable of shape 4
    hint: rename one of the two W
tc.compile([E, tc.define("s", 2 * x)])
    NameClashError: s names two quantities in one computation: an intermediate of shape 5 and an
        intermediate of shape 4
    hint: rename one of the two s
tc.function("f", 3)
    TensorCalcError: tc.function('f', value=3)
    hint: give value as a function of an array, such as np.tanh
tc.function("f", np.tanh, "slope")
    TensorCalcError: tc.function('f', derivative='slope')
    hint: give derivative as a function of an array, such as np.tanh
tc.function("f", derivative=np.tanh)
    TensorCalcError: tc.function('f', derivative=…) without its value
    hint: give value= as well
# constants
x + "a"
    ValueNotAllowedError: x (4 × 1) + 'a'
    hint: use a quantity, a number or an array
None @ x
    ValueNotAllowedError: x (4 × 1) @ None
    hint: use a quantity, a number or an array
x * {}
    ValueNotAllowedError: x (4 × 1) * a constant of type object (dict)
    hint: use real numbers, arrays of them, or quantities
tc.exp("x")
    ValueNotAllowedError: a constant of type <U1 (str)
    hint: use real numbers, arrays of them, or quantities
x * 1j
    ValueNotAllowedError: x (4 × 1) * a constant of type complex128 (complex)
    hint: use real numbers, arrays of them, or quantities
x + nan
    ValueNotAllowedError: x (4 × 1) + a constant with NaN or infinite entries
    hint: use finite numbers in formulas
x + d
    ValueNotAllowedError: x (4 × 1) + a constant of type object (Derivative)
    hint: use real numbers, arrays of them, or quantities
x * [1.0, float("inf"), 2.0, 3.0]
    ValueNotAllowedError: x (4 × 1) * a constant with NaN or infinite entries
    hint: use finite numbers in formulas
tc.define("u", [[1, 2], [3]])
    ValueNotAllowedError: a constant of type object (list)
    hint: use real numbers, arrays of them, or quantities
# broadcasting
x + y
    ShapeError: x (4 × 1) + y (5 × 1): two columns of different length
    hint: give x and y one size
x * y.T
    ShapeError: x (4 × 1) * yᵀ (1 × 5): a column with a row is not summed or multiplied entry by
        entry
    hint: transpose one of them, or write x @ y.T for their product
W * x
    ShapeError: W (5 × 4) * x (4 × 1)
    hint: did you mean W @ x?
W * A
    ShapeError: W (5 × 4) * A (4 × 4)
    hint: did you mean W @ A?
W + x
    ShapeError: W (5 × 4) + x (4 × 1)
    hint: entry by entry, a column fits the rows of a matrix and a row its columns
T + W
    ShapeError: T_klm (2 × 3 × 4) + W (5 × 4): they have different axes
    hint: match the axes with tc.einsum first
x / 0
    TensorCalcError: x (4 × 1) / 0
    hint: divide by something else
n + x
    ShapeError: n (n × 1) + x (4 × 1): two columns of different length
    hint: give n and x one size
# powers
x**"2"
    NotSupportedError: x (4 × 1) ** '2': the exponent is not a number
    hint: give a number or a quantity as exponent
x**nan
    NotSupportedError: x (4 × 1) ** nan: the exponent is not a number
    hint: give a number or a quantity as exponent
# products
x @ x
    ShapeError: x (4 × 1) @ x (4 × 1): the left has 1 column, the right has 4 rows
    hint: did you mean x.T @ x (a scalar) or x @ x.T (a matrix)?
x @ y
    ShapeError: x (4 × 1) @ y (5 × 1): the left has 1 column, the right has 5 rows
    hint: did you mean x @ y.T (a matrix)?
y @ W
    ShapeError: y (5 × 1) @ W (5 × 4): the left has 1 column, the right has 5 rows
    hint: did you mean y.T @ W?
W @ y
    ShapeError: W (5 × 4) @ y (5 × 1): the left has 4 columns, the right has 5 rows
    hint: did you mean W.T @ y?
W @ W
    ShapeError: W (5 × 4) @ W (5 × 4): the left has 4 columns, the right has 5 rows
    hint: did you mean W.T @ W?
A @ y
    ShapeError: A (4 × 4) @ y (5 × 1): the left has 4 columns, the right has 5 rows
    hint: the columns of A must be the rows of y
S @ x
    ShapeError: S (1 × 1) @ x (4 × 1): a scalar has no matrix product
    hint: write S * x
2 @ x
    ShapeError: 2 (1 × 1) @ x (4 × 1): a scalar has no matrix product
    hint: write 2 * x
W @ T
    ShapeError: W (5 × 4) @ T_klm (2 × 3 × 4): more than two axes
    hint: say which axes are summed with tc.einsum
M @ x
    ShapeError: M (m × n) @ x (4 × 1): the left has n columns, the right has 4 rows
    hint: the columns of M must be the rows of x
W @ y.T
    ShapeError: W (5 × 4) @ yᵀ (1 × 5): the left has 4 columns, the right has 1 row
    hint: did you mean y.T @ W?
M @ n.T
    ShapeError: M (m × n) @ nᵀ (1 × n): the left has n columns, the right has 1 row
    hint: did you mean M @ n?
# named products and reductions
tc.dot(x, y)
    ShapeError: dot of x (4 × 1) and y (5 × 1)
    hint: give them one size
tc.dot(x, W)
    ShapeError: dot of W (5 × 4)
    hint: give dot a vector
tc.outer(S, x)
    ShapeError: outer of S (1 × 1)
    hint: give outer a vector
tc.frobenius(W, A)
    ShapeError: frobenius of W (5 × 4) and A (4 × 4)
    hint: give them one shape
tc.trace(W)
    ShapeError: trace of W (5 × 4)
    hint: give trace a square matrix
tc.diag(A)
    ShapeError: diag of A (4 × 4)
    hint: give diag a vector
tc.diagonal(x)
    ShapeError: diagonal of x (4 × 1)
    hint: give diagonal a square matrix
tc.sum(W, 2)
    ShapeError: sum of W (5 × 4) along axis 2
    hint: axis is 0 (gives a row) or 1 (a column)
tc.mean(S, 0)
    ShapeError: mean of S (1 × 1) along axis 0
    hint: leave axis out: a scalar has no axes
tc.sum(T, 3)
    ShapeError: sum of T_klm (2 × 3 × 4) along axis 3
    hint: axis is a number from 0 to 2
tc.softmax(W)
    ShapeError: softmax of W (5 × 4) without an axis
    hint: give a vector, or say axis=0 (down each column) or axis=1
tc.softmax(x, 1)
    ShapeError: softmax of x (4 × 1) along an axis of one entry, where it is 1 or 0
    hint: leave axis out: softmax(x)
T.T
    ShapeError: the transpose of T_klm (2 × 3 × 4)
    hint: say which axes with tc.einsum('ijk->kji', …)
tc.einsum("ij,j", W, x)
    ShapeError: einsum('ij,j') of 2 operands
    hint: write one word per operand and the output, as in "ij,j->i"
tc.einsum("ij,j->k", W, x)
    ShapeError: einsum('ij,j->k') of 2 operands
    hint: write one word per operand and the output, as in "ij,j->i"
tc.einsum("ij,j->i", W)
    ShapeError: einsum('ij,j->i') of 1 operands
    hint: write one word per operand and the output, as in "ij,j->i"
tc.einsum("ijk,j->i", W, x)
    ShapeError: einsum: 'ijk' has 3 letters and W (5 × 4) has 2 axes
    hint: give one letter per axis (a column or a row has one)
tc.einsum("ij,j->i", W, y)
    ShapeError: einsum: j is 4 in W and 5 in y (5 × 1)
    hint: use different letters, or quantities that agree
# entries
x[4]
    ShapeError: x (4 × 1)[4]: entry 4 along an axis of size 4
    hint: choose an entry from 0 to 3
W[0, 4]
    ShapeError: W (5 × 4)[0, 4]: entry 4 along an axis of size 4
    hint: choose an entry from 0 to 3
x[0.5]
    NotSupportedError: x (4 × 1)[0.5]
    hint: give constant whole numbers or slices, such as x[0], A[0, 1] or A[:, 0]
W[0, 1, 2]
    ShapeError: W (5 × 4)[0, 1, 2]: 3 indices for 2 axes
    hint: give at most one index per axis
n[1:]
    NotSupportedError: n (n × 1)[1:]: a slice that depends on the size n
    hint: say where it ends, counting from 0, or declare the size as a number
W[3:3]
    ShapeError: W (5 × 4)[3:3]: a slice without entries
    hint: take at least one entry
n[100].evaluate(n=[1, 2])
    ShapeError: entry 100 along n, which has size 2
    hint: choose an entry from 0 to 1
tc.derivative(n, n)[7].evaluate(n=[1, 2])
    ShapeError: entry 7 along n, which has size 2
    hint: choose an entry from 0 to 1
# not a value
x == y
    NotSupportedError: x (4 × 1) == y (5 × 1): quantities have no values to compare
    hint: use tc.equal(a, b) for equality as functions, or `is` for the same quantity
x != 1
    NotSupportedError: x (4 × 1) != 1: quantities have no values to compare
    hint: use not tc.equal(a, b), or `is not`
bool(x)
    NotSupportedError: x (4 × 1) as a condition: a quantity has no value yet
    hint: decide on values after .evaluate(…)
list(W)
    NotSupportedError: a loop over W (5 × 4)
    hint: use its entries by number, or tc.einsum
float(S)
    NotSupportedError: S (1 × 1) as a number
    hint: evaluate it first: .evaluate(…)
np.asarray(x)
    NotSupportedError: x (4 × 1) as an array
    hint: evaluate it first: .evaluate(…)
# derivatives
tc.derivative(E, "W")
    TensorCalcError: the derivative of E (1 × 1) by the text 'W'
    hint: pass the quantity itself, or use p.derivative(…, 'W') of a program p
tc.derivative(E, W @ x)
    TensorCalcError: the derivative of E (1 × 1) by W x (5), which is no variable and has no
        name
    hint: name it first: u = tc.define('u', …)
tc.derivative(E, 3)
    TensorCalcError: the derivative of E (1 × 1) by 3, which is no quantity
    hint: give a variable or a named intermediate, such as x = tc.vector('x', 4)
tc.derivative(E, W.T)
    TensorCalcError: the derivative of E (1 × 1) by Wᵀ (4 × 5), which is no variable and has no
        name
    hint: name it first: u = tc.define('u', …)
tc.derivative(E, W, layout="row")
    LayoutError: a layout called 'row'
    hint: choose "numerator", "denominator" or "mixed"
tc.derivative(E, W, holding="v")
    TensorCalcError: the derivative of E (1 × 1) by the text 'v'
    hint: pass the quantity itself, or use p.derivative(…, 'v') of a program p
tc.derivative(E, W, holding=[2 * x])
    TensorCalcError: the derivative of E (1 × 1) by 2 x (4), which is no variable and has no
        name
    hint: name it first: u = tc.define('u', …)
tc.gradient(v, W)
    NotSupportedError: the gradient of v (5) by W: only a scalar has one
    hint: use the derivative itself, a 3-tensor
tc.hessian(v, x)
    NotSupportedError: the Hessian of v (5): only a scalar has one
    hint: use tc.derivative(v, x, x)
tc.derivative(h(x), x)
    NotSupportedError: the derivative of h is not known
    hint: declare it: tc.function('h', value=…, derivative=…)
d.to("rows")
    LayoutError: a layout called 'rows'
    hint: choose "numerator", "denominator" or "mixed"
d[0]
    ShapeError: ∂E/∂W[0]: a scalar has no axis to slice
    hint: evaluate it and slice the array
B["a"]
    ShapeError: ∂v/∂W['a']
    hint: slice by one whole number, as in d[0]
B[True]
    ShapeError: ∂v/∂W[True]
    hint: slice by one whole number, as in d[0]
B.to("denominator")[0]
    LayoutError: ∂v/∂W[0] in denominator layout, where the value's axis is last
    hint: slice another view: .to("numerator")[0]
list(B)
    NotSupportedError: a loop over ∂v/∂W
    hint: slice it with d[0], or evaluate it first
np.asarray(B)
    NotSupportedError: ∂v/∂W as an array
    hint: evaluate it first: .evaluate(…)
bool(B)
    NotSupportedError: ∂v/∂W as a condition
    hint: use bool(d.verify()) or d.structure == 'zero'
# the chain rule
g @ B
    ChainError: ∂E/∂s @ ∂v/∂W: the left ends at s (5), the right starts at v (5). Same size,
        different quantity.
    hint: put tc.derivative(s, v) between them
J @ g
    ChainError: ∂s/∂v @ ∂E/∂s: the left ends at v (5), the right starts at E (a scalar).
    hint: swap the factors: ∂E/∂s @ ∂s/∂v
tc.derivative(v, v) @ J
    ChainError: ∂v/∂v @ ∂s/∂v: the left ends at v (5), the right starts at s (5). Same size,
        different quantity.
    hint: swap the factors: ∂s/∂v @ ∂v/∂v
g @ 3
    ChainError: ∂E/∂s @ int: the right is no derivative
    hint: make one with tc.from_array(array, of=…, wrt=…)
np.ones((5, 4)) @ d
    ChainError: ndarray @ ∂E/∂W: the left is no derivative
    hint: make one with tc.from_array(array, of=…, wrt=…)
g @ J.to("mixed")
    LayoutError: ∂E/∂s (numerator) @ ∂s/∂v (mixed)
    hint: bring both to one layout: .to("numerator")
g @ H
    NotSupportedError: ∂E/∂s @ ∂²E/∂x²: the chain rule of a higher derivative has more than one
        term
    hint: differentiate the whole expression with tc.derivative(E, x, y)
H @ g
    NotSupportedError: ∂²E/∂x² @ ∂E/∂s: the chain rule of a higher derivative has more than one
        term
    hint: differentiate the whole expression with tc.derivative(E, x, y)
d + B
    ChainError: ∂E/∂W (4 × 5) + ∂v/∂W (5 × 4 × 5): contributions to different derivatives
    hint: add only paths from one quantity to one quantity
d - 3
    ChainError: ∂E/∂W + int: the right is no derivative
    hint: add derivatives of one quantity by one quantity, or evaluate first
d * "2"
    ChainError: ∂E/∂W * str: only a number can scale a derivative
    hint: use @ for the chain rule
d * d
    ChainError: ∂E/∂W * Derivative: only a number can scale a derivative
    hint: use @ for the chain rule
d * True
    ChainError: ∂E/∂W * bool: only a number can scale a derivative
    hint: use @ for the chain rule
d / 0
    TensorCalcError: ∂E/∂W / 0
    hint: divide by another number
tc.from_array(k, of="C", wrt="z") @ tc.from_array(np.eye(4), of="z", wrt="u")
    ChainError: ∂C/∂z @ ∂z/∂u: the left ends at z (5), the right starts at z (4).
    hint: join the argument of the left with the value of the right
tc.from_array(np.ones((5, 4)), of=s, wrt=v)
    ShapeError: ∂s (5)/∂v (5) from an array of shape 5 × 4
    hint: the array has the axes of the value, then those of the argument reversed (numerator
        layout), or pass layout=
tc.from_array(np.ones((1, 3)), of=E, wrt=W)
    ShapeError: ∂E (1 × 1)/∂W (5 × 4) from an array of shape 1 × 3
    hint: the array has the axes of the value, then those of the argument reversed (numerator
        layout), or pass layout=
tc.from_array(np.ones((2, 3, 4)), of="C", wrt="z")
    ShapeError: ∂C/∂z from an array of shape 2 × 3 × 4: which axes are whose is open
    hint: give of= or wrt= as a quantity
tc.from_array(k * nan, of=s, wrt=v)
    ValueNotAllowedError: a constant with NaN or infinite entries
    hint: use finite numbers in formulas
tc.from_array("k", of=s, wrt=v)
    ValueNotAllowedError: a constant of type <U1 (str)
    hint: use real numbers, arrays of them, or quantities
tc.from_array(k, of=s, wrt=v, layout="")
    LayoutError: a layout called ''
    hint: choose "numerator", "denominator" or "mixed"
tc.from_array([[1, 2], [3]], of="C", wrt="z")
    ValueNotAllowedError: a constant of type object (list)
    hint: use real numbers, arrays of them, or quantities
# values
d.evaluate()
    MissingValueError: ∂E/∂W needs a value for W (5 × 4), x (4), y (5)
    hint: give W=…, x=…, y=…
d.evaluate(W=at["W"])
    MissingValueError: ∂E/∂W needs a value for x (4), y (5)
    hint: give x=…, y=…
d.evaluate(W=at["W"], x=at["x"], yy=at["y"])
    MissingValueError: ∂E/∂W needs a value for y (5); yy is not a variable of it
    hint: did you mean y by yy?
d.evaluate(at["W"])
    ValueNotAllowedError: values given as ndarray
    hint: give a mapping of names to arrays
d.evaluate({**at, "x": np.ones(5)})
    ShapeError: x is declared 4, but its value is 5
    hint: give x a value of shape 4
d.evaluate({**at, "x": np.ones((1, 4))})
    ShapeError: x is declared 4, but its value is 1 × 4
    hint: give x a value of shape 4
d.evaluate({**at, "W": 3})
    ShapeError: W is declared 5 × 4, but its value is scalar
    hint: give W a value of shape 5 × 4
d.evaluate({**at, "x": "ones"})
    ValueNotAllowedError: the value of x is text
    hint: give x as an array of real numbers
d.evaluate({**at, "x": None})
    ValueNotAllowedError: the value of x is NoneType, not a regular array of numbers
    hint: give x as an array of real numbers
d.evaluate({**at, "x": [[1, 2], [3]]})
    ValueNotAllowedError: the value of x is list, not a regular array of numbers
    hint: give x as an array of real numbers
d.evaluate({**at, "x": at["x"] * 1j})
    ValueNotAllowedError: the value of x is complex numbers
    hint: give x as an array of real numbers
d.evaluate({**at, "x": at["x"] * nan})
    ValueNotAllowedError: the value of x contains NaN or infinite entries
    hint: give finite numbers for x
d.evaluate({**at, "x": W})
    ValueNotAllowedError: the value of x is Tensor, not a regular array of numbers
    hint: give x as an array of real numbers
f(x).evaluate(at)
    NotSupportedError: the value of f, an abstract function
    hint: declare it with a value: tc.function('f', value=…, derivative=…)
tc.derivative(f(x), x).evaluate(at)
    NotSupportedError: the value of f′, an abstract function
    hint: declare it with a value: tc.function('f', value=…, derivative=…)
tc.function("h", lambda u: "a")(x).evaluate(at)
    ShapeError: h of an array of shape (4,) has shape ()
    hint: h must act entry by entry
tc.function("h", lambda u: u[:2])(x).evaluate(at)
    ShapeError: h of an array of shape (4,) has shape (2,)
    hint: h must act entry by entry
tc.function("h", lambda u: None)(x).evaluate(at)
    ShapeError: h of an array of shape (4,) has shape ()
    hint: h must act entry by entry
tc.derivative(tc.function("h", np.tanh, lambda u: u[:1])(x), x).evaluate(at)
    ShapeError: h′ of an array of shape (4,) has shape (1,)
    hint: h′ must act entry by entry
(M @ n).evaluate(M=np.ones((2, 3)), n=np.ones(4))
    ShapeError: n is declared n and its value is 4: n = 4, but M has n = 3
    hint: give n and M the same size along n
tc.mean(n).evaluate(n=[])
    ShapeError: a mean or a variance over n, which has size 0
    hint: give values with at least one entry along n
B.evaluate(at, max_bytes=700)
    MemoryLimitError: ∂v/∂W as a dense 5 × 4 × 5 array would take 800 B, and max_bytes is 700 B
    hint: keep it structured and chain it with @, or pass max_bytes=800
tc.sum(tc.exp(W)).evaluate(at, max_bytes=165)
    MemoryLimitError: 1ᵀ exp(W) 1 with all its intermediates would take 168 B, and max_bytes is
        165 B
    hint: pass max_bytes=168 if that much memory is there
d.apply()
    ShapeError: ∂E/∂W applied to 0 increments
    hint: give one for each of W
d.apply(at["W"], at["W"], at=at)
    ShapeError: ∂E/∂W applied to 2 increments
    hint: give one for each of W
d.apply(at["x"], at=at)
    ShapeError: ΔW is declared 5 × 4, but its value is 4
    hint: give ΔW a value of shape 5 × 4
d.apply(x)
    ShapeError: the increment of W (5 × 4) given as 4
    hint: give it the shape 5 × 4
B.vjp(x)
    ShapeError: the increment of v (5) given as 4
    hint: give it the shape 5
d.apply(at["W"])
    MissingValueError: ∂E/∂W applied to an increment needs a value for W (5 × 4), x (4), y (5)
    hint: give at=dict(W=…, x=…, y=…)
d.apply("W", at=at)
    ValueNotAllowedError: the value of ΔW is text
    hint: give ΔW as an array of real numbers
# compiled functions
run(1, 2, 3, 4)
    MissingValueError: dE_dW called with 4 values for its 3 arguments (W, x, y)
    hint: give one value per argument, or names
run(at["W"])
    MissingValueError: ∂E/∂W needs a value for x (4), y (5)
    hint: give x=…, y=…
run(at["W"], at["x"], at["x"])
    ShapeError: y is declared 5, but its value is 4
    hint: give y a value of shape 5
tc.compile([])
    TensorCalcError: compile of nothing, which is neither a quantity nor a derivative
    hint: give quantities and derivatives, such as tc.compile([E, tc.gradient(E, W)])
tc.compile([E, 3])
    TensorCalcError: compile of int, which is neither a quantity nor a derivative
    hint: give quantities and derivatives, such as tc.compile([E, tc.gradient(E, W)])
tc.compile("E")
    TensorCalcError: compile of str, which is neither a quantity nor a derivative
    hint: give quantities and derivatives, such as tc.compile([E, tc.gradient(E, W)])
f(x).compile()
    NotSupportedError: the value of f, an abstract function
    hint: declare it with a value: tc.function('f', value=…, derivative=…)
# programs
tc.parse(3)
    ParseError: a program given as int
    hint: give text such as "v = W @ x"
tc.program(None)
    ParseError: a program given as NoneType
    hint: give text such as "v = W @ x"
tc.parse("")
    ParseError: a program without a line
    hint: write at least one, such as "v = W @ x"
tc.parse("x" + " " * 100_000)
    ParseError: a program of 100,001 characters
    hint: keep it under 100,000 characters
tc.parse("W x", W=(5, 4), x=4)
    ParseError: line 1, column 1: W (5 × 4) and x (4 × 1) without an operator between them
      W x
      ^^^
    repaired:
    W @ x
    hint: write W @ x
tc.parse("(x", x=4)
    ParseError: line 1, column 1: ( is never closed
      (x
      ^
    hint: add )
tc.parse("(" * 10_000)
    ParseError: line 1, column 151: nested more than 150 deep
      …((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((…
                                             ^
    hint: name parts of it on lines of their own
tc.parse("-" * 5_000 + "x")
    ParseError: line 1, column 151: more than 150 signs in a row
      …----------------------------------------------------------------------------…
                                             ^
    hint: leave some out
tc.parse("x" + " + x" * 300, x=4)
    ParseError: line 1, column 1: more than 150 operations deep
      x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + …
      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: name parts of it on lines of their own
tc.parse("x^2", x=4)
    ParseError: line 1, column 1: powers are written **
      x^2
      ^^^
    repaired:
    x**2
    hint: write x**2
tc.parse("x.real", x=4)
    ParseError: line 1, column 1: .real is not in the language
      x.real
      ^^^^^^
    hint: the one attribute is .T, the transpose
tc.parse("lambda: x", x=4)
    ParseError: line 1, column 1: lambda is not in the language
      lambda: x
      ^^^^^^
    hint: name the value: y = expression
tc.parse("import os")
    ParseError: line 1, column 1: import is not in the language
      import os
      ^^^^^^
    hint: write each line as name = expression
tc.parse("x; x", x=4)
    ParseError: line 1, column 1: a value without a name
      x; x
      ^
    hint: write each line as name = expression; only the last may be a bare expression
tc.parse("a.b = x", x=4)
    ParseError: line 1, column 1: an assignment to something other than one name
      a.b = x
      ^^^
    hint: write name = expression
tc.parse("_a = x", x=4)
    ParseError: line 1, column 1: _a starts with an underscore
      _a = x
      ^^
    hint: choose another name
tc.parse("exp = x", x=4)
    ParseError: line 1, column 1: exp is a function
      exp = x
      ^^^
    hint: choose another name than exp
tc.parse("x = x", x=4)
    ParseError: line 1, column 1: x is a variable, whose shape is given
      x = x
      ^
    hint: leave out its shape, x=…, or write x2 = …
tc.parse("a = x; a = x", x=4)
    ParseError: line 1, column 8: a already has a meaning
      a = x; a = x
             ^
    hint: a name is assigned once; write a2 = …
tc.parse("xs", x=4)
    ParseError: line 1, column 1: xs has no shape and no definition
      xs
      ^^
    hint: add its shape: xs=…
tc.parse("x1 @ xx", x1=4, xy=4)
    ParseError: line 1, column 6: xx has no shape and no definition
      x1 @ xx
           ^^
    hint: add its shape: xx=…
tc.parse("z", x=4)
    ParseError: line 1, column 1: z has no shape and no definition
      z
      ^
    hint: add its shape: z=…
tc.parse("exp", x=4)
    ParseError: line 1, column 1: exp is a function
      exp
      ^^^
    hint: apply the function: exp(…)
tc.parse("sofmax(x)", x=4)
    ParseError: line 1, column 1: there is no function sofmax
      sofmax(x)
      ^^^^^^
    repaired:
    softmax(x)
    hint: did you mean softmax?
tc.parse("x.T(x)", x=4)
    ParseError: line 1, column 1: xᵀ (1 × 4) is applied like a function
      x.T(x)
      ^^^^^^
    repaired:
    x.T @ (x)
    hint: write x.T @ (x)
tc.parse("exp(x, x)", x=4)
    ParseError: line 1, column 1: exp takes 1 argument, and 2 are given
      exp(x, x)
      ^^^^^^^^^
    hint: write exp(x)
tc.parse("exp(t=x)", x=4)
    ParseError: line 1, column 1: exp takes no argument t=
      exp(t=x)
      ^^^^^^^^
    hint: give arguments by position; only reductions take axis=
tc.parse("sum(x, axis=2)", x=4)
    ShapeError: line 1, column 1: sum of x (4 × 1) along axis 2
      sum(x, axis=2)
      ^^^^^^^^^^^^^^
    hint: axis is 0 (gives a row) or 1 (a column)
tc.parse("eye(2, 3)")
    ParseError: line 1, column 1: eye with 2 arguments
      eye(2, 3)
      ^^^^^^^^^
    hint: give eye one size
tc.parse("ones(4, k=3)")
    ParseError: line 1, column 1: ones with 2 arguments
      ones(4, k=3)
      ^^^^^^^^^^^^
    hint: give ones one size or two
tc.parse("ones(x + 1)", x=4)
    ParseError: line 1, column 6: x + 1 is no whole number
      ones(x + 1)
           ^^^^^
    hint: give sizes as whole numbers or names of dimensions
tc.parse("1e999 * x", x=4)
    ParseError: line 1, column 1: a number too large to hold
      1e999 * x
      ^^^^^
    hint: use a smaller one
tc.parse("W + x", W=(5, 4), x=4)
    ShapeError: line 1, column 1: W (5 × 4) + x (4 × 1)
      W + x
      ^^^^^
    hint: did you mean W.T + x (4 × 5) or W + x.T (5 × 4)?
tc.parse("a = x\nb = a @ x", x=4)
    ShapeError: line 2, column 5: a (4 × 1) @ x (4 × 1): the left has 1 column,
        the right has 4 rows
      b = a @ x
          ^^^^^
    hint: did you mean a.T @ x (a scalar) or a @ x.T (a matrix)?
tc.parse("a = W @ x\n\nb = W + a.T", W=(5, 4), x=4)
    ShapeError: line 3, column 5: W (5 × 4) + aᵀ (1 × 5)
      b = W + a.T
          ^^^^^^^
    hint: did you mean W.T + a.T (4 × 5) or W + a (5 × 4)?
tc.parse("x", 3)
    ShapeError: the shapes of a program given as int
    hint: give a mapping or pairs of names and shapes, such as {"W": (5, 4), "x": 4}
tc.parse("x", [("x", 4, 5)])
    ShapeError: the shapes of a program given as list
    hint: give a mapping or pairs of names and shapes, such as {"W": (5, 4), "x": 4}
tc.parse("x", W)
    ShapeError: the shapes of a program given as Tensor
    hint: give a mapping or pairs of names and shapes, such as {"W": (5, 4), "x": 4}
tc.parse("x", x=0)
    DimensionError: the shape of x: a dimension of size 0
    hint: declare a size of 1 or more
tc.parse("x", {"two words": 4})
    TensorCalcError: a quantity named 'two words'
    hint: choose a name such as W, x or delta_2
p["z"]
    UnknownNameError: the program has no quantity named 'z'
    hint: it has W, x, y, v, s, E
p["Q"]
    UnknownNameError: the program has no quantity named 'Q'
    hint: it has W, x, y, v, s, E
p["W1"]
    UnknownNameError: the program has no quantity named 'W1'
    hint: did you mean W?
p.derivative("E", "z")
    UnknownNameError: the program has no quantity named 'z'
    hint: it has W, x, y, v, s, E
p.gradient("v", "W")
    NotSupportedError: the gradient of v (5) by W: only a scalar has one
    hint: use the derivative itself, a 3-tensor
# of every kind
x.sum()
    UnknownAttributeError: x (4 × 1) has no attribute sum
    hint: write tc.sum(x)
E.backward()
    UnknownAttributeError: E (1 × 1) has no attribute backward
    hint: write tc.derivative(E, x), or tc.gradient(E, x)
x.value
    UnknownAttributeError: x (4 × 1) has no attribute value
    hint: evaluate it: x.evaluate(…)
W.transpose()
    UnknownAttributeError: W (5 × 4) has no attribute transpose
    hint: write W.T
x.reshape(2, 2)
    UnknownAttributeError: x (4 × 1) has no attribute reshape
    hint: use vec(A), which stacks columns, or A.T
x.foo
    UnknownAttributeError: x (4 × 1) has no attribute foo
    hint: it has .shape, .T, .name, .evaluate(…), .compile() and .latex()
x % 2
    NotSupportedError: x (4 × 1) % 2
    hint: its derivative is 0 almost everywhere: leave it out
x // 2
    NotSupportedError: x (4 × 1) // 2
    hint: write / for division
x ^ 2
    NotSupportedError: x (4 × 1) ^ 2
    hint: write powers with **
x & x
    NotSupportedError: x (4 × 1) & x (4 × 1)
    hint: write one condition inside another: tc.where(x > 0, tc.where(y > 0, a, b), b)
~x
    NotSupportedError: x (4 × 1) ~
    hint: write one condition inside another: tc.where(x > 0, tc.where(y > 0, a, b), b)
len(x)
    NotSupportedError: x (4 × 1) has no len
    hint: read its sizes from .shape
int(S)
    NotSupportedError: S (1 × 1) as a number
    hint: evaluate it first: .evaluate(…)
round(x)
    NotSupportedError: x (4 × 1) rounded
    hint: its derivative is 0 almost everywhere: leave it out
x in W
    NotSupportedError: x (4 × 1) in W (5 × 4): quantities have no values to compare
    hint: compare the names of quantities instead
np.linalg.norm(x)
    NotSupportedError: np.linalg.norm of x (4 × 1)
    hint: use tc.norm
np.add.reduce(x)
    NotSupportedError: np.add.reduce of x (4 × 1)
    hint: use tc.sum
np.sort(x)
    NotSupportedError: np.sort of x (4 × 1)
    hint: a choice by order has no formula: use max(x), min(x) and where(x > 0, a, b)
np.ones(4) @ x
    ShapeError: [1, 1, 1, 1]ᵀ (4 × 1) @ x (4 × 1): the left has 1 column, the right has 4 rows
    hint: did you mean tc.dot(array, x) (a scalar) or tc.outer(array, x) (a matrix)?
np.ones(5) @ x
    ShapeError: [1, 1, 1, 1, 1]ᵀ (5 × 1) @ x (4 × 1): the left has 1 column, the right has 4
        rows
    hint: did you mean tc.outer(array, x) (a matrix)?
x + np.ones(3)
    ShapeError: x (4 × 1) + [1, 1, 1]ᵀ (3 × 1): two columns of different length
    hint: give x and array one size
x + [[1, 2], [3]]
    ValueNotAllowedError: x (4 × 1) + a constant of type object (list)
    hint: use real numbers, arrays of them, or quantities
x ** y
    ShapeError: x (4 × 1) ** y (5 × 1): two columns of different length
    hint: give x and y one size
(x > y)
    ShapeError: x (4 × 1) > y (5 × 1): two columns of different length
    hint: give x and y one size
tc.maximum(x, y)
    ShapeError: maximum of x (4 × 1) and y (5 × 1): two columns of different length
    hint: give x and y one size
tc.where(x > 0, x, y)
    ShapeError: where of [x > 0] (4 × 1) and y (5 × 1): two columns of different length
    hint: give (…) and y one size
tc.max(x, y)
    ShapeError: max of x (4 × 1) along axis y (5 × 1)
    hint: the larger or smaller of two is tc.maximum(x, y)
tc.norm(x, 2)
    ShapeError: norm of x (4 × 1) along axis 2
    hint: leave 2 out: norm(x) is the 2-norm
tc.softmax(S)
    ShapeError: softmax of S (1 × 1) along an axis of one entry, where it is 1 or 0
    hint: give a vector
tc.sum(S, axis=0)
    ShapeError: sum of S (1 × 1) along axis 0
    hint: leave axis out: a scalar has no axes
tc.matrix("u")
    ShapeError: matrix u declared without a size
    hint: give 2, or use tc.variable('u', shape)
tc.derivative("E", "W")
    TensorCalcError: the derivative of the text 'E'
    hint: pass the quantity itself, or use p.derivative('E', …) of a program p
tc.derivative(tc.derivative(E, x), W)
    TensorCalcError: the derivative of ∂E/∂x, which is a derivative itself
    hint: differentiate in turn: tc.derivative(E, x, y)
tc.derivative(E, np.ones(4))
    TensorCalcError: the derivative of E (1 × 1) by ndarray, which is no quantity
    hint: give a variable or a named intermediate, such as x = tc.vector('x', 4)
tc.hvp(E, x, np.ones(4))
    MissingValueError: the Hessian of E by x times a tangent needs a value for W (5 × 4), x (4),
        y (5)
    hint: give at=dict(W=…, x=…, y=…)
tc.hvp(v, x, np.ones(4), at=at)
    NotSupportedError: the Hessian of v (5): only a scalar has one
    hint: give tc.hvp a scalar, or use tc.derivative(v, x, x).apply(…)
d.verify(at={"W": np.ones((5, 4))})
    MissingValueError: ∂E/∂W needs a value for x (4), y (5)
    hint: give at=dict(x=…, y=…)
d.evaluate(w=np.ones((5, 4)), x=np.ones(4), y=np.ones(5))
    MissingValueError: ∂E/∂W needs a value for W (5 × 4); w is not a variable of it
    hint: did you mean W by w?
tc.compile([E, d], structure=True)
    TensorCalcError: tc.compile with structure=True, which is no option of it; they are
        reuse_buffers, structured, backend
    hint: did you mean structured=True?
d.compile(bakend="jax")
    TensorCalcError: compile of a derivative with bakend='jax', which is no option of it; they are
        reuse_buffers, structured, backend
    hint: did you mean backend='jax'?
E.compile(x=at["x"])
    TensorCalcError: compile of a quantity with x=…, which is no option of it; they are
        reuse_buffers, backend
    hint: leave x out
tc.hessian(E, x, W)
    TensorCalcError: the Hessian of E by x, W: it is by one argument, twice
    hint: use tc.derivative(E, x, W)
tc.inv(A).evaluate(A=np.zeros((4, 4)))
    ValueNotAllowedError: A⁻¹: inv fails at these values (singular matrix)
    hint: give values at which the matrix is invertible
tc.compile([tc.inv(A), tc.det(A)])(A=np.zeros((4, 4)))
    ValueNotAllowedError: A⁻¹, det(A): inv fails at these values (singular matrix)
    hint: give values at which the matrix is invertible
tc.program("x * 2", {"x": 3}, x=4)
    ShapeError: the shape of x is given twice: 3 and 4
    hint: give x one shape
tc.program("2 * sum", sum=3)
    NameClashError: a variable named sum, which is a function of the language
    hint: choose another name, such as sum_
tc.parse("W[7]", W=(5, 4))
    ShapeError: line 1, column 1: W (5 × 4)[7]: entry 7 along an axis of size 5
      W[7]
      ^^^^
    hint: choose an entry from 0 to 4
tc.parse("Wx + b", W=(5, 4), x=4, b=5)
    ParseError: line 1, column 1: W (5 × 4) and x (4 × 1) without an operator between them
      Wx + b
      ^^
    repaired:
    W @ x + b
    hint: write W @ x
tc.parse("expm(A)", A=(4, 4))
    ParseError: line 1, column 1: expm is not in the language
      expm(A)
      ^^^^
    hint: matrix functions have no formula here: write products with @, or inv(A)
tc.program(lambda x: np.linalg.eig(x), x=(3, 3))
    NotSupportedError: line 1 of the lambda: np.linalg.eig is not in the language
    hint: eigenvalues have no derivative where two meet: use np.trace(A) and np.linalg.det(A),
        their sum and product
"""  # noqa: E501 - messages stand as they are


def rows(table):
    """Code, type, message and hint: a line that starts at the margin begins the next row."""
    for row in re.split(r"\n(?=\S)", table.strip()):
        code, _, rest = row.partition("\n")
        if not code.startswith("# "):
            words = " ".join(rest.split())
            kind, message, hint = re.fullmatch(r"(\w+): (.*) hint: (.*)", words).groups()
            yield pytest.param(code, kind, message, hint, id=code)


@pytest.mark.parametrize(("code", "kind", "message", "hint"), [*rows(TABLE)])
def test_an_error_says_what_was_attempted_and_one_thing_to_do(code, kind, message, hint):
    with pytest.raises(tc.TensorCalcError) as raised:
        eval(code, dict(NAMES))
    error = raised.value
    words = " ".join(str(error).split())  # a program's message has lines
    assert (type(error).__name__, words, error.hint) == (kind, message, hint)
    assert error.__notes__ == [f"hint: {hint}"]
    assert isinstance(error, ValueError)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.__notes__) == (
        type(error),
        str(error),
        error.__notes__,
    )


def test_the_table_has_every_kind_of_error():
    kinds = {name for name in tc.__all__ if name.endswith("Error")}
    assert kinds == {param.values[1] for param in rows(TABLE)}
    assert all(issubclass(getattr(tc, kind), tc.TensorCalcError) for kind in kinds)
    assert issubclass(tc.UnknownNameError, KeyError)
    assert issubclass(tc.DimensionError, tc.ShapeError)


# ── messages that say the wrong thing ────────────────────────────────────────────────────

WRONG = {
    "an entry is named as it was asked for": (
        "x[-5]", r"x \(4 × 1\)\[-5\]: entry -5 along an axis of size 4", None),
    "slices are numbered to one less than their count": (
        "B[5]", r"∂v/∂W\[5\]: its first axis has size 5", "choose a slice from 0 to 4"),
    "a hint can be typed": ("W + W.T", r"W \(5 × 4\) \+ Wᵀ \(4 × 5\)", "did you mean W + W?"),
    "both sides of a product are told apart": ("x * x.T", r"x \(4 × 1\) \* xᵀ \(1 × 4\): .*", None),
    "a scalar is not told that only a scalar has a gradient": (
        "H.gradient", r"(?!.*only a scalar has one).*", None),
    "nothing is to be put between factors in the wrong order": (
        "B @ g", r".*", "swap the factors and put tc.derivative(s, v) between them"),
    "a variable is not to be differentiated by what is built on it": (
        "d @ d", r".*", "join the argument of the left with the value of the right"),
}  # fmt: skip


@pytest.mark.parametrize("rule", WRONG)
def test_a_message_is_right(rule):
    code, message, hint = WRONG[rule]
    with pytest.raises(tc.TensorCalcError) as raised:
        eval(code, dict(NAMES))
    assert re.fullmatch(message, str(raised.value))
    assert hint in (None, raised.value.hint)


# ── errors that are not ours ─────────────────────────────────────────────────────────────

BARE = [
    # numbers too large to hold
    "x ** 10**400",
    "d * 10**400",
    # arguments of another type
    "tc.einsum(3, x)",
    "tc.einsum(W, x)",
    "tc.derivative(E, W, holding=3)",
    "tc.derivative(E, W, holding=None)",
    'p.derivative("E", "W", holding=3)',
    "d / None",
    'd / "2"',
    "d / d",
    "d / np.ones(3)",
    "d * np.complex128(2j)",
    "d.evaluate(at, max_bytes=None)",
    'd.evaluate(at, max_bytes="1 GB")',
    "tc.compile([E], name=3)",
    "d.compile(name=3)",
    'tc.compile([E, E], name="lambda")',
    # sizes that nothing gives
    'tc.ones("n").evaluate()',
    "tc.eye('n').evaluate()",
    '(n @ tc.ones("k").T).evaluate(n=[1, 2])',
]


@pytest.mark.parametrize("code", BARE)
def test_bad_input_meets_errors_of_this_library_only(code):
    with pytest.raises(tc.TensorCalcError):
        eval(code, dict(NAMES))


SILENT = [
    "d * nan",
    "d * float('inf')",
    'tc.from_array(np.ones((1, 5)), of="two words", wrt=v)',
    'tc.from_array(np.ones((1, 5)), of="", wrt=v)',
    'run(at["W"], at["x"], at["y"], W=at["W"])',
    "x.evaluate(x=np.ma.masked_array([1.0, 2.0, 3.0, 4.0], [0, 1, 0, 0]))",
]


@pytest.mark.parametrize("code", SILENT)
def test_bad_input_meets_an_error(code):
    with pytest.raises(tc.TensorCalcError):
        eval(code, dict(NAMES))
