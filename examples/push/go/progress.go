// What the job says, in single lines on stderr.

package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

func say(line string) {
	fmt.Fprintln(os.Stderr, "push:", strings.Join(strings.Fields(line), " "))
}

// Progress tells how far it is, once a second.
type Progress struct {
	total, done, refused int
	told                 time.Time
}

func (progress *Progress) add(done int) {
	progress.done += done
	if time.Since(progress.told) >= time.Second {
		progress.tell()
	}
}

func (progress *Progress) refuse(id string, reason error) {
	progress.refused++
	say(id + " is refused: " + reason.Error())
}

func (progress *Progress) tell() {
	progress.told = time.Now()
	line := fmt.Sprintf("%d of %d done", progress.done, progress.total)
	if progress.refused > 0 {
		line += fmt.Sprintf(", %d refused", progress.refused)
	}
	say(line)
}
