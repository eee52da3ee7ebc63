package graphwire

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
)

func TestDelaysGrowToFiveSeconds(t *testing.T) {
	now := &fakeTime{}
	turns := append([]turn{sends(0, lost)}, slices.Repeat([]turn{refuses(lost)}, 100)...)
	client, _ := scripted(t, now, turns)

	_, err := streamed(t, client)

	same(t, "code", told(t, err).Code, codes.Unavailable)
	total := time.Duration(0)
	for i, slept := range now.slept {
		if total += slept; i < 9 {
			same(t, "delay", slept, []string{"100ms", "200ms", "400ms", "800ms", "1.6s", "3.2s", "5s", "5s", "5s"}[i])
		}
	}
	same(t, "patience", total, time.Minute)
}

func TestDelaysVaryAndRetryInfoIsTheLeast(t *testing.T) {
	now := &fakeTime{}
	c := now.clock()
	c.factor = func() float64 { return 0.5 }
	turns := []turn{sends(0, fault(codes.Unavailable, "DRAINING", retryAfter(3*time.Second))), refuses(lost), sends(0, nil, end(1))}
	client, _ := scripted(t, now, turns, withClock(c))

	_, err := streamed(t, client)

	same(t, "error and delays", []any{err, now.slept}, []any{nil, []string{"3s", "100ms"}})
}

func TestTheFactorIsAHalfToOne(t *testing.T) {
	for range 1000 {
		if factor := wallClock.factor(); factor < 0.5 || factor > 1 {
			t.Fatalf("the factor was %v", factor)
		}
	}
}

func TestRetryInfoBeyondPatienceIsRaised(t *testing.T) {
	now := &fakeTime{}
	client, _ := scripted(t, now, []turn{sends(0, fault(codes.Unavailable, "DRAINING", retryAfter(time.Hour)))})

	_, err := streamed(t, client)

	same(t, "retry after and delays", []any{told(t, err).RetryAfter, now.slept}, []any{time.Hour, []string{}})
}

func TestAWrongAddressIsToldSoon(t *testing.T) {
	now := &fakeTime{}
	client, _ := scripted(t, now, slices.Repeat([]turn{refuses(lost)}, 100))

	_, err := client.Stream(t.Context(), request())

	same(t, "code and delays", []any{told(t, err).Code, now.slept}, []any{codes.Unavailable, []string{"100ms", "200ms", "400ms", "800ms", "500ms"}})
}

func TestAnErrorOfTheServiceIsAnAnswer(t *testing.T) {
	now := &fakeTime{}
	turns := append(slices.Repeat([]turn{refuses(fault(codes.Unavailable, "DRAINING", retryAfter(4*time.Second)))}, 3), sends(0, nil, end(1)))
	client, _ := scripted(t, now, turns)

	_, err := streamed(t, client)

	same(t, "error and delays", []any{err, now.slept}, []any{nil, []string{"4s", "4s", "4s"}})
}

func TestWithoutPatienceNothingGoesOn(t *testing.T) {
	now := &fakeTime{}
	client, server := scripted(t, now, []turn{sends(0, lost, custom(1))}, WithPatience(0))

	seqs, err := streamed(t, client)

	same(t, "events and code", []any{seqs, told(t, err).Code}, []any{[]int64{1}, codes.Unavailable})
	same(t, "calls and delays", []any{len(server.seen()), now.slept}, []any{1, []string{}})
}

func TestAnEventIsProgress(t *testing.T) {
	now := &fakeTime{}
	var turns []turn
	for seq := range int64(40) {
		turns = append(turns, sends(seq, lost, custom(seq+1)), refuses(lost))
	}
	client, _ := scripted(t, now, append(turns, sends(40, nil, end(41))), WithPatience(time.Second))

	seqs, err := streamed(t, client)

	same(t, "events and error", []any{len(seqs), err}, []any{41, nil})
	same(t, "the longest delay", slices.Max(now.slept), "200ms")
}

func TestALongCallIsProgress(t *testing.T) {
	now := &fakeTime{}
	long := func(lasts time.Duration) turn {
		return func(c *served) error {
			c.take(0)
			c.send(pieces(custom(1), 2)[:1]) // so that the client has seen that the call was taken
			time.Sleep(300 * time.Millisecond)
			now.pass(lasts)
			return lost
		}
	}
	client, _ := scripted(t, now, append(slices.Repeat([]turn{long(6 * time.Second)}, 5), sends(0, nil, end(1))), WithPatience(3*time.Second))
	_, err := streamed(t, client)
	same(t, "error and delays", []any{err, now.slept}, []any{nil, []string{"100ms", "100ms", "100ms", "100ms", "100ms"}})

	client, _ = scripted(t, &fakeTime{}, slices.Repeat([]turn{sends(0, lost)}, 100), WithPatience(3*time.Second))
	_, err = streamed(t, client)
	same(t, "code of short calls", told(t, err).Code, codes.Unavailable)
}
