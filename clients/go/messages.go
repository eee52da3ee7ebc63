package graphwire

import (
	"strings"

	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// A Message is a chat message, whole or as far as it has come.
type Message struct {
	// ID is its id, and RunID the run that it came in.
	ID, RunID string
	// Type is LangChain's: `ai`, `human`, `tool`, `system`, ...
	Type string
	// Name is the name of the author, where the message has one.
	Name string
	// Text and Reasoning are those of all pieces.
	Text, Reasoning string
	// ContentBlocks are the blocks that are neither text nor reasoning.
	ContentBlocks []*graphwirev1.Json
	// ToolCalls are the calls of tools, in the order in which they began.
	ToolCalls []ToolCall
	// Usage is the last count of tokens that came; nil where none did.
	Usage *graphwirev1.TokenUsage
	// FinishReason is why the model stopped, where it says.
	FinishReason string
	// ToolCallID is, for a message of type `tool`, the call that it answers.
	ToolCallID string
	// Complete says that the message came whole, and was not streamed by a model.
	Complete bool
	// Node is the node that called the model or returned the message, Step the superstep, CheckpointNS the namespace of its task.
	Node         string
	Step         int32
	CheckpointNS string
	// Tags are those of the model call, Model is the model's name, Metadata all metadata of the call.
	Tags     []string
	Model    string
	Metadata *graphwirev1.Json
	// Extra has the fields of the message that are none of the above.
	Extra *graphwirev1.Json
}

// A ToolCall is a call of a tool that a message asks for.
type ToolCall struct {
	// Index is its place in the message, from 0, as the model counts.
	Index int32
	// ID is the call's id, and Name the tool's name.
	ID, Name string
	// Args is the JSON text of the arguments, as far as it has come.
	Args string
}

// A Gatherer makes whole messages of their pieces. The zero value is ready; feed it with all events of a stream. Pieces of one message have one id; in a
// later attempt at their run they start the message anew.
type Gatherer struct {
	drafts   map[messageKey]*draft
	order    []*draft
	attempts map[string]int32 // by run
}

type messageKey struct{ runID, id string }

// draft is a message that grows.
type draft struct {
	message         Message
	attempt         int32
	text, reasoning strings.Builder
	calls           []*callDraft
	latest          *callDraft // the one that the last piece belongs to
}

type callDraft struct {
	call ToolCall
	args strings.Builder
}

// Add takes an event; those that are no pieces of messages are passed over.
func (g *Gatherer) Add(event Event) {
	switch payload := event.Proto().GetPayload().(type) {
	case *graphwirev1.StreamEvent_Metadata:
		if g.attempts == nil {
			g.attempts = map[string]int32{}
		}
		g.attempts[event.RunID()] = payload.Metadata.GetAttempt()
	case *graphwirev1.StreamEvent_Messages:
		g.draft(event.RunID(), payload.Messages.GetId()).add(payload.Messages)
	}
}

// Messages gives what has been gathered so far, in the order in which the messages began.
func (g *Gatherer) Messages() []Message {
	messages := make([]Message, len(g.order))
	for i, d := range g.order {
		messages[i] = d.whole()
	}
	return messages
}

func (g *Gatherer) draft(runID, id string) *draft {
	key, attempt := messageKey{runID, id}, g.attempts[runID]
	d := g.drafts[key]
	switch {
	case d == nil:
		if g.drafts == nil {
			g.drafts = map[messageKey]*draft{}
		}
		d = newDraft(key, attempt)
		g.drafts[key], g.order = d, append(g.order, d)
	case attempt > d.attempt:
		*d = *newDraft(key, attempt)
	}
	return d
}

func newDraft(key messageKey, attempt int32) *draft {
	return &draft{message: Message{ID: key.id, RunID: key.runID}, attempt: attempt}
}

// add takes a piece.
func (d *draft) add(piece *graphwirev1.MessagesEvent) {
	d.text.WriteString(piece.GetText())
	d.reasoning.WriteString(piece.GetReasoning())
	d.message.ContentBlocks = append(d.message.ContentBlocks, piece.GetContentBlocks()...)
	for _, chunk := range piece.GetToolCallChunks() {
		d.addCall(chunk)
	}
	if piece.GetComplete() {
		d.replaceCalls(piece.GetToolCalls())
	}
	if piece.GetUsage() != nil {
		d.message.Usage = piece.GetUsage()
	}
	if piece.GetFinishReason() != "" {
		d.message.FinishReason = piece.GetFinishReason()
	}
	d.keepFirst(piece)
}

// keepFirst takes what the first piece says that has it.
func (d *draft) keepFirst(piece *graphwirev1.MessagesEvent) {
	m := &d.message
	keep(&m.Type, piece.GetType())
	keep(&m.Name, piece.GetName())
	keep(&m.ToolCallID, piece.GetToolCallId())
	keep(&m.Complete, piece.GetComplete())
	keep(&m.Node, piece.GetNode())
	keep(&m.Step, piece.GetStep())
	keep(&m.CheckpointNS, piece.GetCheckpointNs())
	keep(&m.Model, piece.GetModel())
	keep(&m.Metadata, piece.GetMetadata())
	keep(&m.Extra, piece.GetExtra())
	if m.Tags == nil {
		m.Tags = piece.GetTags()
	}
}

func keep[T comparable](held *T, came T) {
	var none T
	if *held == none {
		*held = came
	}
}

func (d *draft) addCall(chunk *graphwirev1.ToolCallChunk) {
	call := d.call(chunk)
	d.latest = call
	keep(&call.call.ID, chunk.GetId())
	keep(&call.call.Name, chunk.GetName())
	call.args.WriteString(chunk.GetArgs())
}

// call is the call that a piece belongs to: the one with its index or, where the model does not count, that of the piece before.
func (d *draft) call(chunk *graphwirev1.ToolCallChunk) *callDraft {
	if chunk.Index == nil && d.latest != nil {
		return d.latest
	}
	for _, call := range d.calls {
		if call.call.Index == chunk.GetIndex() {
			return call
		}
	}
	call := &callDraft{call: ToolCall{Index: chunk.GetIndex()}}
	d.calls = append(d.calls, call)
	return call
}

// replaceCalls takes the calls of a message that came whole.
func (d *draft) replaceCalls(calls []*graphwirev1.ToolCall) {
	d.calls = nil
	for i, whole := range calls {
		call := &callDraft{call: ToolCall{Index: int32(i), ID: whole.GetId(), Name: whole.GetName()}}
		args, _ := jsonText(whole.GetArgs()) // NaN alone has no text, and is never sent
		call.args.WriteString(args)
		d.calls = append(d.calls, call)
	}
}

func (d *draft) whole() Message {
	m := d.message
	m.Text, m.Reasoning = d.text.String(), d.reasoning.String()
	for _, call := range d.calls {
		finished := call.call
		finished.Args = call.args.String()
		m.ToolCalls = append(m.ToolCalls, finished)
	}
	return m
}
