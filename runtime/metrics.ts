/** Prometheus metrics of one process: a registry that carries the service's name. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  gauge(name: string, help: string, labels?: readonly string[]): Gauge;
  histogram(name: string, help: string, buckets: number[], labels?: readonly string[]): Histogram;
  /** Text exposition format. */
  render(): Promise<string>;
}

/** All names get the prefix `driftmend_<service>_`; default process metrics are included. */
export function createMetrics(service: string): Metrics {
  const register = new Registry();
  register.setDefaultLabels({ service });
  collectDefaultMetrics({ register });
  // Prometheus takes no hyphen in a name.
  const prefix = `driftmend_${service.replaceAll("-", "_")}`;
  const full = (name: string): string => `${prefix}_${name}`;
  return {
    // Two servers of one process count together.
    counter: (name, help, labels = []) => {
      const known = register.getSingleMetric(full(name));
      if (known instanceof Counter) return known;
      return new Counter({
        name: full(name),
        help,
        labelNames: [...labels],
        registers: [register],
      });
    },
    gauge: (name, help, labels = []) =>
      new Gauge({ name: full(name), help, labelNames: [...labels], registers: [register] }),
    histogram: (name, help, buckets, labels = []) =>
      new Histogram({
        name: full(name),
        help,
        buckets,
        labelNames: [...labels],
        registers: [register],
      }),
    render: () => register.metrics(),
  };
}
