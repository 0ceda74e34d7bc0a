"""A BentoML service that monitors itself: one column for each role, one row for each flower of a request."""

import os

import bentoml


@bentoml.service(
    name="iris",
    workers=1,
    monitoring={
        "enabled": True,
        "type": "otlp",
        "options": {"endpoint": os.environ["MONITOR_ENDPOINT"], "meta_sample_rate": 0.0},
    },
)
class Iris:
    @bentoml.api
    def classify(self, lengths: list[float]) -> list[str]:
        answers = ["setosa" if length < 3 else "virginica" for length in lengths]
        with bentoml.monitor("iris_monitor") as monitor:
            for length, answer in zip(lengths, answers):
                monitor.log(length, "petal length", "feature", "numerical")
                monitor.log("garden", "place", "feature", "categorical")
                monitor.log(answer, "species", "prediction", "categorical")
                monitor.log(0.75, "probability", "prediction", "numerical")
                monitor.log(answer, "truth", "target", "categorical")
        return answers
