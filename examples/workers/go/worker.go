// A worker in Go with nothing but the standard library. It runs the kinds of the conformance kit.
//
//	IRONFORGE_URL=http://localhost:3000 IRONFORGE_QUEUES=main go run ./examples/workers/go/worker.go
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

type object = map[string]any

// What a handler may return in place of an ordinary error.
type retryAfter struct{ ms int }
type snoozeFor struct{ ms int }

func (retryAfter) Error() string { return "not yet" }
func (snoozeFor) Error() string  { return "later" }

var errDiscard = errors.New("not wanted")

// The payloads of all kinds of the kit in one struct.
type payload struct {
	Times     int    `json:"times"`
	Message   string `json:"message"`
	DelayMs   int    `json:"delay_ms"`
	Ms        int    `json:"ms"`
	Steps     int    `json:"steps"`
	FailAfter int    `json:"fail_after"`
}

var handlers = map[string]func(*job, payload) (any, error){
	"conformance.echo": func(j *job, _ payload) (any, error) { return j.Job.Payload, nil },
	"conformance.fail": func(j *job, p payload) (any, error) {
		return object{"attempt": j.Attempt}, ifFirst(j.Attempt <= p.Times, errors.New(p.Message))
	},
	"conformance.retry": func(j *job, p payload) (any, error) {
		return object{"attempt": j.Attempt}, ifFirst(j.Attempt == 1, retryAfter{p.DelayMs})
	},
	"conformance.snooze": func(j *job, p payload) (any, error) {
		return object{"attempt": j.Attempt}, ifFirst(j.Attempt == 1, snoozeFor{p.DelayMs})
	},
	"conformance.discard": func(*job, payload) (any, error) { return nil, errDiscard },
	"conformance.sleep": func(j *job, p payload) (any, error) {
		select {
		case <-time.After(time.Duration(p.Ms) * time.Millisecond):
			return object{"slept_ms": p.Ms}, nil
		case <-j.ctx.Done():
			return nil, j.ctx.Err()
		}
	},
	"conformance.crash": func(j *job, p payload) (any, error) {
		if j.Attempt <= p.Times {
			os.Exit(70)
		}
		return object{"attempt": j.Attempt}, nil
	},
	"conformance.progress": func(j *job, p payload) (any, error) {
		first := j.Checkpoint.Done + 1
		for step := first; step <= p.Steps; step++ {
			text := fmt.Sprintf("step %d", step)
			told := object{"job_id": j.JobID, "lease_token": j.Token, "number": step, "log": []string{text},
				"progress":   object{"fraction": float64(step) / float64(p.Steps), "text": text},
				"checkpoint": object{"done": step}}
			if err := insist(context.Background(), "POST", "/leases/report", object{"reports": []object{told}}, nil); err != nil {
				return nil, err
			}
			if j.Attempt == 1 && step == p.FailAfter {
				return nil, errors.New("stopped half way")
			}
		}
		return object{"first": first}, nil
	},
}

func ifFirst(isSo bool, err error) error {
	if isSo {
		return err
	}
	return nil
}

// A lease as it came, and what became of it.
type job struct {
	JobID   string `json:"job_id"`
	Token   string `json:"lease_token"`
	Attempt int    `json:"attempt"`
	Job     struct {
		Kind      string          `json:"kind"`
		Payload   json.RawMessage `json:"payload"`
		TimeoutMs int             `json:"timeout_ms"`
	} `json:"job"`
	Checkpoint struct {
		Done int `json:"done"`
	} `json:"checkpoint"`

	ctx          context.Context
	cancel       context.CancelFunc
	hasEnded     bool   // and is not given back; mu guards it, and the next two
	why          string // why it was stopped
	trustedUntil time.Time
}

func (j *job) key() object { return object{"job_id": j.JobID, "lease_token": j.Token} }

// stop asks the handler to end; the first reason counts. mu must be held.
func (j *job) stop(why string) {
	if j.why == "" {
		j.why = why
		j.cancel()
	}
}

var (
	url         = or("IRONFORGE_URL", "http://localhost:3000")
	queues      = strings.Split(or("IRONFORGE_QUEUES", "main"), ",")
	concurrency = number("IRONFORGE_CONCURRENCY", 10)
	leaseMs     = number("IRONFORGE_LEASE_MS", 10_000)
	grace       = time.Duration(number("IRONFORGE_GRACE_S", 25)) * time.Second
	lease       = time.Duration(leaseMs) * time.Millisecond

	mu             sync.Mutex
	held           = map[string]*job{} // by token
	workerID       string
	isQuiet        bool
	hangUp         context.CancelFunc = func() {} // ends the claim that waits
	stopping, stop                    = context.WithCancel(context.Background())

	noted  sync.Mutex
	isAway bool // the server, as far as is known; noted guards it
)

