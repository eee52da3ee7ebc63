package graphwire

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstDelay = 100 * time.Millisecond
	lastDelay  = 5 * time.Second
	// Until the server has answered a stream for the first time, patience is no more than this: a wrong address is told soon.
	firstPatience = 2 * time.Second
	// A call that lasted longer than this was progress, even without an event.
	longCall = 5 * time.Second
)

// clock is the time that a stream lives in.
type clock struct {
	now    func() time.Time
	sleep  func(ctx context.Context, wake <-chan struct{}, d time.Duration)
	factor func() float64 // of a delay: from 0.5 to 1, so that many clients do not come back at once
}

var wallClock = clock{
	now:    time.Now,
	sleep:  sleep,
	factor: func() float64 { return 0.5 + rand.Float64()/2 },
}

// sleep waits for a time, or until the context is over or the channel is closed.
func sleep(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
}

// pace says when a stream tries again, and when it gives up.
type pace struct {
	clock    clock
	patience time.Duration
	answered bool // whether the server has ever answered this stream
	since    time.Time
	tries    int
}

func newPace(c clock, patience time.Duration) *pace {
	return &pace{clock: c, patience: patience, since: c.now()}
}

// progress starts patience and delays anew.
func (p *pace) progress() { p.since, p.tries = p.clock.now(), 0 }

// next gives the time to wait before the next try, which is no less than what the server asked for; or says that patience is over.
//
// The last wait is cut to what is left of patience, so that all of it is used.
func (p *pace) next(asked time.Duration) (time.Duration, bool) {
	left := p.bound() - p.clock.now().Sub(p.since)
	if left <= 0 || asked > left {
		return 0, false
	}
	p.tries++
	delay := min(lastDelay, firstDelay<<min(p.tries-1, 10))
	delay = time.Duration(float64(delay) * p.clock.factor())
	return max(asked, min(delay, left)), true
}

func (p *pace) bound() time.Duration {
	if p.answered {
		return p.patience
	}
	return min(p.patience, firstPatience)
}
