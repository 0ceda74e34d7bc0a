// Runs statements through clickhouse-go over HTTP, opened as Grafana's ClickHouse plugin opens it. Reads one JSON
// document from the standard input, writes one line of JSON for each statement.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

type statement struct {
	Name string `json:"name"`
	SQL  string `json:"sql"`
}

type task struct {
	Address    string      `json:"address"`
	User       string      `json:"user"`
	Password   string      `json:"password"`
	Database   string      `json:"database"`
	Seconds    int         `json:"seconds"`
	Statements []statement `json:"statements"`
}

type answer struct {
	Name    string   `json:"name"`
	Error   string   `json:"error,omitempty"`
	Columns []string `json:"columns"`
	Types   []string `json:"types"`
	Rows    int      `json:"rows"`
	Millis  int64    `json:"millis"`
}

func main() {
	var asked task
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	db := clickhouse.OpenDB(&clickhouse.Options{
		Addr:        []string{asked.Address},
		Auth:        clickhouse.Auth{Database: asked.Database, Username: asked.User, Password: asked.Password},
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionGZIP},
		DialTimeout: 10 * time.Second,
		ReadTimeout: time.Duration(asked.Seconds) * time.Second,
		Protocol:    clickhouse.HTTP,
	})
	defer db.Close()
	out := json.NewEncoder(os.Stdout)
	ping := answer{Name: "ping", Columns: []string{}, Types: []string{}}
	if err := db.Ping(); err != nil {
		ping.Error = err.Error()
	}
	if err := out.Encode(ping); err != nil {
		os.Exit(1)
	}
	for _, wanted := range asked.Statements {
		if err := out.Encode(ask(db, wanted, time.Duration(asked.Seconds)*time.Second)); err != nil {
			os.Exit(1)
		}
	}
}

func ask(db *sql.DB, wanted statement, limit time.Duration) answer {
	started := time.Now()
	said := answer{Name: wanted.Name, Columns: []string{}, Types: []string{}}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := read(ctx, db, wanted.SQL, &said)
	if err != nil {
		said.Error = err.Error()
	}
	said.Millis = time.Since(started).Milliseconds()
	return said
}

func read(ctx context.Context, db *sql.DB, text string, said *answer) error {
	rows, err := db.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	cells := make([]any, len(types))
	for i, column := range types {
		said.Columns = append(said.Columns, column.Name())
		said.Types = append(said.Types, column.DatabaseTypeName())
		cells[i] = new(any)
	}
	for rows.Next() {
		if err := rows.Scan(cells...); err != nil {
			return err
		}
		said.Rows++
	}
	return rows.Err()
}
