package graphwire

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync/atomic"
	"time"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// How long a stream waits, after its last event, for the server's word that the call ended well. It has been sent with the event; without waiting for it
// every stream would be a cancelled call in the server's eyes.
const partingTime = time.Second

// errOver says that a stream has no more events: the run has ended, or the caller has left.
var errOver = errors.New("the stream is over")

// stream is what the streams of runs and threads have in common: it makes calls, one after another, and hands out events whole, once and in order.
//
// It has no goroutine of its own. `behind` never runs ahead of what was handed out, so it is always a safe cursor.
type stream struct {
	client *Client
	route  route
	ctx    context.Context // ended by the caller's own, or by Close
	leave  context.CancelFunc
	outer  context.Context // the caller's own
	left   atomic.Bool
	pace   *pace

	call   call // nil between two calls
	hangUp context.CancelFunc
	taken  time.Time // when the server took the call
	moved  bool      // whether the call has brought an event
	batch  []*graphwirev1.StreamEvent
	pieces fragments

	runID    string
	threadID string
	behind   cursor
	lastSeq  int64
	end      *graphwirev1.StreamEvent // a run's last event
	endless  bool                     // a thread has none
}

// open makes a stream and its first call, and waits until the server has taken it.
func open(ctx context.Context, client *Client, route route, endless bool) (*stream, error) {
	s := &stream{client: client, route: route, outer: ctx, endless: endless, behind: route.asked()}
	s.ctx, s.leave = context.WithCancel(ctx)
	s.pace = newPace(client.settings.clock, client.settings.patience)
	for s.call == nil {
		if err := s.advance(); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// ThreadID is the thread: a UUID. Where something between drops the server's metadata, it is empty until the first event.
func (s *stream) ThreadID() string { return s.threadID }

// LastSeq is the number of the last event that was handed out: the cursor to go on from, as `after_seq`. 0 before the first.
func (s *stream) LastSeq() int64 { return s.lastSeq }

// Close leaves the stream at once; nothing goes on. The run goes on, unless its `on_disconnect` says otherwise. It may be called at any time, by any
// goroutine, and again; a loop over the events ends without an error.
func (s *stream) Close() {
	s.left.Store(true)
	s.leave()
}

// Events gives the events as they come. A loop over them ends after the run's `end` event, or with one error, which comes alone and is final: an
// [*Error], with the code CANCELLED or DEADLINE_EXCEEDED where the context has ended. Leaving the loop closes the stream.
func (s *stream) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		defer s.Close()
		for {
			event, err := s.next()
			if err == errOver {
				return
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// next gives the next event.
func (s *stream) next() (Event, error) {
	for {
		if s.left.Load() || s.end != nil {
			return Event{}, errOver
		}
		event, err := s.take()
		if err == nil && event != nil {
			return s.hand(event), nil
		}
		if err != nil {
			err = s.mend(err)
		} else {
			err = s.advance()
		}
		if err != nil {
			return Event{}, err
		}
	}
}

// take gives the next event of the batch that has not been handed out yet; nil where the batch has none.
func (s *stream) take() (*graphwirev1.StreamEvent, error) {
	for len(s.batch) > 0 {
		event, err := s.pieces.whole(s.batch[0])
		if err != nil {
			return nil, err
		}
		s.batch[0] = nil // what was handed out is the caller's to keep
		s.batch = s.batch[1:]
		if event != nil && !s.seen(event) {
			return event, nil
		}
	}
	return nil, nil
}

// seen says whether an event has come before. A run's end cannot have: it is the last that is handed out, and comes to whoever joins behind it as well.
func (s *stream) seen(event *graphwirev1.StreamEvent) bool {
	return s.behind.known && event.GetSeq() <= s.behind.seq && !s.ends(event)
}

func (s *stream) ends(event *graphwirev1.StreamEvent) bool {
	_, ok := event.GetPayload().(*graphwirev1.StreamEvent_End)
	return ok && !s.endless
}

func (s *stream) hand(proto *graphwirev1.StreamEvent) Event {
	s.moved = true
	s.lastSeq = proto.GetSeq()
	s.behind = cursor{seq: s.lastSeq, known: true}
	if s.threadID == "" || s.runID == "" && !s.endless {
		s.named(proto.GetRunId(), proto.GetThreadId())
	}
	if s.ends(proto) {
		s.end = proto
		s.part()
	}
	return Event{proto}
}

// part lets the call end well.
func (s *stream) part() {
	timer := time.AfterFunc(partingTime, s.hangUp)
	defer timer.Stop()
	for {
		if _, err := s.call.receive(); err != nil {
			s.drop()
			return
		}
	}
}

// advance makes one step: a call where there is none, a batch where there is one. Its error is final.
func (s *stream) advance() error {
	var err error
	if s.call == nil {
		err = s.dial()
	} else {
		s.batch, err = s.call.receive()
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = s.early()
	}
	return s.mend(err)
}

func (s *stream) early() error {
	if s.endless {
		return cut("the watch ended, and nothing said why")
	}
	return cut("the stream ended before the run's end event")
}

// dial makes a call and waits until the server has taken it.
func (s *stream) dial() error {
	ctx, hangUp := context.WithCancel(s.ctx)
	call, err := s.route.call(ctx, s.client, s.behind)
	if err != nil {
		hangUp()
		return err
	}
	header := call.header()
	if header == nil {
		if _, err = call.receive(); err == nil {
			err = io.EOF // a message without metadata before it is no answer
		}
		hangUp()
		return err
	}
	s.call, s.hangUp, s.moved, s.taken = call, hangUp, false, s.pace.clock.now()
	s.pace.answered = true
	s.named(first(header, runIDKey), first(header, threadIDKey))
	if !s.behind.known {
		s.behind = startsBehind(header)
	}
	return nil
}

// named learns the ids, as far as they are there.
func (s *stream) named(runID, threadID string) {
	if runID != "" && !s.endless {
		s.runID = runID
		s.route.told(runID)
	}
	if threadID != "" {
		s.threadID = threadID
	}
}

// drop ends the call. What it has not brought whole comes again.
func (s *stream) drop() {
	if s.call == nil {
		return
	}
	s.hangUp()
	s.call, s.batch = nil, nil
	s.pieces.drop()
}
