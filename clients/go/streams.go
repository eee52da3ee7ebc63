package graphwire

import (
	"context"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// A RunStream is the events of a run, which go on when a connection breaks. Loop over its Events. One that is neither read to its end, nor closed, nor
// ended by its context holds its call: `defer stream.Close()` is never wrong.
//
// One goroutine at a time uses it; Close alone may be called by others.
type RunStream struct{ *stream }

// RunID is the run: a UUID. Where something between drops the server's metadata, that of a new run is empty until the first event.
func (s *RunStream) RunID() string { return s.runID }

// End is the run's `end` event, once it has been handed out.
func (s *RunStream) End() (Event, bool) {
	return Event{s.end}, s.end != nil
}

// A ThreadStream is the events of all runs of a thread, each with its RunID. It does not end by itself: between runs it waits, and what ends it is an
// error, its context, or Close. In all else it is as a [RunStream].
type ThreadStream struct{ *stream }

// Stream creates a run and streams its events until it has ended. It returns when the server has taken the request, so that RunID and ThreadID are known,
// or has refused it.
//
// A request without a `request_id` gets a random one that the server knows for 10 minutes, and unless the client was opened with [WithKeepEvents]
// off, `stream_resumable` is set; the caller's message stays as it is. The context bounds the whole stream. Leaving the stream leaves the run, which
// goes on; with `on_disconnect` set to DISCONNECT_MODE_CANCEL it is cancelled, also when the connection breaks.
func (c *Client) Stream(ctx context.Context, request *graphwirev1.StreamRunRequest) (*RunStream, error) {
	return c.run(ctx, creating(request, c.settings.keepEvents, c.settings.patience))
}

// Join streams the events of a run that exists: from now on or, with `after_seq`, from there. It returns as Stream does: from then on nothing passes by. A
// cursor whose events are no longer held fails with OUT_OF_RANGE, CURSOR_EXPIRED.
func (c *Client) Join(ctx context.Context, request *graphwirev1.JoinRunRequest) (*RunStream, error) {
	stream, err := c.run(ctx, joining(request))
	if err == nil && stream.runID == "" {
		stream.runID = request.GetRunId() // something between drops the server's metadata
	}
	return stream, err
}

func (c *Client) run(ctx context.Context, route route) (*RunStream, error) {
	s, err := open(ctx, c, route, false)
	if err != nil {
		return nil, err
	}
	return &RunStream{s}, nil
}

// Watch streams the events of all runs of a thread: from now on or, with `after_seq`, from there. It returns as Stream does.
func (c *Client) Watch(ctx context.Context, request *graphwirev1.WatchThreadRequest) (*ThreadStream, error) {
	s, err := open(ctx, c, watching(request), true)
	if err != nil {
		return nil, err
	}
	return &ThreadStream{s}, nil
}
