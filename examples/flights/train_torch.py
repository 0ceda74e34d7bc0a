"""The flights' trainer on PyTorch, under the same contract as trainer/main.ts (INTERFACES, Trainer).

Why it exists: a user's trainer is usually Python, and a GPU should be used where there is one. It fits the
same objective as the Node trainer (summed log-loss + l2/2 * squared weights, intercept free) by Newton's
method with conjugate gradients, and writes the same ONNX graph. Needs torch, numpy and pyarrow, nothing else.
Exit codes: 0 done, 64 bad parameters, 65 bad data, 66 missing input or package, 143 told to stop.
"""

import hashlib
import json
import os
import resource
import signal
import sys
import time

# The package beside this file lies in a checkout: no bytecode into it, but into every other place.
writes_bytecode, sys.dont_write_bytecode = not sys.dont_write_bytecode, True

from torch_trainer.features import NAMES, NUMBERS
from torch_trainer.fit import Objective, fit, places_of
from torch_trainer.onnx_file import flights_onnx
from torch_trainer.request import (
    EXIT_DATA,
    EXIT_INPUT,
    EXIT_TERMINATED,
    TrainerFailure,
    request_of,
)
from torch_trainer.rows import merge, read_rows, sort_names
from torch_trainer.tables import quality_of, tables_of

sys.dont_write_bytecode = not writes_bytecode


def leave(_signal, _frame):
    """SIGTERM between two steps: files appear whole at the end, so nothing is to be undone."""
    sys.stderr.write("Training was stopped by SIGTERM; nothing was written\n")
    sys.exit(EXIT_TERMINATED)


def main():
    signal.signal(signal.SIGTERM, leave)
    # Before torch is loaded: without it matrix products on CUDA differ from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    request = request_of(os.environ)
    try:
        import numpy as np
        import pyarrow.parquet as parquet
        import torch
    except ImportError as error:
        hint = "pip install torch numpy pyarrow"
        raise TrainerFailure(EXIT_INPUT, f"Cannot train with torch: {error}; {hint}")
    # Where a device has no such kernel the last bits may differ; that is no reason to fail.
    torch.use_deterministic_algorithms(True, warn_only=True)
    started = time.monotonic()
    device, device_name = choose_device(torch)
    description_bytes, positive = read_description(request)
    train = read_rows(np, parquet, request["dataset"] / "train", positive)
    if train is None:
        where = request["dataset"] / "train"
        raise TrainerFailure(EXIT_INPUT, f'Cannot train: no Parquet file in "{where}"')
    valid = read_rows(np, parquet, request["dataset"] / "valid", positive)
    sort_names(np, train)
    read = time.monotonic()
    codes, weight, hits = merge(np, train)
    origins, destinations = train["origin_names"], train["destination_names"]
    places, start, size = places_of(np, codes, len(origins), len(destinations))
    request["out"].mkdir(parents=True, exist_ok=True)
    last = {}
    with open(request["out"] / "progress.jsonl", "a") as progress:

        def report(iteration, objective, gradient_max):
            last.update(iteration=iteration, objective=objective, gradientMax=gradient_max)
            progress.write(json.dumps(last) + "\n")
            progress.flush()

        l2 = request["params"]["l2"]
        objective = Objective(torch, device, places, weight, hits, size, l2)
        w = fit(objective, start, request["params"], report)
    tables = tables_of(np, w, start, origins, destinations)
    fitted = time.monotonic()
    metrics = {
        "trainer": "torch",
        "device": device_name,
        "rows": len(train["positive"]),
        "cells": len(weight),
        "parameters": size,
        "params": request["params"],
        "iterations": last["iteration"],
        "objective": last["objective"],
        "gradientMax": last["gradientMax"],
        "train": quality_of(np, tables, train, origins, destinations),
        "seconds": fitted - started,
        "secondsReading": read - started,
        "secondsFitting": fitted - read,
        "memoryBytesMax": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        * (1 if sys.platform == "darwin" else 1024),
    }
    if device.type == "cuda":
        metrics["deviceMemoryBytesMax"] = torch.cuda.max_memory_allocated(device)
    if valid is not None:
        quality = quality_of(np, tables, valid, origins, destinations)
        metrics["valid"] = {"rows": len(valid["positive"]), **quality}
    write_artifacts(request, tables, origins, destinations, metrics, sha256(description_bytes))


def choose_device(torch):
    """A CUDA device, unasked, when there is one (CUDA_VISIBLE_DEVICES says which)."""
    if torch.cuda.is_available():
        device = torch.device("cuda")
        return device, f"cuda: {torch.cuda.get_device_name(device)}"
    return torch.device("cpu"), f"cpu: torch with {torch.get_num_threads()} threads"


def read_description(request):
    path = request["dataset"] / "dataset.json"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainerFailure(EXIT_INPUT, f"Cannot train: {error}")
    try:
        task = json.loads(content).get("task") or {}
    except (ValueError, AttributeError) as error:
        raise TrainerFailure(EXIT_DATA, f'Cannot read "{path}" as a description: {error}')
    return content, request["params"].get("positive") or task.get("positive") or "1"


def write_artifacts(request, tables, origins, destinations, metrics, dataset_sha256):
    inputs = [{"name": name, "datatype": "FP32", "shape": [-1, 1]} for name in NUMBERS]
    inputs += [{"name": name, "datatype": "BYTES", "shape": [-1, 1]} for name in NAMES]
    schema = json.dumps(inputs, separators=(",", ":")).encode()
    metadata = {
        "run_id": request["run_id"],
        "model": request["model"],
        "dataset_sha256": dataset_sha256,
        "feature_schema_sha256": sha256(schema),
        "trainer": "torch",
    }
    onnx = flights_onnx(tables, origins, destinations, metadata)
    metrics_json = (json.dumps(metrics, indent=2) + "\n").encode()
    manifest = {
        "kind": "onnx",
        "entry": "model.onnx",
        "model": request["model"],
        "runId": request["run_id"],
        "signature": {
            "inputs": inputs,
            "outputs": [{"name": "score", "datatype": "FP32", "shape": [-1]}],
        },
        "datasetSha256": dataset_sha256,
        "files": {"model.onnx": sha256(onnx), "metrics.json": sha256(metrics_json)},
    }
    write_atomic(request["out"] / "model.onnx", onnx)
    write_atomic(request["out"] / "metrics.json", metrics_json)
    # Last: who finds a manifest finds all that it names.
    write_atomic(request["out"] / "manifest.json", (json.dumps(manifest, indent=2) + "\n").encode())


def write_atomic(path, content):
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    try:
        main()
    except TrainerFailure as failure:
        sys.stderr.write(f"{failure}\n")
        sys.exit(failure.exit_code)
