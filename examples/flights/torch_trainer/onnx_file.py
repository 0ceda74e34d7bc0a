"""The ONNX file, written without the onnx package: the same graph as onnx/flights-graph.ts."""

import struct

from torch_trainer.features import BLOCKS, DAYS, DISTANCE_EDGES, HOURS, NAMES, NUMBERS


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(field, value):
    return varint(field * 8) + varint(value)


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field * 8 + 2) + varint(len(value)) + value


def attribute(name, **value):
    ((kind, content),) = value.items()
    if kind == "int":
        return data(1, name) + integer(3, content) + integer(20, 2)
    if kind == "floats":
        return data(1, name) + data(7, struct.pack(f"<{len(content)}f", *content)) + integer(20, 6)
    if kind == "ints":
        return data(1, name) + data(8, b"".join(map(varint, content))) + integer(20, 7)
    return data(1, name) + b"".join(data(9, text) for text in content) + integer(20, 8)


def node(op, inputs, output, attributes=(), domain=None):
    head = b"".join(data(1, name) for name in inputs) + data(2, output) + data(3, output)
    tail = b"".join(data(5, item) for item in attributes)
    return head + data(4, op) + tail + (data(7, domain) if domain else b"")


def tensor(name, values, is_float=True):
    raw = struct.pack(f"<{len(values)}{'f' if is_float else 'q'}", *values)
    return integer(1, len(values)) + integer(2, 1 if is_float else 7) + data(8, name) + data(9, raw)


def value_info(name, element, shape):
    sizes = [data(1, data(2, s) if isinstance(s, str) else integer(1, s)) for s in shape]
    return data(1, name) + data(2, data(1, integer(1, element) + data(2, b"".join(sizes))))


def encoder(name, output, keys, values, default):
    kind = {"keys_strings": keys} if isinstance(keys[0], str) else {"keys_floats": keys}
    ((key_name, key_values),) = kind.items()
    content = {"strings": key_values} if key_name == "keys_strings" else {"floats": key_values}
    attributes = [
        attribute(key_name, **content),
        attribute("values_int64s", ints=values),
        attribute("default_int64", int=default),
    ]
    return node("LabelEncoder", [name], output, attributes, "ai.onnx.ml")


def flights_onnx(tables, origins, destinations, metadata):
    row = BLOCKS + 1
    blocks = [hour // 4 for hour in range(HOURS)] + [BLOCKS]
    nodes = [
        encoder("hour", "hour_code", list(range(HOURS)), list(range(HOURS)), HOURS),
        encoder("day_of_week", "day_code", list(range(1, DAYS + 1)), list(range(DAYS)), DAYS),
        node("Gather", ["hour_table", "hour_code"], "hour_part"),
        node("Gather", ["day_table", "day_code"], "day_part"),
        node("Gather", ["block_table", "hour_code"], "block"),
        node("GreaterOrEqual", ["distance", "distance_edges"], "edges_passed"),
        node("Cast", ["edges_passed"], "edges_counted", [attribute("to", int=7)]),
        node("ReduceSum", ["edges_counted", "column_axis"], "distance_bin"),
        node("Gather", ["distance_table", "distance_bin"], "distance_part"),
    ]
    for role, names in (("origin", origins), ("destination", destinations)):
        offsets = [i * row for i in range(len(names))]
        nodes.append(encoder(role, f"{role}_row", names, offsets, len(names) * row))
        nodes.append(node("Add", [f"{role}_row", "block"], f"{role}_entry"))
        nodes.append(node("Gather", [f"{role}_table", f"{role}_entry"], f"{role}_part"))
    parts = ["hour_part", "day_part", "distance_part", "origin_part", "destination_part"]
    nodes.append(node("Sum", parts, "logit"))
    nodes.append(node("Sigmoid", ["logit"], "score_column"))
    nodes.append(node("Squeeze", ["score_column", "column_axis"], "score"))
    initializers = [tensor(name, list(values)) for name, values in tables.items()]
    initializers.append(tensor("distance_edges", DISTANCE_EDGES))
    initializers.append(tensor("block_table", blocks, is_float=False))
    initializers.append(tensor("column_axis", [1], is_float=False))
    inputs = [value_info(name, 1, ["N", 1]) for name in NUMBERS]
    inputs += [value_info(name, 8, ["N", 1]) for name in NAMES]
    graph = b"".join(data(1, item) for item in nodes) + data(2, "flights")
    graph += b"".join(data(5, item) for item in initializers)
    graph += b"".join(data(11, item) for item in inputs)
    graph += data(12, value_info("score", 1, ["N"]))
    model = integer(1, 9) + data(2, "driftmend-flights") + data(7, graph)
    for domain, version in (("", 17), ("ai.onnx.ml", 3)):
        model += data(8, data(1, domain) + integer(2, version))
    return model + b"".join(data(14, data(1, k) + data(2, v)) for k, v in metadata.items())
