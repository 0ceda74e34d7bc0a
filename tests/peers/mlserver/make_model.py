"""A classifier of scikit-learn in a folder that MLServer serves: make_model.py FOLDER HTTP_PORT GRPC_PORT METRICS_PORT."""

import json
import sys
from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

folder = Path(sys.argv[1])
http_port, grpc_port, metrics_port = (int(port) for port in sys.argv[2:5])
features, species = load_iris(return_X_y=True)
joblib.dump(LogisticRegression(max_iter=1000).fit(features, species), folder / "iris.joblib")
(folder / "model-settings.json").write_text(
    json.dumps(
        {
            "name": "iris",
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": "./iris.joblib", "version": "v7"},
        }
    )
)
(folder / "settings.json").write_text(
    json.dumps(
        {
            "host": "127.0.0.1",
            "http_port": http_port,
            "grpc_port": grpc_port,
            "metrics_port": metrics_port,
            "parallel_workers": 0,
        }
    )
)
