"""Parquet rows as columns, their codes, and equal tuples merged into weighted cells."""

from torch_trainer.features import DAYS, DISTANCE_EDGES, HOURS, NAMES, NUMBERS
from torch_trainer.request import EXIT_DATA, TrainerFailure


def read_rows(np, parquet, folder, positive):
    """The Parquet files of a folder as columns; None when there is none."""
    paths = sorted(folder.glob("*.parquet"))
    if not paths:
        return None
    wanted = [*NUMBERS, *NAMES, "label"]
    try:
        schema = parquet.ParquetFile(paths[0]).schema_arrow.names
        missing = [name for name in wanted if name not in schema]
        if missing:
            raise TrainerFailure(EXIT_DATA, f"Cannot train without the columns {missing}")
        has_weight = "weight" in schema
        columns = wanted + (["weight"] if has_weight else [])
        table = parquet.ParquetDataset([str(path) for path in paths]).read(columns=columns)
    except (OSError, ValueError) as error:
        raise TrainerFailure(EXIT_DATA, f'Cannot read "{folder}" as training data: {error}')
    if table.column("label").null_count > 0:
        raise TrainerFailure(EXIT_DATA, "Cannot train: rows without a label")
    label = table.column("label").combine_chunks().dictionary_encode()
    found = [label_text(value) for value in label.dictionary.to_pylist()]
    if len(found) != 2 or positive not in found:
        raise TrainerFailure(EXIT_DATA, f'Cannot train: labels are {found}, wanted "{positive}"')
    rows = {name: numbers_of(np, table.column(name)) for name in NUMBERS}
    for name in NAMES:
        coded = table.column(name).combine_chunks().dictionary_encode()
        rows[name] = coded.indices.to_numpy(zero_copy_only=False)
        rows[name + "_names"] = coded.dictionary.to_pylist()
    rows["positive"] = (
        label.indices.to_numpy(zero_copy_only=False) == found.index(positive)
    ).astype("f8")
    count = len(rows["positive"])
    rows["weight"] = numbers_of(np, table.column("weight")) if has_weight else np.ones(count)
    if not (np.isfinite(rows["weight"]).all() and (rows["weight"] > 0).all()):
        raise TrainerFailure(EXIT_DATA, "Cannot train: weights are not all positive and finite")
    return rows


def label_text(value):
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def numbers_of(np, column):
    values = column.to_pylist() if str(column.type) == "string" else column.to_numpy()
    return np.asarray(values, dtype="f8")


def merge(np, rows):
    """Equal feature tuples as one weighted cell: the likelihood sees rows only through their sums."""
    codes = encode(np, rows)
    shape = (HOURS + 1, DAYS + 1, len(DISTANCE_EDGES) + 1)
    key = np.ravel_multi_index([codes["hour"], codes["day"], codes["distance"]], shape)
    key = key.astype("i8")
    for name in NAMES:
        key = key * len(rows[name + "_names"]) + rows[name]
    _, first, cell = np.unique(key, return_index=True, return_inverse=True)
    weight = np.bincount(cell, weights=rows["weight"])
    positive = np.bincount(cell, weights=rows["weight"] * rows["positive"])
    return {name: code[first] for name, code in codes.items()}, weight, positive


def encode(np, rows):
    """Values as codes; the last code of hour and day stands for a value that is none."""
    hour, day = rows["hour"], rows["day_of_week"]
    is_hour = np.isin(hour, np.arange(HOURS))
    is_day = np.isin(day, np.arange(1, DAYS + 1))
    bins = sum((rows["distance"] >= edge).astype("i8") for edge in DISTANCE_EDGES)
    return {
        "hour": np.where(is_hour, np.nan_to_num(hour), HOURS).astype("i8"),
        "day": np.where(is_day, np.nan_to_num(day) - 1, DAYS).astype("i8"),
        "distance": bins,
        "origin": rows["origin"].astype("i8"),
        "destination": rows["destination"].astype("i8"),
    }


def sort_names(np, rows):
    """Airports in the order of their names, so that layout and file do not follow the rows' order."""
    for name in NAMES:
        names = rows[name + "_names"]
        order = sorted(range(len(names)), key=lambda i: names[i])
        rank = np.empty(len(names), dtype="i8")
        rank[order] = np.arange(len(names))
        rows[name] = rank[rows[name]]
        rows[name + "_names"] = [names[i] for i in order]
