// Publish notifications until each was answered: with its own id, one may be published any number of times.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

const (
	firstWait   = 500 * time.Millisecond
	longestWait = 10 * time.Second
)

var errNoGateway = errors.New("no gateway has been connected to this store yet: start one, then run this again")

// openStore connects when it is needed. The client sends nothing twice: the job itself decides what is sent again.
func openStore(url string) (*redis.Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	options.MaxRetries, options.DialerRetries = -1, 1
	options.DialTimeout, options.ReadTimeout = 2*time.Second, 5*time.Second
	logging.Disable() // each call tells its own error
	return redis.NewClient(options), nil
}

// A Job publishes notifications, until each was answered.
type Job struct {
	client   *redis.Client
	done     *Done
	progress *Progress
	patience time.Duration
}

var escapes = strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D")

// publish adds a call to the pipeline: one notification into its user's inbox, with its own id.
func publish(ctx context.Context, pipe redis.Pipeliner, n Notification) *redis.Cmd {
	data, _ := json.Marshal(map[string]*string{"title": n.Title, "body": n.Body}) // texts make no errors
	inbox := "tg:{#" + escapes.Replace(n.User) + "}"
	keys := []string{inbox + ":m", inbox + ":s", inbox + ":i:0::" + n.ID}
	return pipe.FCall(ctx, "tg1_publish", keys, data, "", n.ID)
}

func isGatewayMissing(err error) bool {
	return strings.Contains(err.Error(), "Function not found") || redis.HasErrorPrefix(err, "TGPREFIX")
}

// attempt publishes a batch once, in one write; gives those that nobody answered, and why.
func (job *Job) attempt(ctx context.Context, batch []Notification) (unanswered []Notification, reason, failure error) {
	pipe := job.client.Pipeline()
	for _, each := range batch {
		publish(ctx, pipe, each)
	}
	calls, _ := pipe.Exec(ctx) // each call has its own error
	var published []Notification
	for i, call := range calls {
		switch err := call.Err(); {
		case err == nil:
			published = append(published, batch[i])
		case isGatewayMissing(err):
			return nil, nil, errNoGateway
		case redis.HasErrorPrefix(err, "TG"): // it will never be published
			job.progress.refuse(batch[i].ID, err)
		default: // nobody knows whether it was published
			unanswered, reason = append(unanswered, batch[i]), err
		}
	}
	job.progress.add(len(published))
	return unanswered, reason, job.done.add(published)
}

// publishBatch publishes until each was answered; an error after so much patience without.
func (job *Job) publishBatch(ctx context.Context, batch []Notification) error {
	deadline := time.Now().Add(job.patience)
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		unanswered, reason, err := job.attempt(ctx, batch)
		if err != nil || len(unanswered) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("gave up after %v: %w", job.patience, reason)
		}
		say("trying again: " + reason.Error())
		time.Sleep(rand.N(wait))
		batch = unanswered
	}
}