func or(name, usual string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return usual
}

func number(name string, usual int) int {
	value, err := strconv.Atoi(or(name, strconv.Itoa(usual)))
	if err != nil {
		log.Fatalf("%s must be a number: %v", name, err)
	}
	return value
}

// A refusal has a status; an answer that never came has none.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.text) }

func statusOf(err error) int {
	var refused refusal
	errors.As(err, &refused)
	return refused.status
}

// note says when the server goes away or comes back.
func note(away bool) {
	noted.Lock()
	defer noted.Unlock()
	if away && !isAway {
		log.Printf("%s does not answer, trying again", url)
	} else if !away && isAway {
		log.Printf("%s answers again", url)
	}
	isAway = away
}

func ask(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if key := os.Getenv("IRONFORGE_API_KEY"); key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			note(true)
		}
		return err
	}
	note(answer.StatusCode == 503)
	defer answer.Body.Close()
	found, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return refusal{answer.StatusCode, string(found)}
	}
	if into == nil || len(found) == 0 {
		return nil
	}
	return json.Unmarshal(found, into)
}

// insist asks until there is an answer or ctx ends: every request of the protocol may be sent again as it is.
func insist(ctx context.Context, method, path string, body, into any) error {
	for wait := 100; ; wait = min(2*wait, 2000) {
		limited, done := context.WithTimeout(ctx, 30*time.Second)
		err := ask(limited, method, path, body, into)
		done()
		if status := statusOf(err); err == nil || ctx.Err() != nil || (status != 0 && status != 429 && status != 503) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(50+rand.Intn(wait)) * time.Millisecond):
		}
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func register() {
	var made struct {
		WorkerID string `json:"worker_id"`
	}
	body := object{"name": "go", "language": "go", "pid": os.Getpid(), "queues": queues, "concurrency": concurrency}
	if err := insist(stopping, "POST", "/workers", body, &made); err != nil {
		if stopping.Err() != nil {
			return
		}
		log.Fatal(err)
	}
	mu.Lock()
	workerID = made.WorkerID
	mu.Unlock()
	log.Println(made.WorkerID, "serves", queues, "of", url)
}

// all returns what is held. mu must be held.
func all() []*job {
	found := []*job{}
	for _, j := range held {
		found = append(found, j)
	}
	return found
}

// keys returns what names leases.
func keys(jobs []*job) []object {
	found := []object{}
	for _, j := range jobs {
		found = append(found, j.key())
	}
	return found
}

// beat extends what is held, and hears what is lost or cancelled, and what to do.
func beat() {
	mu.Lock()
	path, asked, status := "/workers/"+workerID+"/heartbeat", all(), "running"
	if isQuiet {
		status = "quiet"
	}
	mu.Unlock()
	if stopping.Err() != nil {
		status = "draining"
	}
	var news struct {
		Order           string
		Extended, Lost  []string
		CancelRequested []string `json:"cancel_requested"`
	}
	sent := time.Now()
	ctx, done := context.WithTimeout(context.Background(), lease/3)
	defer done()
	err := ask(ctx, "POST", path, object{"status": status, "leases": keys(asked), "lease_ms": leaseMs}, &news)
	if statusOf(err) == 404 {
		register()
	}
	mu.Lock()
	defer mu.Unlock()
	if err == nil {
		for _, j := range asked {
			switch {
			case contains(news.Lost, j.JobID):
				j.stop("lost")
			case contains(news.CancelRequested, j.JobID):
				j.stop("cancelled")
			}
			if contains(news.Extended, j.JobID) {
				j.trustedUntil = sent.Add(lease * 9 / 10)
			}
		}
		isQuiet = news.Order == "quiet"
		if isQuiet {
			hangUp()
		}
		if news.Order == "terminate" {
			stop()
		}
	}
	// Without an extension somebody else may run the job by now. Go reads the monotonic clock here.
	for _, j := range held {
		if time.Now().After(j.trustedUntil) {
			j.stop("lost")
		}
	}
}

func contains(names []string, name string) bool {
	for _, found := range names {
		if found == name {
			return true
		}
	}
	return false
}

// claim waits for jobs, under one claim_id until there is an answer, so that a lost one loses no job.
func claim(room int) []*job {
	mu.Lock()
	body := object{"worker_id": workerID, "queues": queues, "max_jobs": room, "wait_ms": 20_000, "lease_ms": leaseMs,
		"claim_id": fmt.Sprintf("%d-%d", time.Now().UnixNano(), rand.Int63())}
	ctx, done := context.WithCancel(stopping)
	hangUp = done
	mu.Unlock()
	defer done()
	for {
		var answer struct{ Leases []*job }
		err := ask(ctx, "POST", "/leases", body, &answer)
		if err == nil {
			return answer.Leases
		}
		if ctx.Err() != nil { // hung up, but the answer may have been on its way: ask what it brought
			body["wait_ms"] = 0
			short, end := context.WithTimeout(context.Background(), 3*time.Second)
			defer end()
			_ = ask(short, "POST", "/leases", body, &answer)
			return answer.Leases
		}
		if statusOf(err) == 404 {
			return nil // the next heartbeat registers
		}
		time.Sleep(time.Duration(200+rand.Intn(300)) * time.Millisecond)
	}
}

