package graphwire

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// For how long the server knows a key that a stream has made for itself: at least, and at most. Keys take room, and must outlive patience.
const (
	keyLifetime        = 10 * time.Minute
	longestKeyLifetime = 24 * time.Hour
)

// The keys of the initial metadata.
const (
	runIDKey    = "graphwire-run-id"
	threadIDKey = "graphwire-thread-id"
	afterSeqKey = "graphwire-after-seq"
)

// A call is one call that streams.
type call interface {
	// header is the initial metadata; nil where the call ended without any, and then receive says why.
	header() metadata.MD
	// receive gives the next batch of events.
	receive() ([]*graphwirev1.StreamEvent, error)
}

// answers is a call of any of the three methods: their answers differ in type alone.
type answers[T any, P interface {
	*T
	GetEvents() []*graphwirev1.StreamEvent
}] struct {
	stream grpc.ServerStreamingClient[T]
}

func (a answers[T, P]) header() metadata.MD {
	md, _ := a.stream.Header() // gRPC tells the error to the next Recv as well
	return md
}

func (a answers[T, P]) receive() ([]*graphwirev1.StreamEvent, error) {
	answer, err := a.stream.Recv()
	if err != nil {
		return nil, err
	}
	return P(answer).GetEvents(), nil
}

// A cursor is the number behind which a stream goes on, where it is known.
type cursor struct {
	seq   int64
	known bool
}

func (c cursor) field() *int64 {
	if !c.known {
		return nil
	}
	return proto.Int64(c.seq)
}

// A route says which call a stream makes: the first, and each after a break.
type route interface {
	// call makes it, to go on behind the cursor.
	call(ctx context.Context, client *Client, behind cursor) (call, error)
	// asked is the cursor that the caller gave.
	asked() cursor
	// told learns which run it is.
	told(runID string)
}

// runRoute leads to the events of one run.
type runRoute struct {
	create *graphwirev1.StreamRunRequest // nil for a join
	join   *graphwirev1.JoinRunRequest   // without a run until that is known
}

// creating leads to a run that is to be created. Its request is the caller's, with a key of its own where the caller gave none: however often it is
// sent, there is one run.
func creating(request *graphwirev1.StreamRunRequest, keepEvents bool, patience time.Duration) *runRoute {
	create := &graphwirev1.StreamRunRequest{}
	proto.Merge(create, request)
	if create.GetRequestId() == "" {
		create.RequestId = rand.Text()
		create.RequestIdTtl = durationpb.New(min(max(keyLifetime, patience), longestKeyLifetime))
	}
	if keepEvents {
		create.StreamResumable = true
	}
	return &runRoute{create: create, join: &graphwirev1.JoinRunRequest{
		Filter: create.GetFilter(), PayloadFormat: create.GetPayloadFormat(), OnDisconnect: create.GetOnDisconnect(),
	}}
}

func joining(request *graphwirev1.JoinRunRequest) *runRoute {
	join := &graphwirev1.JoinRunRequest{}
	proto.Merge(join, request)
	return &runRoute{join: join}
}

func (r *runRoute) call(ctx context.Context, client *Client, behind cursor) (call, error) {
	if r.create != nil && r.join.GetRunId() == "" {
		stream, err := client.runs.StreamRun(ctx, r.create)
		return answers[graphwirev1.StreamRunResponse, *graphwirev1.StreamRunResponse]{stream}, err
	}
	r.join.AfterSeq = behind.field()
	if r.create != nil && !behind.known {
		// Something between dropped the cursor that the server gave. All of the run is ours, so it is behind 0.
		r.join.AfterSeq = proto.Int64(0)
	}
	stream, err := client.runs.JoinRun(ctx, r.join)
	return answers[graphwirev1.JoinRunResponse, *graphwirev1.JoinRunResponse]{stream}, err
}

func (r *runRoute) asked() cursor {
	return cursor{seq: r.join.GetAfterSeq(), known: r.join.AfterSeq != nil}
}

func (r *runRoute) told(runID string) {
	if r.join.GetRunId() == "" {
		r.join.RunId = runID
	}
}

// watchRoute leads to the events of a thread.
type watchRoute struct {
	watch *graphwirev1.WatchThreadRequest
}

func watching(request *graphwirev1.WatchThreadRequest) *watchRoute {
	watch := &graphwirev1.WatchThreadRequest{}
	proto.Merge(watch, request)
	return &watchRoute{watch: watch}
}

func (r *watchRoute) call(ctx context.Context, client *Client, behind cursor) (call, error) {
	r.watch.AfterSeq = behind.field()
	stream, err := client.threads.WatchThread(ctx, r.watch)
	return answers[graphwirev1.WatchThreadResponse, *graphwirev1.WatchThreadResponse]{stream}, err
}

func (r *watchRoute) asked() cursor {
	return cursor{seq: r.watch.GetAfterSeq(), known: r.watch.AfterSeq != nil}
}

func (r *watchRoute) told(string) {}

func first(md metadata.MD, key string) string {
	if values := md.Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

// startsBehind is the cursor behind which the server says that a call starts.
func startsBehind(md metadata.MD) cursor {
	seq, err := strconv.ParseInt(first(md, afterSeqKey), 10, 64)
	return cursor{seq: seq, known: err == nil}
}
