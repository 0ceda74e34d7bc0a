"""Newton's method with conjugate gradients on merged cells: the same objective as model/fit.ts."""

from torch_trainer.features import BLOCKS, DAYS, DISTANCE_EDGES, HOURS

CONJUGATE_STEPS_MAX = 200


def places_of(np, codes, origins, destinations):
    """Eight places per cell in the parameter vector, intercept first; `size` stands for none."""
    start = {"hour": 1, "day": 1 + HOURS, "distance": 1 + HOURS + DAYS}
    start["origin"] = start["distance"] + len(DISTANCE_EDGES) + 1
    start["destination"] = start["origin"] + origins
    start["origin_block"] = start["destination"] + destinations
    start["destination_block"] = start["origin_block"] + origins * BLOCKS
    size = start["destination_block"] + destinations * BLOCKS
    hour, block = codes["hour"], codes["hour"] // 4
    is_hour = hour < HOURS
    none = np.full_like(hour, size)
    columns = [
        np.zeros_like(hour),
        np.where(is_hour, start["hour"] + hour, none),
        np.where(codes["day"] < DAYS, start["day"] + codes["day"], none),
        start["distance"] + codes["distance"],
        start["origin"] + codes["origin"],
        start["destination"] + codes["destination"],
        np.where(is_hour, start["origin_block"] + codes["origin"] * BLOCKS + block, none),
        np.where(is_hour, start["destination_block"] + codes["destination"] * BLOCKS + block, none),
    ]
    return np.stack(columns, axis=1), start, size


class Objective:
    """Loss, gradient and Hessian products over the cells; only gathers and index_add, on any device."""

    def __init__(self, torch, device, places, weight, positive, size, l2):
        self.torch, self.size = torch, size
        self.to = {"dtype": torch.float64, "device": device}
        self.places = torch.as_tensor(places, device=device)
        self.flat = self.places.reshape(-1)
        self.weight = torch.as_tensor(weight, **self.to)
        self.positive = torch.as_tensor(positive, **self.to)
        # One more place than parameters: "no place" reads 0 there, and what is written is dropped.
        self.ridge = torch.full((size + 1,), float(l2), **self.to)
        self.ridge[0] = 0

    def scatter(self, per_cell):
        out = self.torch.zeros(self.size + 1, **self.to)
        out.index_add_(0, self.flat, per_cell[:, None].expand(self.places.shape).reshape(-1))
        out[self.size] = 0
        return out

    def evaluate(self, w):
        z = w[self.places].sum(dim=1)
        softplus = self.torch.clamp(z, min=0) + self.torch.log1p(self.torch.exp(-z.abs()))
        loss = (self.weight * softplus - self.positive * z).sum()
        return float(loss + 0.5 * (self.ridge * w * w).sum()), self.torch.sigmoid(z)

    def gradient(self, w, p):
        gradient = self.scatter(self.weight * p - self.positive) + self.ridge * w
        gradient[self.size] = 0
        return gradient

    def hessian_times(self, curvature, v):
        return self.scatter(curvature * v[self.places].sum(dim=1)) + self.ridge * v


def arrow_preconditioner(torch, diagonal, ridge, start, size):
    """Solves each airport with its blocks, and the intercept with the hours, exactly (see model/fit.ts)."""
    ridge = ridge[1] + 1e-9
    families = [(0, 1, start["hour"], HOURS, 1e-9)]
    for name, count in (("origin", "destination"), ("destination", "origin_block")):
        airports = start[count] - start[name]
        families.append((start[name], airports, start[f"{name}_block"], BLOCKS, ridge))
    prepared = []
    for centre, count, leaf, leaves, own in families:
        d = diagonal[leaf : leaf + count * leaves].view(count, leaves)
        share = d / (d + ridge)
        schur = diagonal[centre : centre + count] + own - (share * d).sum(dim=1)
        prepared.append((centre, count, leaf, leaves, d, share, schur))

    def apply(residual):
        out = residual / (diagonal + ridge)
        out[size] = 0
        for centre, count, leaf, leaves, d, share, schur in prepared:
            r = residual[leaf : leaf + count * leaves].view(count, leaves)
            solved = (residual[centre : centre + count] - (share * r).sum(dim=1)) / schur
            out[centre : centre + count] = solved
            out[leaf : leaf + count * leaves] = ((r - d * solved[:, None]) / (d + ridge)).reshape(-1)
        return out

    return apply


def newton_step(objective, curvature, gradient, gradient_max, start):
    """Conjugate gradients on H s = -gradient, to a residual that shrinks with the gradient."""
    torch, size = objective.torch, objective.size
    diagonal = objective.scatter(curvature)
    soften = arrow_preconditioner(torch, diagonal, objective.ridge, start, size)
    step, residual = torch.zeros_like(gradient), -gradient
    conditioned = soften(residual)
    direction, rho = conditioned.clone(), float(residual @ conditioned)
    rho_end = rho * min(1e-2, gradient_max)
    for _ in range(CONJUGATE_STEPS_MAX):
        if rho <= rho_end:
            break
        image = objective.hessian_times(curvature, direction)
        alpha = rho / float(direction @ image)
        step += alpha * direction
        residual -= alpha * image
        conditioned = soften(residual)
        rho, rho_before = float(residual @ conditioned), rho
        direction = conditioned + (rho / rho_before) * direction
    return step


def fit(objective, start, params, report):
    torch, size = objective.torch, objective.size
    total = objective.weight.sum()
    w = torch.zeros(size + 1, **objective.to)
    w[0] = torch.logit(objective.positive.sum() / total)
    value, p = objective.evaluate(w)
    for iteration in range(int(params["iterationsMax"])):
        gradient = objective.gradient(w, p)
        gradient_max = float(gradient.abs().max() / total)
        report(iteration, value, gradient_max)
        if gradient_max <= params["tolerance"]:
            break
        curvature = objective.weight * p * (1 - p)
        step = newton_step(objective, curvature, gradient, gradient_max, start)
        share = 1.0
        while share > 1e-6:
            tried = w + share * step
            tried_value, tried_p = objective.evaluate(tried)
            if tried_value < value:
                break
            share /= 2
        else:
            break
        w, value, p = tried, tried_value, tried_p
    return w[:size].cpu().numpy()
