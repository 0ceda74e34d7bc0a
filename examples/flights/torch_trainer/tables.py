"""A fitted model as one small table per input, and how well it scores rows."""

from torch_trainer.features import BLOCKS, DISTANCE_EDGES, DAYS, HOURS
from torch_trainer.rows import encode


def tables_of(np, w, start, origins, destinations):
    """One table per input, the last entry for what training never saw; intercept in the hours."""

    def airports(names, main, block):
        table = np.zeros((len(names) + 1, BLOCKS + 1))
        table[:-1] = w[main : main + len(names), None]
        table[:-1, :BLOCKS] += w[block : block + len(names) * BLOCKS].reshape(-1, BLOCKS)
        return table.reshape(-1)

    def part(name, count):
        return w[start[name] : start[name] + count]

    return {
        "hour_table": np.append(part("hour", HOURS), 0.0) + w[0],
        "day_table": np.append(part("day", DAYS), 0.0),
        "distance_table": part("distance", len(DISTANCE_EDGES) + 1),
        "origin_table": airports(origins, start["origin"], start["origin_block"]),
        "destination_table": airports(
            destinations, start["destination"], start["destination_block"]
        ),
    }


def quality_of(np, tables, rows, origins, destinations):
    codes = encode(np, rows)

    def airport_part(name, known):
        rank = {airport: i for i, airport in enumerate(known)}
        of_code = np.array([rank.get(x, len(known)) for x in rows[name + "_names"]])
        block = np.where(codes["hour"] < HOURS, codes["hour"] // 4, BLOCKS)
        return tables[f"{name}_table"][of_code[codes[name]] * (BLOCKS + 1) + block]

    logit = tables["hour_table"][codes["hour"]] + tables["day_table"][codes["day"]]
    logit = logit + tables["distance_table"][codes["distance"]]
    logit = logit + airport_part("origin", origins) + airport_part("destination", destinations)
    weight, positive = rows["weight"], rows["weight"] * rows["positive"]
    total, base = weight.sum(), positive.sum() / weight.sum()
    loss = float((weight * np.logaddexp(0, logit) - positive * logit).sum() / total)
    entropy = -base * np.log(base) - (1 - base) * np.log1p(-base)
    _, rank = np.unique(logit, return_inverse=True)
    hits, misses = np.bincount(rank, positive), np.bincount(rank, weight - positive)
    below = np.cumsum(misses) - misses
    auc = float((hits * (below + misses / 2)).sum() / (hits.sum() * misses.sum()))
    return {
        "weight": float(total),
        "baseRate": float(base),
        "logLoss": loss,
        "skill": float(1 - loss / entropy),
        "auc": auc,
    }
