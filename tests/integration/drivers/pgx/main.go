// What a program does with pgx: transactions, errors, COPY both ways, prepared statements, batches, pipelines, cancel,
// a pool. The address comes from the environment (PGHOST, ...). Any failure ends it with exit code 1.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func want(condition bool, format string, arguments ...any) {
	if !condition {
		panic(fmt.Sprintf(format, arguments...))
	}
}

func code(err error) string {
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		return failure.Code
	}
	return fmt.Sprint(err)
}

func connect(ctx context.Context, mode pgx.QueryExecMode) *pgx.Conn {
	config, err := pgx.ParseConfig("")
	check(err)
	config.DefaultQueryExecMode = mode
	conn, err := pgx.ConnectConfig(ctx, config)
	check(err)
	return conn
}

func number(ctx context.Context, conn *pgx.Conn, sql string, arguments ...any) int {
	var n int
	check(conn.QueryRow(ctx, sql, arguments...).Scan(&n))
	return n
}

func transactionsAndErrors(ctx context.Context, mode pgx.QueryExecMode) {
	conn := connect(ctx, mode)
	defer conn.Close(ctx)
	_, err := conn.Exec(ctx, "drop table if exists pgx_items")
	check(err)
	_, err = conn.Exec(ctx, "create table pgx_items (id int primary key, v text)")
	check(err)
	check(pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into pgx_items values ($1, $2)", 1, "a")
		return err
	}))
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into pgx_items values ($1, $2)", 1, "b")
		want(code(err) == "23505", "unique violation: %v", err)
		_, again := tx.Exec(ctx, "select 1")
		want(code(again) == "25P02", "failed transaction: %v", again)
		return err
	})
	want(code(err) == "23505", "%v", err)
	check(pgx.BeginFunc(ctx, conn, func(outer pgx.Tx) error {
		_ = pgx.BeginFunc(ctx, outer, func(inner pgx.Tx) error {
			_, err := inner.Exec(ctx, "select 1/0")
			want(code(err) == "22012", "%v", err)
			return err
		})
		_, err := outer.Exec(ctx, "insert into pgx_items values ($1, $2)", 2, "c")
		return err
	}))
	want(number(ctx, conn, "select count(*)::int from pgx_items") == 2, "two rows")
	_, err = conn.Exec(ctx, "selekt 1")
	want(code(err) == "42601", "%v", err)
	for n := 0; n < 50; n++ {
		want(number(ctx, conn, "select $1::int + 1", n) == n+1, "a parameter")
	}
	_, err = conn.Exec(ctx, "drop table pgx_items")
	check(err)
}

func copies(ctx context.Context) {
	conn := connect(ctx, pgx.QueryExecModeCacheStatement)
	defer conn.Close(ctx)
	_, err := conn.Exec(ctx, "drop table if exists pgx_copy")
	check(err)
	_, err = conn.Exec(ctx, "create table pgx_copy (id int, v text)")
	check(err)
	count, err := conn.CopyFrom(ctx, pgx.Identifier{"pgx_copy"}, []string{"id", "v"},
		pgx.CopyFromSlice(5000, func(i int) ([]any, error) { return []any{i, fmt.Sprint("v", i)}, nil }))
	check(err)
	want(count == 5000, "%d rows", count)
	var out bytes.Buffer
	_, err = conn.PgConn().CopyTo(ctx, &out, "copy (select id from pgx_copy order by id) to stdout")
	check(err)
	want(strings.Count(out.String(), "\n") == 5000, "5000 lines")
	_, err = conn.PgConn().CopyFrom(ctx, strings.NewReader("x\ty\n"), "copy pgx_copy from stdin")
	want(code(err) == "22P02", "%v", err)
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"pgx_copy"}, []string{"id", "v"},
		pgx.CopyFromSlice(10, func(i int) ([]any, error) { return nil, errors.New("changed my mind") }))
	want(err != nil, "a copy that its source ends")
	want(number(ctx, conn, "select count(*)::int from pgx_copy") == 5000, "as before")
	_, err = conn.Exec(ctx, "drop table pgx_copy")
	check(err)
}

