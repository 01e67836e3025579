// Push due notifications to their users' devices; killed at any point and run again, each arrives once.
//
// The id is what makes it so: a notification is published with its own id, and marked as done only after the
// answer. One that was published and not marked is published again, and the store knows its id for 5 minutes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

const (
	failed, misused, refused, interrupted = 1, 2, 3, 130

	help = `usage: push [--redis-url URL] [--patience SECONDS] LIST

Push due notifications to their users' devices, each once, however often it is run.

LIST has one notification a line: {"id": "order-41-ready", "user": "7", "title": "…", "body": "…"}.
LIST.done gets the ids of those that were published; lines that are in it are skipped.

Exit codes: 0 all are done, 1 the store did not answer or the disk is full (run it again), 2 wrong arguments or
a wrong list, 3 some were refused and all others are done, 130 Ctrl-C (run it again).

`
)

// push publishes all that are not done yet; gives the exit code.
func (job *Job) push(ctx context.Context, notifications []Notification) int {
	var due []Notification
	for _, each := range notifications {
		if !job.done.ids[each.ID] {
			due = append(due, each)
		}
	}
	job.progress.total = len(due)
	for _, batch := range batches(due) {
		if err := job.publishBatch(ctx, batch); err != nil {
			return fail(failed, err)
		}
	}
	job.progress.tell()
	if job.progress.refused > 0 {
		return refused
	}
	return 0
}

func fail(code int, err error) int {
	say("error: " + err.Error())
	return code
}

func run() int {
	home, _ := os.UserHomeDir()
	// Where `trio-gateway serve` has its store on Linux; it prints where yours is.
	url := flag.String("redis-url", "unix://"+home+"/.local/share/trio-gateway/valkey.sock", "the gateway's store")
	patience := flag.Float64("patience", 120, "how many seconds to try again while the store does not answer, up to 240")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), help)
		flag.PrintDefaults()
	}
	flag.Parse()
	// Well below the 5 minutes for which the store knows an id.
	if flag.NArg() != 1 || !(*patience >= 0 && *patience <= 240) {
		return fail(misused, errors.New("expected one LIST, and a patience of 0 to 240; --help tells more"))
	}
	client, err := openStore(*url)
	if err != nil {
		return fail(misused, err)
	}
	defer client.Close()
	notifications, err := readList(flag.Arg(0))
	if err != nil {
		return fail(misused, err)
	}
	done, err := openDone(flag.Arg(0) + ".done")
	if err != nil {
		return fail(misused, err)
	}
	job := Job{client, done, &Progress{told: time.Now()}, time.Duration(*patience * float64(time.Second))}
	return job.push(context.Background(), notifications)
}

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	go func() {
		<-stop
		say("interrupted; run it again for the rest")
		os.Exit(interrupted)
	}()
	os.Exit(run())
}
