package graphwire

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// shelf is a server of threads: it gives them in pages, and notes what it was asked.
type shelf struct {
	graphwirev1.UnimplementedThreadServiceServer
	threads int
	asked   []string
	md      metadata.MD
	failing int // how many of the next calls fail
}

func (s *shelf) SearchThreads(ctx context.Context, request *graphwirev1.SearchThreadsRequest) (*graphwirev1.SearchThreadsResponse, error) {
	s.asked = append(s.asked, request.GetPageToken())
	s.md, _ = metadata.FromIncomingContext(ctx)
	if s.failing > 0 {
		s.failing--
		return nil, status.Error(codes.Unavailable, "not now")
	}
	from := 0
	fmt.Sscan(request.GetPageToken(), &from)
	answer := &graphwirev1.SearchThreadsResponse{}
	for i := from; i < min(from+int(request.GetPageSize()), s.threads); i++ {
		answer.Threads = append(answer.Threads, &graphwirev1.Thread{ThreadId: fmt.Sprint("t", i)})
	}
	if next := from + int(request.GetPageSize()); next < s.threads {
		answer.NextPageToken = fmt.Sprint(next)
	}
	return answer, nil
}

func (s *shelf) client(t *testing.T, options ...Option) *Client {
	return serving(t, func(server *grpc.Server) { graphwirev1.RegisterThreadServiceServer(server, s) }, options...)
}

func search(t *testing.T, client *Client, limit int) ([]string, error) {
	t.Helper()
	request := &graphwirev1.SearchThreadsRequest{PageSize: 2}
	before := proto.Clone(request)
	found := []string{}
	for thread, err := range client.SearchThreads(t.Context(), request) {
		if err != nil {
			return found, err
		}
		if found = append(found, thread.GetThreadId()); len(found) == limit {
			break
		}
	}
	if !proto.Equal(request, before) {
		t.Error("the caller's request was changed")
	}
	return found, nil
}

func TestPagesAreAskedForAsTheLoopGoes(t *testing.T) {
	for _, c := range []struct {
		threads, limit int
		found, asked   any
	}{
		{0, 9, "[]", `[""]`},
		{2, 9, "[t0 t1]", `[""]`},
		{5, 9, "[t0 t1 t2 t3 t4]", `["" "2" "4"]`},
		{5, 2, "[t0 t1]", `[""]`},
		{5, 3, "[t0 t1 t2]", `["" "2"]`},
	} {
		s := &shelf{threads: c.threads}
		found, err := search(t, s.client(t), c.limit)
		same(t, "found", []any{found, err}, []any{c.found, nil})
		same(t, "asked", fmt.Sprintf("%q", s.asked), c.asked)
	}
}

func TestReadsAreRepeatedByGRPC(t *testing.T) {
	s := &shelf{threads: 1, failing: 1}

	found, err := search(t, s.client(t), 9)

	same(t, "found", []any{found, err}, []any{"[t0]", nil})
	same(t, "calls", len(s.asked), 2)
}

func TestAPageThatFailsIsTheLast(t *testing.T) {
	s := &shelf{threads: 1, failing: 9}

	found, err := search(t, s.client(t), 9)

	same(t, "found and code", []any{found, told(t, err).Code}, []any{[]string{}, codes.Unavailable})
}

func TestMetadataGoesWithEveryCall(t *testing.T) {
	s := &shelf{}
	_, err := search(t, s.client(t, WithAPIKey("k1"), WithMetadata("X-Tenant", "7"), WithMetadata("x-tenant", "8")), 9)

	same(t, "metadata", []any{err, s.md.Get("x-api-key"), s.md.Get("x-tenant")}, []any{nil, []string{"k1"}, []string{"8"}})
	s = &shelf{}
	_, err = search(t, s.client(t, WithAPIKey("")), 9)
	same(t, "without a key", []any{err, s.md.Get("x-api-key")}, []any{nil, []string{}})
}

func TestWhatCannotBeRightIsRefused(t *testing.T) {
	for name, option := range map[string]Option{
		"a key with a line break": WithAPIKey("secret\n"),
		"a wrong name":            WithMetadata("x tenant", "7"),
		"a name of gRPC":          WithMetadata("grpc-timeout", "7"),
		"negative patience":       WithPatience(-time.Second),
		"no keepalive":            WithKeepalive(0, time.Second),
	} {
		if client, err := Open("localhost:50051", option); err == nil {
			t.Errorf("%s was accepted", name)
			client.Close()
		}
	}
}

func TestTheServiceConfigIsThatOfAllClients(t *testing.T) {
	shared, err := os.ReadFile("../service_config.json")
	if err != nil {
		t.Skip("outside the repository there is only this client's copy")
	}
	same(t, "service_config.json", serviceConfig, string(shared))
}

func TestAnswersOfAnySizeAreRead(t *testing.T) {
	s := &shelf{threads: 200_000}
	client := s.client(t)

	answer, err := client.Threads().SearchThreads(t.Context(), &graphwirev1.SearchThreadsRequest{PageSize: 1_000_000})

	if err != nil || proto.Size(answer) < 1<<20 {
		t.Errorf("%d bytes and %v", proto.Size(answer), err)
	}
}
