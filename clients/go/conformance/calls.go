package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	graphwire "github.com/graphwire/graphwire/clients/go"
	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

// A function makes a call of the client and gives its answer as the response that the service sent.
type function func(ctx context.Context, client *graphwire.Client, request []byte) (proto.Message, error)

// functions are the client's own, by the method that they call. Lists are not here: theirs ask for page after page, and a case means one.
var functions = map[string]function{
	"InvokeRun": through((*graphwire.Client).Invoke, func(result *graphwirev1.RunResult) proto.Message {
		return &graphwirev1.InvokeRunResponse{Result: result}
	}),
	"CreateRun": through((*graphwire.Client).Create, func(run *graphwirev1.Run) proto.Message {
		return &graphwirev1.CreateRunResponse{Run: run}
	}),
	"WaitRun": through((*graphwire.Client).Wait, func(result *graphwirev1.RunResult) proto.Message {
		return &graphwirev1.WaitRunResponse{Result: result}
	}),
	"CancelRun": through((*graphwire.Client).Cancel, func(run *graphwirev1.Run) proto.Message {
		return &graphwirev1.CancelRunResponse{Run: run}
	}),
	"GetRun": through((*graphwire.Client).GetRun, func(run *graphwirev1.Run) proto.Message {
		return &graphwirev1.GetRunResponse{Run: run}
	}),
	"CreateThread": through((*graphwire.Client).CreateThread, func(thread *graphwirev1.Thread) proto.Message {
		return &graphwirev1.CreateThreadResponse{Thread: thread}
	}),
	"GetThread": through((*graphwire.Client).GetThread, func(thread *graphwirev1.Thread) proto.Message {
		return &graphwirev1.GetThreadResponse{Thread: thread}
	}),
	"UpdateThread": through((*graphwire.Client).UpdateThread, func(thread *graphwirev1.Thread) proto.Message {
		return &graphwirev1.UpdateThreadResponse{Thread: thread}
	}),
	"CopyThread": through((*graphwire.Client).CopyThread, func(thread *graphwirev1.Thread) proto.Message {
		return &graphwirev1.CopyThreadResponse{Thread: thread}
	}),
	"GetThreadState": through((*graphwire.Client).State, func(state *graphwirev1.ThreadState) proto.Message {
		return &graphwirev1.GetThreadStateResponse{State: state}
	}),
	"UpdateThreadState": through((*graphwire.Client).UpdateState, func(checkpoint *graphwirev1.CheckpointRef) proto.Message {
		return &graphwirev1.UpdateThreadStateResponse{Checkpoint: checkpoint}
	}),
	"DeleteThread": through(deleteThread, func(answer *graphwirev1.DeleteThreadResponse) proto.Message { return answer }),
}

func deleteThread(
	client *graphwire.Client, ctx context.Context, request *graphwirev1.DeleteThreadRequest,
) (*graphwirev1.DeleteThreadResponse, error) {
	return &graphwirev1.DeleteThreadResponse{}, client.DeleteThread(ctx, request)
}

// through is a function of the client, with the response made again around what it returns.
func through[Request any, Answer any, Message interface {
	*Request
	proto.Message
}](call func(*graphwire.Client, context.Context, Message) (Answer, error), response func(Answer) proto.Message) function {
	return func(ctx context.Context, client *graphwire.Client, text []byte) (proto.Message, error) {
		request := Message(new(Request))
		if err := protojson.Unmarshal(text, request); err != nil {
			return nil, unknown{err}
		}
		answer, err := call(client, ctx, request)
		return response(answer), err
	}
}

// unknown is the error of the runner itself.
type unknown struct{ error }

func (r *runner) call(ctx context.Context, method string, request []byte) (observation, error) {
	call, ok := functions[method]
	if !ok {
		call = stub(method)
	}
	answer, err := call(ctx, r.client, request)
	if broken, ok := err.(unknown); ok {
		return nil, broken
	}
	if err != nil {
		return observation{"error": failure(err)}, nil
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(answer)
	return observation{"response": json.RawMessage(text)}, err
}

// stub is the method of a generated stub.
func stub(method string) function {
	return func(ctx context.Context, client *graphwire.Client, text []byte) (proto.Message, error) {
		for _, stub := range []any{client.Runs(), client.Threads(), client.Assistants()} {
			if found := reflect.ValueOf(stub).MethodByName(method); found.IsValid() {
				return invoke(ctx, found, text)
			}
		}
		return nil, unknown{fmt.Errorf("no service has the method %q", method)}
	}
}

func invoke(ctx context.Context, method reflect.Value, text []byte) (proto.Message, error) {
	request, ok := reflect.New(method.Type().In(1).Elem()).Interface().(proto.Message)
	if !ok {
		return nil, unknown{fmt.Errorf("%s takes no message", method.Type())}
	}
	if err := protojson.Unmarshal(text, request); err != nil {
		return nil, unknown{err}
	}
	answer := method.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(request)})
	if err, ok := answer[1].Interface().(error); ok {
		return nil, err
	}
	message, ok := answer[0].Interface().(proto.Message)
	if !ok {
		return nil, unknown{fmt.Errorf("%s is not unary", method.Type())}
	}
	return message, nil
}
