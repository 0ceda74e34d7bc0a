// Runs statements through the backend of Grafana's ClickHouse plugin, in this process: its settings, its macros,
// its driver. Reads one JSON document from the standard input, writes one line of JSON for each statement.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/grafana/clickhouse-datasource/pkg/plugin"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

type statement struct {
	Name       string          `json:"name"`
	FromMs     int64           `json:"fromMs"`
	ToMs       int64           `json:"toMs"`
	IntervalMs int64           `json:"intervalMs"`
	Query      json.RawMessage `json:"query"`
}

type task struct {
	JSONData   json.RawMessage   `json:"jsonData"`
	Secret     map[string]string `json:"secureJsonData"`
	Statements []statement       `json:"statements"`
}

type field struct {
	Name   string            `json:"name"`
	Type   string            `json:"type"`
	Labels map[string]string `json:"labels,omitempty"`
	Length int               `json:"length"`
	First  any               `json:"first"`
}

type answer struct {
	Name   string    `json:"name"`
	Error  string    `json:"error,omitempty"`
	Frames [][]field `json:"frames"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked task
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	ctx := context.Background()
	settings := backend.DataSourceInstanceSettings{
		ID: 1, UID: "driftmend-clickhouse", Type: "grafana-clickhouse-datasource", Name: "Driftmend",
		JSONData: asked.JSONData, DecryptedSecureJSONData: asked.Secret, Updated: time.Now(),
	}
	instance, err := plugin.NewDatasource(ctx, settings)
	if err != nil {
		return fmt.Errorf("the plugin does not start: %w", err)
	}
	source := backend.PluginContext{OrgID: 1, PluginID: settings.Type, DataSourceInstanceSettings: &settings}
	out := json.NewEncoder(os.Stdout)
	health := answer{Name: "health", Frames: [][]field{}}
	checked, err := instance.(backend.CheckHealthHandler).CheckHealth(ctx, &backend.CheckHealthRequest{PluginContext: source})
	if err != nil {
		health.Error = err.Error()
	} else if checked.Status != backend.HealthStatusOk {
		health.Error = checked.Message
	}
	if err := out.Encode(health); err != nil {
		return err
	}
	for _, wanted := range asked.Statements {
		if err := out.Encode(ask(ctx, instance.(backend.QueryDataHandler), source, wanted)); err != nil {
			return err
		}
	}
	return nil
}

func ask(ctx context.Context, handler backend.QueryDataHandler, source backend.PluginContext, wanted statement) answer {
	said := answer{Name: wanted.Name, Frames: [][]field{}}
	response, err := handler.QueryData(ctx, &backend.QueryDataRequest{
		PluginContext: source,
		Queries: []backend.DataQuery{{
			RefID: "A", JSON: wanted.Query, MaxDataPoints: 600, Interval: time.Duration(wanted.IntervalMs) * time.Millisecond,
			TimeRange: backend.TimeRange{From: time.UnixMilli(wanted.FromMs).UTC(), To: time.UnixMilli(wanted.ToMs).UTC()},
		}},
	})
	if err != nil {
		said.Error = err.Error()
		return said
	}
	got := response.Responses["A"]
	if got.Error != nil {
		said.Error = got.Error.Error()
	}
	for _, frame := range got.Frames {
		fields := []field{}
		for _, column := range frame.Fields {
			one := field{Name: column.Name, Type: column.Type().String(), Labels: column.Labels, Length: column.Len()}
			if column.Len() > 0 {
				if value, ok := column.ConcreteAt(0); ok {
					one.First = fmt.Sprint(value)
				}
			}
			fields = append(fields, one)
		}
		said.Frames = append(said.Frames, fields)
	}
	return said
}
