"""A regression of scikit-learn behind an HTTP server, as somebody would serve it: predictions go out as
OpenTelemetry log records, what really happened is posted as labels. Time is announced, so that weeks pass in
minutes. In the last week one input comes in another unit and the world costs more. Prints as JSON what
scikit-learn itself says of each week."""

import datetime
import json
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

AGENT, MODEL, WEEKS, PER_HOUR = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
START = datetime.datetime.fromisoformat(sys.argv[5]).replace(tzinfo=datetime.timezone.utc)
HOUR = datetime.timedelta(hours=1)

data = load_diabetes(scaled=False)
names = data.feature_names
regression = Ridge(alpha=1.0).fit(data.data, data.target)

provider = LoggerProvider(resource=Resource.create({"service.name": "diabetes-api"}))
provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{AGENT}/v1/logs")))
logger = provider.get_logger("diabetes-api")


class Predict(BaseHTTPRequestHandler):
    """POST {id, time, inputs} answers {prediction}, and tells Driftmend about it."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        inputs = asked["inputs"]
        prediction = float(regression.predict([[inputs[name] for name in names]])[0])
        nanoseconds = int(datetime.datetime.fromisoformat(asked["time"]).timestamp() * 1e9)
        features = {f"ml.feature.{name}": value for name, value in inputs.items()}
        logger.emit(
            LogRecord(
                timestamp=nanoseconds,
                event_name="ml.prediction",
                attributes={
                    "ml.model.name": MODEL,
                    "ml.model.version": "1",
                    "ml.prediction.id": asked["id"],
                    "ml.prediction.value": prediction,
                    "ml.task": "regression",
                    **features,
                },
            )
        )
        body = json.dumps({"prediction": prediction}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def post(url, body):
    request = urllib.request.Request(url, data=body.encode(), headers={"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


server = ThreadingHTTPServer(("127.0.0.1", 0), Predict)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/"
random = numpy.random.default_rng(7)
weeks = []
# Before the first prediction: without a word its clock would be the wall's, and all of this long past.
post(f"{AGENT}/v1/clock", json.dumps({"model": MODEL, "time": START.isoformat()}))
for week in range(WEEKS):
    broken = week == WEEKS - 1
    predicted, actual = [], []
    for hour in range(7 * 24):
        begin = START + datetime.timedelta(weeks=week) + hour * HOUR
        labels = []
        for i in range(PER_HOUR):
            at = begin + (i + 0.5) / PER_HOUR * HOUR
            row = int(random.integers(len(data.target)))
            inputs = dict(zip(names, (float(value) for value in data.data[row])))
            truth = float(data.target[row]) + (40.0 if broken else 0.0)
            if broken:
                inputs["bmi"] *= 2.20462
            name = f"{week}-{hour}-{i}"
            asked = {"id": name, "time": at.isoformat(), "inputs": inputs}
            predicted.append(post(address, json.dumps(asked))["prediction"])
            actual.append(truth)
            known = {"prediction_time": at.isoformat(), "time": (at + HOUR / 60).isoformat()}
            labels.append(json.dumps({"model": MODEL, "id": name, "value": truth, **known}))
        # What the server said of this hour must be there before the hour ends.
        provider.force_flush()
        post(f"{AGENT}/v1/labels", "\n".join(labels))
        post(f"{AGENT}/v1/clock", json.dumps({"model": MODEL, "time": (begin + HOUR).isoformat()}))
    weeks.append(
        {
            "mae": mean_absolute_error(actual, predicted),
            "rmse": root_mean_squared_error(actual, predicted),
            "skill": r2_score(actual, predicted),
            "bias": float(numpy.mean(numpy.subtract(predicted, actual))),
            "rows": len(actual),
        }
    )
print(json.dumps({"weeks": weeks}))
server.shutdown()
provider.shutdown()
