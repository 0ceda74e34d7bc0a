"""Asks a V2 server by Triton's own client, with tensors as JSON and in binary: ask.py HOST:PORT. Prints what it heard."""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

client = triton.InferenceServerClient(url=sys.argv[1])
rows = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], dtype=np.float64)
heard = {"live": client.is_server_live(), "ready": client.is_model_ready("iris")}
heard["metadata"] = client.get_model_metadata("iris")["name"]
for kind, binary in (("json", False), ("binary", True)):
    tensor = triton.InferInput("predict", list(rows.shape), "FP64")
    tensor.set_data_from_numpy(rows, binary_data=binary)
    outputs = [
        triton.InferRequestedOutput(name, binary_data=binary) for name in ("predict", "predict_proba")
    ]
    try:
        result = client.infer("iris", [tensor], outputs=outputs, request_id=f"asked-{kind}")
    except InferenceServerException as error:
        # MLServer does not speak the binary extension over HTTP, and must be heard saying so.
        heard[kind] = {"status": error.status()}
        continue
    heard[kind] = {
        "predict": result.as_numpy("predict").flatten().tolist(),
        "proba": np.round(result.as_numpy("predict_proba"), 6).tolist(),
    }
print(json.dumps(heard))
