"""Writes scipy.json, the outside referee of stats/: python tests/reference/generate.py

Needs numpy, scipy, scikit-learn, statsmodels; their versions are kept in the file.
"""

import json
import pathlib

import numpy
import scipy
import sklearn
import statsmodels
from scipy import special, stats


def vector(function, *arguments):
    return [[*map(float, row), float(function(*row))] for row in zip(*arguments)]


def grid(*axes):
    mesh = numpy.meshgrid(*axes, indexing="ij")
    return [m.ravel() for m in mesh]


def distributions():
    x = numpy.array([1e-6, 0.01, 0.3, 1, 2.5, 7, 15, 16.5, 40, 171, 1e3, 1e6])
    return {
        "logGamma": vector(special.gammaln, x),
        "upperGamma": vector(
            special.gammaincc,
            *grid([0.5, 1, 3.7, 20, 500, 1e5], [0.01, 0.5, 1, 4, 18, 30, 520, 100500]),
        ),
        "regularizedBeta": [
            [a, b, p, float(special.betainc(a, b, p))]
            for a in (0.5, 1, 2.5, 30, 1000)
            for b in (0.5, 1, 4, 55, 1e5)
            for p in (1e-4, 0.01, 0.2, 0.5, 0.83, 0.99)
        ],
        "normalSurvival": vector(stats.norm.sf, numpy.array([-9, -3, -1, -0.1, 0, 0.2, 1, 1.96, 5, 9, 20, 37])),
        "normalQuantile": vector(stats.norm.ppf, numpy.array([1e-300, 1e-12, 1e-4, 0.025, 0.2, 0.5, 0.77, 0.975, 0.9999])),
        "chiSquareSurvival": vector(stats.chi2.sf, *grid([0.1, 1, 5, 12.3, 40, 200], [1, 2, 3.5, 9, 31, 255])),
        "chiSquareQuantile": vector(stats.chi2.isf, *grid([0.999, 0.5, 0.05, 0.001, 1e-8], [1, 2, 3.5, 9, 31, 255])),
        "studentSurvival": vector(stats.t.sf, *grid([-3, -0.2, 0.01, 0.7, 2.16, 6, 40], [1, 2, 6, 13, 40.5, 1000])),
        "studentQuantile": vector(stats.t.ppf, *grid([1e-6, 0.025, 0.3, 0.6, 0.95, 0.975, 0.999], [1, 2, 6, 13, 40.5, 1000])),
        "fSurvival": vector(stats.f.sf, *grid([0.2, 1, 2.5, 9], [1, 3.3, 9, 40], [5, 30, 250.5])),
        "kolmogorovSurvival": vector(special.kolmogorov, numpy.array([0.1, 0.3, 0.6, 0.9, 0.999, 1, 1.36, 1.63, 2.5, 5])),
        "kolmogorovQuantile": vector(special.kolmogi, numpy.array([0.99, 0.5, 0.05, 0.01, 0.001, 1e-9])),
        "binomialUpperTail": [
            [k, n, p, float(stats.binom.sf(k - 1, n, p))]
            for k, n, p in ((0, 5, 0.2), (1, 5, 0.2), (5, 5, 0.2), (30, 1000, 0.01), (300, 10000, 0.02), (7, 100000, 1e-5), (50100, 100000, 0.5))
        ],
        "binomialLowerTail": [
            [k, n, p, float(stats.binom.cdf(k, n, p))]
            for k, n, p in ((0, 5, 0.2), (4, 5, 0.2), (5, 5, 0.2), (3, 1000, 0.01), (150, 10000, 0.02), (49000, 100000, 0.5))
        ],
        "poissonUpperTail": [[k, m, float(stats.poisson.sf(k - 1, m))] for k, m in ((0, 3), (1, 3), (10, 3), (60, 30), (1100, 1000))],
        "poissonLowerTail": [[k, m, float(stats.poisson.cdf(k, m))] for k, m in ((0, 3), (2, 3), (12, 30), (880, 1000))],
        "shareInterval": [
            [k, n, *map(float, stats.binomtest(k, n).proportion_ci(method="exact"))]
            for k, n in ((0, 10), (3, 100), (10, 10), (512, 20000))
        ],
    }


def samples(random):
    a = numpy.round(random.normal(0, 1, 300), 3)
    b = numpy.round(random.normal(0.3, 1.2, 180), 3)
    tied_a, tied_b = numpy.round(a * 2), numpy.round(b * 2)
    cases = []
    for x, y in ((a, b), (tied_a, tied_b), (a[:20], b[:7])):
        cases.append(
            {
                "a": sorted(map(float, x)),
                "b": sorted(map(float, y)),
                "ks": float(stats.ks_2samp(x, y, method="asymp").statistic),
                "wasserstein": float(stats.wasserstein_distance(x, y)),
                "cramerVonMises": float(stats.cramervonmises_2samp(x, y).statistic)
                if len(set([*x, *y])) == len(x) + len(y)
                else None,
                "quantiles": [[p, float(numpy.quantile(x, p))] for p in (0.0, 0.01, 0.25, 0.37, 0.5, 0.9, 1.0)],
            }
        )
    return cases


