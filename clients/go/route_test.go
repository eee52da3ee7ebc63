package graphwire

import (
	"testing"
	"time"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

func TestAKeyOfOurOwnOutlivesPatience(t *testing.T) {
	for patience, lifetime := range map[time.Duration]time.Duration{
		0: 10 * time.Minute, time.Minute: 10 * time.Minute, time.Hour: time.Hour, 48 * time.Hour: 24 * time.Hour,
	} {
		route := creating(&graphwirev1.StreamRunRequest{}, false, patience)
		if got := route.create.GetRequestIdTtl().AsDuration(); got != lifetime {
			t.Errorf("with a patience of %v the key is known for %v, not %v", patience, got, lifetime)
		}
	}
}
