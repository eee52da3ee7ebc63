package main

import (
	"errors"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"

	graphwire "github.com/graphwire/graphwire/clients/go"
	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// noted is an event as cases write it.
func noted(event graphwire.Event) map[string]any {
	note := map[string]any{
		"seq": event.Seq(), "run_id": event.RunID(), "mode": event.Mode(),
		"namespace": append([]string{}, event.Namespace()...),
	}
	if node := event.Node(); node != "" {
		note["node"] = node
	}
	if text := event.Text(); text != "" {
		note["text"] = text
	}
	switch event.Mode() {
	case graphwire.ModeValues, graphwire.ModeUpdates, graphwire.ModeCustom, graphwire.ModeRaw:
		note["data"] = data(event)
	case graphwire.ModeEnd:
		note["status"] = status(event.Status())
	case graphwire.ModeMetadata:
		note["attempt"] = event.Proto().GetMetadata().GetAttempt()
	}
	if failed := event.RunError(); failed != nil {
		note["error"] = map[string]any{"type": failed.GetType(), "message": failed.GetMessage()}
	}
	if interrupts := event.Interrupts(); len(interrupts) > 0 {
		note["interrupts"] = questions(interrupts)
	}
	return note
}

func data(event graphwire.Event) any {
	value, err := event.Data()
	if err != nil {
		return map[string]any{"unreadable": err.Error()}
	}
	return value
}

// status is a name, or the number that the client has no name for.
func status(status graphwirev1.RunStatus) any {
	name, ok := graphwirev1.RunStatus_name[int32(status)]
	if !ok {
		return int32(status)
	}
	return strings.ToLower(strings.TrimPrefix(name, "RUN_STATUS_"))
}

func questions(interrupts []*graphwirev1.Interrupt) []any {
	notes := make([]any, len(interrupts))
	for i, interrupt := range interrupts {
		notes[i] = map[string]any{"id": interrupt.GetId(), "value": decoded(interrupt.GetValue())}
	}
	return notes
}

func decoded(carrier *graphwirev1.Json) any {
	value, err := graphwire.Value(carrier)
	if err != nil {
		return map[string]any{"unreadable": err.Error()}
	}
	return value
}

func messages(gathered []graphwire.Message) []any {
	notes := make([]any, len(gathered))
	for i, message := range gathered {
		notes[i] = map[string]any{
			"id": message.ID, "type": message.Type, "name": message.Name, "text": message.Text, "reasoning": message.Reasoning,
			"finish_reason": message.FinishReason, "tool_call_id": message.ToolCallID, "node": message.Node, "model": message.Model,
			"complete": message.Complete, "tool_calls": toolCalls(message.ToolCalls), "usage": usage(message.Usage),
			"content_blocks": blocks(message.ContentBlocks),
		}
	}
	return notes
}

func toolCalls(calls []graphwire.ToolCall) []any {
	notes := make([]any, len(calls))
	for i, call := range calls {
		notes[i] = map[string]any{"index": call.Index, "id": call.ID, "name": call.Name, "args": call.Args}
	}
	return notes
}

func usage(counted *graphwirev1.TokenUsage) any {
	if counted == nil {
		return nil
	}
	return map[string]any{
		"input_tokens": counted.GetInputTokens(), "output_tokens": counted.GetOutputTokens(), "total_tokens": counted.GetTotalTokens(),
	}
}

func blocks(carriers []*graphwirev1.Json) []any {
	notes := make([]any, len(carriers))
	for i, carrier := range carriers {
		notes[i] = decoded(carrier)
	}
	return notes
}

// failure is an error as cases write it; nil where there is none.
func failure(err error) any {
	if err == nil {
		return nil
	}
	var known *graphwire.Error
	if !errors.As(err, &known) {
		return map[string]any{"code": "", "message": err.Error()}
	}
	fields := make([]any, len(known.Fields))
	for i, violation := range known.Fields {
		fields[i] = map[string]any{"field": violation.Field, "description": violation.Description}
	}
	note := map[string]any{
		"code": code.Code(known.Code).String(), "reason": known.Reason, "message": known.Message, "metadata": known.Metadata,
		"fields": fields, "retry_after": nil,
	}
	if known.RetryAfter > 0 {
		note["retry_after"] = known.RetryAfter.Seconds()
	}
	return note
}