func run(j *job) {
	defer func() {
		mu.Lock()
		delete(held, j.Token)
		mu.Unlock()
		j.cancel()
	}()
	began := time.Now()
	timer := time.AfterFunc(time.Duration(j.Job.TimeoutMs)*time.Millisecond, func() {
		mu.Lock()
		j.stop("timeout")
		mu.Unlock()
	})
	settlement := attempt(j)
	timer.Stop()
	mu.Lock()
	isLost := j.why == "lost"
	j.hasEnded = settlement["outcome"] != "released"
	mu.Unlock()
	if isLost {
		return // nothing to say: the job is somebody else's
	}
	settlement["job_id"], settlement["lease_token"] = j.JobID, j.Token
	settlement["duration_ms"] = time.Since(began).Milliseconds()
	var told struct{ Results []struct{ Code string } }
	err := insist(context.Background(), "POST", "/leases/settle", object{"settlements": []object{settlement}}, &told)
	if err != nil || told.Results[0].Code != "" {
		log.Println(j.JobID, "is not settled:", err, told.Results)
	}
}

func attempt(j *job) object {
	failure := func(outcome, kind, message string) object {
		return object{"outcome": outcome, "error": object{"type": kind, "message": message}}
	}
	handler, isKnown := handlers[j.Job.Kind]
	if !isKnown {
		return failure("unknown_kind", "unknown_kind", "No handler for "+j.Job.Kind+".")
	}
	var given payload
	_ = json.Unmarshal(j.Job.Payload, &given) // echo takes anything
	result, err := handler(j, given)
	mu.Lock()
	why := j.why
	mu.Unlock()
	var again retryAfter
	var later snoozeFor
	switch {
	case err == nil && result != nil:
		return object{"outcome": "completed", "result": result}
	case err == nil:
		return object{"outcome": "completed"}
	case errors.As(err, &later):
		return object{"outcome": "snoozed", "delay_ms": later.ms}
	case errors.As(err, &again):
		settlement := failure("failed", "retry", err.Error())
		settlement["delay_ms"] = again.ms
		return settlement
	case errors.Is(err, errDiscard):
		return failure("discarded", "discard", err.Error())
	case why == "shutdown":
		return object{"outcome": "released"}
	case why != "":
		return failure("failed", why, "The job was stopped: "+why+".")
	}
	return failure("failed", "error", err.Error())
}

// drained waits until nothing is held, at most for that long.
func drained(limit time.Duration) {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		mu.Lock()
		count := len(held)
		mu.Unlock()
		if count == 0 {
			return
		}
	}
}

func main() {
	rand.Seed(time.Now().UnixNano() + int64(os.Getpid()))
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-signals
		log.Println("stopping")
		stop()
	}()
	register()
	if workerID == "" {
		return // nothing is held, and nobody to say goodbye to
	}
	go func() {
		for ; ; time.Sleep(lease / 6) {
			beat()
		}
	}()
	unstarted := []object{} // came too late to begin
	for stopping.Err() == nil {
		mu.Lock()
		room, quiet := concurrency-len(held), isQuiet
		mu.Unlock()
		if quiet || room <= 0 {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		for _, j := range claim(room) {
			if stopping.Err() != nil {
				unstarted = append(unstarted, j.key())
				continue
			}
			if mu.Lock(); isQuiet {
				mu.Unlock()
				released := j.key()
				released["outcome"] = "released"
				go insist(context.Background(), "POST", "/leases/settle", object{"settlements": []object{released}}, nil)
				continue
			}
			j.ctx, j.cancel = context.WithCancel(context.Background())
			j.trustedUntil = time.Now().Add(lease * 9 / 10)
			held[j.Token] = j
			mu.Unlock()
			go run(j)
		}
	}
	drained(grace)
	mu.Lock()
	for _, j := range held {
		j.stop("shutdown")
	}
	mu.Unlock()
	drained(3 * time.Second)
	mu.Lock()
	path, left := "/workers/"+workerID, unstarted
	for _, j := range held {
		if !j.hasEnded { // else it would run a second time at once: its outcome could not be told
			left = append(left, j.key())
		}
	}
	mu.Unlock()
	ctx, done := context.WithTimeout(context.Background(), 9*time.Second)
	defer done()
	_ = insist(ctx, "DELETE", path, object{"leases": left}, nil) // who is away forgets a silent worker by itself
	log.Println("stopped")
}
