// One connection of pgx with the connection string in the first argument. Prints what became of it as one line of
// JSON.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

func attempt() (map[string]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, os.Args[1])
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	var n int
	if err := conn.QueryRow(ctx, "select 41 + $1::int", 1).Scan(&n); err != nil {
		return nil, err
	}
	_, encrypted := conn.PgConn().Conn().(*tls.Conn)
	return map[string]any{"n": n, "encrypted": encrypted}, nil
}

func main() {
	result, err := attempt()
	if err != nil {
		result = map[string]any{"error": err.Error()}
	}
	line, _ := json.Marshal(result)
	fmt.Println(string(line))
}
