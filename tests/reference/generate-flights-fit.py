"""Writes flights-fit.json, the outside referee of examples/flights/model/fit.ts.

python tests/reference/generate-flights-fit.py; needs numpy and scipy, whose versions are kept in the file.
The design matrix is built in full and the objective minimised by scipy's trust-exact method.
"""

import json
import pathlib

import numpy
import scipy
from scipy.optimize import minimize

HOURS, DAYS, BLOCKS = 24, 7, 6
EDGES = [150, 250, 350, 450, 550, 700, 850, 1000, 1250, 1600, 2000, 2500]
AIRPORTS = ["ATL", "BOS", "DEN"]
L2 = 10.0

random = numpy.random.default_rng(2001)
count = 400
flights = {
    "hour": random.integers(5, 12, count),
    "dayOfWeek": random.integers(1, 8, count),
    "distance": random.choice([149, 150, 600, 2600], count),
    "origin": random.integers(0, 3, count),
    "destination": random.integers(0, 3, count),
    "weight": random.integers(1, 30, count),
}
rate = 1 / (1 + numpy.exp(-(-1.5 + 0.15 * (flights["hour"] - 8) + 0.4 * (flights["origin"] == 1))))
flights["positive"] = random.binomial(flights["weight"], rate)

bins = sum((flights["distance"] >= edge).astype(int) for edge in EDGES)
block = flights["hour"] // 4
columns = [numpy.ones((count, 1))]
for code, size in (
    (flights["hour"], HOURS),
    (flights["dayOfWeek"] - 1, DAYS),
    (bins, len(EDGES) + 1),
    (flights["origin"], len(AIRPORTS)),
    (flights["destination"], len(AIRPORTS)),
    (flights["origin"] * BLOCKS + block, len(AIRPORTS) * BLOCKS),
    (flights["destination"] * BLOCKS + block, len(AIRPORTS) * BLOCKS),
):
    columns.append(numpy.eye(size)[code])
x = numpy.hstack(columns)
ridge = numpy.full(x.shape[1], L2)
ridge[0] = 0
weight, positive = flights["weight"].astype(float), flights["positive"].astype(float)


def objective(w):
    z = x @ w
    return (weight * numpy.logaddexp(0, z) - positive * z).sum() + 0.5 * (ridge * w * w).sum()


def gradient(w):
    p = 1 / (1 + numpy.exp(-(x @ w)))
    return x.T @ (weight * p - positive) + ridge * w


def hessian(w):
    p = 1 / (1 + numpy.exp(-(x @ w)))
    return (x.T * (weight * p * (1 - p))) @ x + numpy.diag(ridge)


best = minimize(
    objective,
    numpy.zeros(x.shape[1]),
    jac=gradient,
    hess=hessian,
    method="trust-exact",
    options={"gtol": 1e-10},
)
reference = {
    "versions": {"numpy": numpy.__version__, "scipy": scipy.__version__},
    "airports": AIRPORTS,
    "l2": L2,
    "tuples": {name: values.tolist() for name, values in flights.items()},
    "objective": float(best.fun),
    "probabilities": (1 / (1 + numpy.exp(-(x @ best.x)))).tolist(),
}
path = pathlib.Path(__file__).with_name("flights-fit.json")
path.write_text(json.dumps(reference) + "\n")
