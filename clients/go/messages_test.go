package graphwire

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// gathered feeds a gatherer with pieces of one run, or with what begins an attempt at it.
func gathered(payloads ...proto.Message) []Message {
	var gatherer Gatherer
	for _, payload := range payloads {
		event := &graphwirev1.StreamEvent{RunId: "r1"}
		switch p := payload.(type) {
		case *graphwirev1.MessagesEvent:
			event.Payload = &graphwirev1.StreamEvent_Messages{Messages: p}
		case *graphwirev1.MetadataEvent:
			event.Payload = &graphwirev1.StreamEvent_Metadata{Metadata: p}
		}
		gatherer.Add(Event{event})
	}
	return gatherer.Messages()
}

func TestPiecesOfTwoMessagesInterleave(t *testing.T) {
	usage := &graphwirev1.TokenUsage{InputTokens: 3}
	got := gathered(
		&graphwirev1.MessagesEvent{Id: "a", Type: "ai", Text: "Hel", Node: "tell", Tags: []string{"x"}, Metadata: JSON(1), Step: 2},
		&graphwirev1.MessagesEvent{Id: "b", Text: "Other", Reasoning: "so"},
		&graphwirev1.MessagesEvent{Id: "a", Type: "other", Text: "lo", Node: "other", ContentBlocks: []*graphwirev1.Json{JSON("i")}, FinishReason: "length"},
		&graphwirev1.MessagesEvent{Id: "a", ContentBlocks: []*graphwirev1.Json{JSON("j")}, Usage: usage, FinishReason: "stop", Model: "m", Extra: JSON(2)},
		&graphwirev1.MessagesEvent{Id: "b", Reasoning: " it is"},
	)

	same(t, "number", len(got), 2)
	a, b := got[0], got[1]
	same(t, "a", []any{a.ID, a.RunID, a.Type, a.Text, a.Node, a.Tags, a.Step, a.FinishReason, a.Model, len(a.ContentBlocks)},
		[]any{"a", "r1", "ai", "Hello", "tell", []string{"x"}, 2, "stop", "m", 2})
	same(t, "a's JSON", []any{a.Metadata.GetText(), a.Extra.GetText(), a.Usage.GetInputTokens()}, []any{1, 2, 3})
	same(t, "b", []string{b.Text, b.Reasoning}, []string{"Other", "so it is"})
}

func chunk(index int32, id, name, args string) *graphwirev1.MessagesEvent {
	piece := &graphwirev1.ToolCallChunk{Id: id, Name: name, Args: args}
	if index >= 0 {
		piece.Index = &index
	}
	return &graphwirev1.MessagesEvent{Id: "a", ToolCallChunks: []*graphwirev1.ToolCallChunk{piece}}
}

func TestPiecesOfToolCallsAreJoinedByIndex(t *testing.T) {
	got := gathered(
		chunk(0, "c0", "search", `{"q`), chunk(1, "c1", "", `{`), chunk(0, "", "", `": 1`), chunk(-1, "late", "late", `}`), chunk(1, "", "look", `}`),
	)

	same(t, "calls", got[0].ToolCalls, []ToolCall{{0, "c0", "search", `{"q": 1}`}, {1, "c1", "look", "{}"}})
}

func TestAPieceWithoutAnIndexBelongsToTheCallBefore(t *testing.T) {
	got := gathered(chunk(0, "c0", "", "0"), chunk(1, "c1", "", "1"), chunk(-1, "", "", "1"), chunk(0, "", "", "0"), chunk(-1, "", "", "0"))

	same(t, "calls", got[0].ToolCalls, []ToolCall{{0, "c0", "", "000"}, {1, "c1", "", "11"}})
}

func TestAToolCallWithoutAnyIndex(t *testing.T) {
	got := gathered(chunk(-1, "c0", "search", `{`), chunk(-1, "", "", `}`))

	same(t, "calls", got[0].ToolCalls, []ToolCall{{0, "c0", "search", "{}"}})
}

func TestALaterAttemptStartsAMessageAnew(t *testing.T) {
	got := gathered(
		&graphwirev1.MetadataEvent{Attempt: 1},
		&graphwirev1.MessagesEvent{Id: "done", Text: "before"},
		&graphwirev1.MessagesEvent{Id: "a", Text: "Hel", FinishReason: "length"},
		chunk(0, "c0", "search", "{"),
		&graphwirev1.MetadataEvent{Attempt: 2},
		&graphwirev1.MessagesEvent{Id: "a", Text: "Hello"},
		&graphwirev1.MessagesEvent{Id: "a", Text: " you"},
	)

	same(t, "texts", []string{got[0].Text, got[1].Text}, []string{"before", "Hello you"})
	same(t, "number, reason and calls", []any{len(got), got[1].FinishReason, len(got[1].ToolCalls)}, []any{2, "", 0})
}

func TestACompleteMessageHasItsCalls(t *testing.T) {
	got := gathered(&graphwirev1.MessagesEvent{
		Id: "m", Type: "tool", Complete: true, ToolCallId: "c0",
		ToolCalls: []*graphwirev1.ToolCall{{Id: "c1", Name: "search", Args: JSON(map[string]int{"q": 1})}, {Id: "c2", Args: double(3)}},
	})

	same(t, "message", []any{got[0].Complete, got[0].ToolCallID}, []any{true, "c0"})
	same(t, "calls", got[0].ToolCalls, []ToolCall{{0, "c1", "search", `{"q":1}`}, {1, "c2", "", "3"}})
}

func TestMessagesWithoutAnID(t *testing.T) {
	got := gathered(&graphwirev1.MessagesEvent{Text: "a"}, &graphwirev1.MessagesEvent{Text: "b"})

	same(t, "texts", []any{len(got), got[0].Text}, []any{1, "ab"})
}
