package graphwire

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// The modes of events, as [Event.Mode] gives them: the names of the payload's cases.
const (
	ModeMetadata    = "metadata"
	ModeValues      = "values"
	ModeUpdates     = "updates"
	ModeMessages    = "messages"
	ModeDebug       = "debug"
	ModeCustom      = "custom"
	ModeEvents      = "events"
	ModeTasks       = "tasks"
	ModeCheckpoints = "checkpoints"
	ModeError       = "error"
	ModeEnd         = "end"
	ModeRaw         = "raw"
)

// An Event is one event of a run. It is a view of the generated message, of which it copies nothing: each method reads what is asked for. What a method
// tells of some modes alone is empty for all others.
type Event struct {
	proto *graphwirev1.StreamEvent
}

// Proto is the event as it came.
func (e Event) Proto() *graphwirev1.StreamEvent { return e.proto }

// Seq is the event's number on its thread: the cursor to go on from.
func (e Event) Seq() int64 { return e.proto.GetSeq() }

// RunID is the run: a UUID.
func (e Event) RunID() string { return e.proto.GetRunId() }

// ThreadID is the thread: a UUID.
func (e Event) ThreadID() string { return e.proto.GetThreadId() }

// Time is when the server appended the event to its log, in UTC.
func (e Event) Time() time.Time { return e.proto.GetTime().AsTime() }

// Namespace is the subgraph that the event comes from: `node_name:task_id` for each level, empty for the root graph.
func (e Event) Namespace() []string { return e.proto.GetNamespace() }

// Mode says what happened, with one of the constants Mode...; the stream mode `messages-tuple` arrives as [ModeMessages]. It is empty for a payload that
// is newer than this client: skip the event.
func (e Event) Mode() string {
	switch e.proto.GetPayload().(type) {
	case *graphwirev1.StreamEvent_Messages:
		return ModeMessages
	case *graphwirev1.StreamEvent_Custom:
		return ModeCustom
	case *graphwirev1.StreamEvent_Values:
		return ModeValues
	case *graphwirev1.StreamEvent_Updates:
		return ModeUpdates
	case *graphwirev1.StreamEvent_Metadata:
		return ModeMetadata
	case *graphwirev1.StreamEvent_Error:
		return ModeError
	case *graphwirev1.StreamEvent_End:
		return ModeEnd
	default:
		return e.rareMode()
	}
}

func (e Event) rareMode() string {
	switch e.proto.GetPayload().(type) {
	case *graphwirev1.StreamEvent_Debug:
		return ModeDebug
	case *graphwirev1.StreamEvent_Events:
		return ModeEvents
	case *graphwirev1.StreamEvent_Tasks:
		return ModeTasks
	case *graphwirev1.StreamEvent_Checkpoints:
		return ModeCheckpoints
	case *graphwirev1.StreamEvent_Raw:
		return ModeRaw
	default:
		return ""
	}
}

// Message is the payload: the generated message of the mode, to be used in a type switch. nil where the mode is empty.
func (e Event) Message() proto.Message {
	message := e.proto.ProtoReflect()
	field := message.WhichOneof(payloadOneof)
	if field == nil {
		return nil
	}
	return message.Get(field).Message().Interface()
}

var payloadOneof = (&graphwirev1.StreamEvent{}).ProtoReflect().Descriptor().Oneofs().ByName("payload")

// JSON is the one free-form value that an event of some modes carries: the state of `values`, what the node returned for `updates` (nil where the event
// carries interrupts), the data of `custom` and of `raw`.
func (e Event) JSON() *graphwirev1.Json {
	switch payload := e.proto.GetPayload().(type) {
	case *graphwirev1.StreamEvent_Values:
		return payload.Values.GetState()
	case *graphwirev1.StreamEvent_Updates:
		return payload.Updates.GetUpdate()
	case *graphwirev1.StreamEvent_Custom:
		return payload.Custom.GetData()
	case *graphwirev1.StreamEvent_Raw:
		return payload.Raw.GetData()
	default:
		return nil
	}
}

// Data is [Event.JSON] as plain Go values, as [Value] reads it.
func (e Event) Data() (any, error) { return Value(e.JSON()) }

// Decode reads [Event.JSON] into a value that a pointer points to, as the function [Decode] does.
func (e Event) Decode(into any) error { return Decode(e.JSON(), into) }

// Text is the text of a piece of a message.
func (e Event) Text() string { return e.proto.GetMessages().GetText() }

// Node is the node that the event comes from; empty where it comes from none.
func (e Event) Node() string {
	switch payload := e.proto.GetPayload().(type) {
	case *graphwirev1.StreamEvent_Updates:
		return payload.Updates.GetNode()
	case *graphwirev1.StreamEvent_Messages:
		return payload.Messages.GetNode()
	case *graphwirev1.StreamEvent_Custom:
		return payload.Custom.GetNode()
	case *graphwirev1.StreamEvent_Events:
		return payload.Events.GetNode()
	case *graphwirev1.StreamEvent_Tasks:
		return payload.Tasks.GetStart().GetName() + payload.Tasks.GetResult().GetName()
	case *graphwirev1.StreamEvent_Debug:
		return payload.Debug.GetTask().GetName() + payload.Debug.GetTaskResult().GetName()
	default:
		return ""
	}
}

// Interrupts are the interrupts that the event carries.
func (e Event) Interrupts() []*graphwirev1.Interrupt {
	switch payload := e.proto.GetPayload().(type) {
	case *graphwirev1.StreamEvent_Values:
		return payload.Values.GetInterrupts()
	case *graphwirev1.StreamEvent_Updates:
		return payload.Updates.GetInterrupts()
	case *graphwirev1.StreamEvent_End:
		return payload.End.GetInterrupts()
	case *graphwirev1.StreamEvent_Tasks:
		return payload.Tasks.GetResult().GetInterrupts()
	case *graphwirev1.StreamEvent_Debug:
		return payload.Debug.GetTaskResult().GetInterrupts()
	default:
		return nil
	}
}

// RunError is why the run failed, for `error`, and for the `end` of a run that failed; nil for all other events.
func (e Event) RunError() *graphwirev1.RunError {
	if failed := e.proto.GetError(); failed != nil {
		return failed.GetError()
	}
	return e.proto.GetEnd().GetError()
}

// Status is how the run ended, for `end`. A status that is newer than this client keeps its number.
func (e Event) Status() graphwirev1.RunStatus { return e.proto.GetEnd().GetStatus() }
