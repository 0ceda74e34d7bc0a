"""As ask.py, by Triton's gRPC client, whose tensors are raw contents: ask_grpc.py HOST:PORT."""

import json
import sys

import numpy as np
import tritonclient.grpc as triton

client = triton.InferenceServerClient(url=sys.argv[1])
rows = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], dtype=np.float64)
tensor = triton.InferInput("predict", list(rows.shape), "FP64")
tensor.set_data_from_numpy(rows)
outputs = [triton.InferRequestedOutput(name) for name in ("predict", "predict_proba")]
result = client.infer("iris", [tensor], outputs=outputs, request_id="asked-grpc")
print(
    json.dumps(
        {
            "live": client.is_server_live(),
            "ready": client.is_model_ready("iris"),
            "predict": result.as_numpy("predict").flatten().tolist(),
            "proba": np.round(result.as_numpy("predict_proba"), 6).tolist(),
        }
    )
)