func statements(ctx context.Context) {
	var conns []*pgx.Conn
	for n := 0; n < 4; n++ {
		conn := connect(ctx, pgx.QueryExecModeCacheStatement)
		defer conn.Close(ctx)
		_, err := conn.Prepare(ctx, "same_name", fmt.Sprintf("select %d + $1::int", n*1000))
		check(err)
		conns = append(conns, conn)
	}
	for turn := 0; turn < 30; turn++ {
		for n, conn := range conns {
			want(number(ctx, conn, "same_name", turn) == n*1000+turn, "its own statement")
		}
	}
	check(conns[0].Deallocate(ctx, "same_name"))
	_, err := conns[0].Prepare(ctx, "same_name", "select 7 + $1::int")
	check(err)
	want(number(ctx, conns[0], "same_name", 1) == 8, "prepared anew")
	check(conns[1].DeallocateAll(ctx))
	want(number(ctx, conns[2], "same_name", 1) == 2001, "another's DEALLOCATE ALL")
}

func batchesAndPipelines(ctx context.Context) {
	conn := connect(ctx, pgx.QueryExecModeCacheStatement)
	defer conn.Close(ctx)
	batch := &pgx.Batch{}
	for n := 0; n < 200; n++ {
		batch.Queue("select $1::int", n)
	}
	results := conn.SendBatch(ctx, batch)
	for n := 0; n < 200; n++ {
		var got int
		check(results.QueryRow().Scan(&got))
		want(got == n, "row %d is %d", n, got)
	}
	check(results.Close())
	bad := &pgx.Batch{}
	bad.Queue("select 1")
	bad.Queue("select 1/$1::int", 0)
	bad.Queue("select 3")
	want(code(conn.SendBatch(ctx, bad).Close()) == "22012", "an error in a batch")

	pipeline := conn.PgConn().StartPipeline(ctx)
	for n := 0; n < 100; n++ {
		pipeline.SendQueryParams(fmt.Sprintf("select %d", n), nil, nil, nil, nil)
		if n%10 == 9 {
			check(pipeline.Sync())
		}
	}
	rows := 0
	for {
		result, err := pipeline.GetResults()
		check(err)
		if result == nil {
			break
		}
		if reader, ok := result.(*pgconn.ResultReader); ok {
			read := reader.Read()
			check(read.Err)
			want(string(read.Rows[0][0]) == fmt.Sprint(rows), "pipeline row %d", rows)
			rows++
		}
	}
	check(pipeline.Close())
	want(rows == 100, "%d rows of a pipeline", rows)
}

func cancel(ctx context.Context) {
	conn := connect(ctx, pgx.QueryExecModeCacheStatement)
	defer conn.Close(ctx)
	done := make(chan error, 1)
	go func() {
		_, err := conn.PgConn().Exec(ctx, "select pg_sleep(30)").ReadAll()
		done <- err
	}()
	var err error
	for waiting := true; waiting; {
		select {
		case err = <-done:
			waiting = false
		case <-time.After(200 * time.Millisecond):
			check(conn.PgConn().CancelRequest(ctx))
		}
	}
	want(code(err) == "57014", "%v", err)
}

func pool(ctx context.Context) {
	config, err := pgxpool.ParseConfig("")
	check(err)
	config.MaxConns = 20
	clients, err := pgxpool.NewWithConfig(ctx, config)
	check(err)
	defer clients.Close()
	var group sync.WaitGroup
	for n := 0; n < 200; n++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			check(pgx.BeginFunc(ctx, clients, func(tx pgx.Tx) error {
				var got int
				err := tx.QueryRow(ctx, "select $1::int", n).Scan(&got)
				want(err != nil || got == n, "%d is %d", n, got)
				return err
			}))
		}(n)
	}
	group.Wait()
}

func main() {
	log.SetFlags(0)
	ctx, stop := context.WithTimeout(context.Background(), 60*time.Second)
	defer stop()
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe,
		pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		transactionsAndErrors(ctx, mode)
		fmt.Println("transactions and errors:", mode)
	}
	copies(ctx)
	statements(ctx)
	batchesAndPipelines(ctx)
	cancel(ctx)
	pool(ctx)
	fmt.Println("pgx: all done")
}
