package graphwire

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// TestEveryPayloadHasItsMode fails where the API has a payload that this client has no mode for.
func TestEveryPayloadHasItsMode(t *testing.T) {
	fields := payloadOneof.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		event := &graphwirev1.StreamEvent{}
		event.ProtoReflect().Set(field, event.ProtoReflect().NewField(field))
		want := string(field.Name())
		if want == "fragment" { // the stream joins them; nobody sees one
			want = ""
		}
		if got := (Event{event}).Mode(); got != want {
			t.Errorf("the mode of %s is %q", field.Name(), got)
		}
	}
}

func TestAnEventTellsWhatItHas(t *testing.T) {
	interrupts := []*graphwirev1.Interrupt{{Id: "i1"}}
	failed := &graphwirev1.RunError{Type: "ValueError"}
	for name, c := range map[string]struct {
		event *graphwirev1.StreamEvent
		want  []any // node, text, data, interrupts, error
	}{
		"values": {&graphwirev1.StreamEvent{Payload: &graphwirev1.StreamEvent_Values{
			Values: &graphwirev1.ValuesEvent{State: JSON(1), Interrupts: interrupts},
		}}, []any{"", "", 1, 1, ""}},
		"updates": {&graphwirev1.StreamEvent{Payload: &graphwirev1.StreamEvent_Updates{
			Updates: &graphwirev1.UpdatesEvent{Node: "n", Update: JSON(2)},
		}}, []any{"n", "", 2, 0, ""}},
		"interrupted": {&graphwirev1.StreamEvent{Payload: &graphwirev1.StreamEvent_Updates{
			Updates: &graphwirev1.UpdatesEvent{Interrupted: true, Interrupts: interrupts},
		}}, []any{"", "", nil, 1, ""}},
		"messages": {&graphwirev1.StreamEvent{Payload: &graphwirev1.StreamEvent_Messages{
			Messages: &graphwirev1.MessagesEvent{Node: "n", Text: "t"},
		}}, []any{"n", "t", nil, 0, ""}},
		"raw": {&graphwirev1.StreamEvent{Payload: &graphwirev1.StreamEvent_Raw{
			Raw: &graphwirev1.RawEvent{Data: JSON("r")},
		}}, []any{"", "", "r", 0, ""}},
		"a task": {&graphwirev1.StreamEvent{Payload: &graphwirev1.StreamEvent_Tasks{Tasks: &graphwirev1.TaskEvent{
			Phase: &graphwirev1.TaskEvent_Result{Result: &graphwirev1.TaskResult{Name: "n", Interrupts: interrupts}},
		}}}, []any{"n", "", nil, 1, ""}},
		"debug": {&graphwirev1.StreamEvent{Payload: &graphwirev1.StreamEvent_Debug{Debug: &graphwirev1.DebugEvent{
			Detail: &graphwirev1.DebugEvent_Task{Task: &graphwirev1.TaskStart{Name: "n"}},
		}}}, []any{"n", "", nil, 0, ""}},
		"error": {&graphwirev1.StreamEvent{Payload: &graphwirev1.StreamEvent_Error{
			Error: &graphwirev1.ErrorEvent{Error: failed},
		}}, []any{"", "", nil, 0, "ValueError"}},
		"end": {&graphwirev1.StreamEvent{Payload: &graphwirev1.StreamEvent_End{
			End: &graphwirev1.EndEvent{Error: failed, Interrupts: interrupts},
		}}, []any{"", "", nil, 1, "ValueError"}},
	} {
		event := Event{c.event}
		data, err := event.Data()
		got := []any{event.Node(), event.Text(), data, len(event.Interrupts()), event.RunError().GetType()}
		same(t, name, []any{got, err}, []any{c.want, nil})
	}
}

func TestAnEventsPayloadAndHeader(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	payload := &graphwirev1.CustomEvent{Data: JSON(map[string]any{"n": 5})}
	event := Event{&graphwirev1.StreamEvent{
		Seq: 1, RunId: "r", ThreadId: "t", Time: timestamppb.New(now), Namespace: []string{"a:1"}, Payload: &graphwirev1.StreamEvent_Custom{Custom: payload},
	}}
	var decoded struct{ N int }
	err := event.Decode(&decoded)

	same(t, "header", []any{event.Seq(), event.RunID(), event.ThreadID(), event.Time(), event.Namespace()}, []any{1, "r", "t", now, "[a:1]"})
	same(t, "decoded", []any{decoded.N, err}, []any{5, nil})
	if message, ok := event.Message().(*graphwirev1.CustomEvent); !ok || !proto.Equal(message, payload) {
		t.Errorf("the payload is %v", event.Message())
	}
}

func TestNoEventTellsNothing(t *testing.T) {
	var none Event
	data, err := none.Data()

	same(t, "all", []any{none.Mode(), none.Message(), data, err, none.Node(), none.Status(), none.Seq()}, []any{"", nil, nil, nil, "", graphwirev1.RunStatus(0), 0})
}
