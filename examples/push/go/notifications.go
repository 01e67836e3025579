// What is due and what is done: a list in a file, and beside it the ids of what was published.
//
// In an application of yours both are a table, and done is a column.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

const batchSize = 100

// A Notification is what a user is to be told; its id is its own for ever.
type Notification struct {
	ID    string  `json:"id"`
	User  string  `json:"user"`
	Title *string `json:"title"`
	Body  *string `json:"body"`
}

// Done keeps the ids of what was published, one a line; those that were there already are in ids.
type Done struct {
	file *os.File
	ids  map[string]bool
}

func openDone(path string) (*Done, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	ids := map[string]bool{}
	for id := range strings.SplitSeq(string(whole), "\n") {
		ids[id] = true
	}
	if len(whole) < len(text) { // a power cut in the middle of a line
		err = file.Truncate(int64(len(whole)))
	}
	return &Done{file, ids}, err
}

func (done *Done) add(notifications []Notification) error {
	var lines strings.Builder
	for _, each := range notifications {
		lines.WriteString(each.ID + "\n")
	}
	if _, err := done.file.WriteString(lines.String()); err != nil {
		return err
	}
	return done.file.Sync()
}

// batches splits the list; no user is twice in a batch, so each gets theirs in order, whatever fails.
func batches(notifications []Notification) (all [][]Notification) {
	users := map[string]bool{}
	first := 0
	for i, each := range notifications {
		if i-first == batchSize || users[each.User] {
			all = append(all, notifications[first:i])
			first = i
			clear(users)
		}
		users[each.User] = true
	}
	return append(all, notifications[first:])
}

func readList(path string) ([]Notification, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var notifications []Notification
	seen := map[string]bool{}
	for i, line := range bytes.Split(text, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var n Notification
		if json.Unmarshal(line, &n) != nil || n.ID == "" || n.User == "" || n.Title == nil || n.Body == nil {
			return nil, fmt.Errorf("%s:%d: expected an object with the texts id, user, title and body", path, i+1)
		}
		if seen[n.ID] {
			return nil, fmt.Errorf("%s:%d: the id %s was there before", path, i+1, n.ID)
		}
		seen[n.ID] = true
		notifications = append(notifications, n)
	}
	return notifications, nil
}