def counts(random):
    from scipy.spatial.distance import jensenshannon

    cases = []
    for size in (3, 10, 40):
        weights = random.dirichlet(numpy.full(size, 3))
        other = random.dirichlet(weights * 300 + 1)
        a = random.multinomial(4000, weights)
        b = random.multinomial(900, other)
        a, b = a + 3, b + 3
        p, q = a / a.sum(), b / b.sum()
        test = stats.chi2_contingency(numpy.array([a, b]), correction=False)
        cases.append(
            {
                "a": a.tolist(),
                "b": b.tolist(),
                "populationStabilityIndex": float(((p - q) * numpy.log(p / q)).sum()),
                "jensenShannonDistance": float(jensenshannon(p, q, base=2)),
                "jensenShannonDivergence": float(jensenshannon(p, q) ** 2),
                "hellinger": float(numpy.sqrt(((numpy.sqrt(p) - numpy.sqrt(q)) ** 2).sum() / 2)),
                "totalVariation": float(abs(p - q).sum() / 2),
                "chiSquare": float(test.statistic),
                "pValue": float(test.pvalue),
            }
        )
    return cases


def metrics(random):
    from sklearn import isotonic
    from sklearn import metrics as m

    cases = []
    for n, digits in ((400, 6), (300, 1)):
        score = numpy.clip(numpy.round(random.beta(2, 4, n), digits), 0.0, 1.0)
        label = (random.random(n) < score**1.3).astype(int)
        weight = numpy.round(random.random(n) + 0.2, 3)
        clipped = numpy.clip(score, 1e-15, 1 - 1e-15)
        order = numpy.argsort(score, kind="stable")
        iso = isotonic.IsotonicRegression(out_of_bounds="clip").fit(score, label)
        points = numpy.linspace(-0.1, 1.1, 41)
        cases.append(
            {
                "score": score.tolist(),
                "label": label.tolist(),
                "weight": weight.tolist(),
                "logLoss": float(-(label * numpy.log(clipped) + (1 - label) * numpy.log(1 - clipped)).mean()),
                "logLossSklearn": float(m.log_loss(label, clipped)),
                "brier": float(m.brier_score_loss(label, score)),
                "auc": float(m.roc_auc_score(label, score)),
                "aucWeighted": float(m.roc_auc_score(label, score, sample_weight=weight)),
                "accuracy": float(m.accuracy_score(label, score >= 0.4)),
                "f1": float(m.f1_score(label, score >= 0.4)),
                "entropy": float(stats.entropy([label.mean(), 1 - label.mean()])),
                "isotonic": [[float(x), float(y)] for x, y in zip(points, iso.predict(points))],
                "first": int(order[0]),
            }
        )
    return cases


def clustered(random):
    import statsmodels.api as sm

    cases = []
    for blocks, low, high in ((7, 40, 60), (14, 5, 200)):
        group = numpy.repeat(numpy.arange(blocks), random.integers(low, high, blocks))
        value = random.normal(0, 1, len(group)) + random.normal(0.3, 0.5, blocks)[group]
        fit = sm.OLS(value, numpy.ones(len(value))).fit(
            cov_type="cluster", cov_kwds={"groups": group}, use_t=True
        )
        lower, upper = fit.conf_int(0.05)[0]
        cases.append(
            {
                "sums": [float(value[group == b].sum()) for b in range(blocks)],
                "rows": [int((group == b).sum()) for b in range(blocks)],
                "mean": float(fit.params[0]),
                "standardError": float(fit.bse[0]),
                "t": float(fit.tvalues[0]),
                "lower": float(lower),
                "upper": float(upper),
                "blockMeans": {
                    "mean": float(numpy.mean([value[group == b].mean() for b in range(blocks)])),
                    "standardError": float(stats.sem([value[group == b].mean() for b in range(blocks)])),
                },
            }
        )
    return cases


def corrections(random):
    from statsmodels.stats.multitest import multipletests

    p = numpy.round(numpy.concatenate([random.random(12), random.random(5) ** 6]), 6)
    p[3] = p[4]
    return {
        "p": p.tolist(),
        "holm": multipletests(p, method="holm")[1].tolist(),
        "benjaminiHochberg": multipletests(p, method="fdr_bh")[1].tolist(),
    }


random = numpy.random.default_rng(20011)
out = {
    "versions": {m.__name__: m.__version__ for m in (numpy, scipy, sklearn, statsmodels)},
    "distributions": distributions(),
    "samples": samples(random),
    "counts": counts(random),
    "metrics": metrics(random),
    "clustered": clustered(random),
    "corrections": corrections(random),
}
path = pathlib.Path(__file__).parent / "scipy.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
