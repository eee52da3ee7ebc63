// Command story shows what a client does: it streams the tokens of a story, answers the question of a run that waits, and joins a run that somebody else
// has started.
//
//	go run ./examples/story [-join RUN_ID] [ADDRESS]
//
// The server has the graphs of examples/langgraph.json. Its address is the argument, else GRAPHWIRE_ADDRESS, else localhost:50051; its key, where it asks
// for one, is GRAPHWIRE_API_KEY.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	graphwire "github.com/graphwire/graphwire/clients/go"
	"github.com/graphwire/graphwire/clients/go/graphwirev1"
)

func main() {
	runID := flag.String("join", "", "the run of somebody else; without it, the program starts one in the background")
	flag.Parse()
	address := cmp.Or(flag.Arg(0), os.Getenv("GRAPHWIRE_ADDRESS"), "localhost:50051")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := show(ctx, address, *runID); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func show(ctx context.Context, address, runID string) error {
	client, err := graphwire.Open(address, graphwire.WithAPIKey(os.Getenv("GRAPHWIRE_API_KEY")))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := tell(ctx, client); err != nil {
		return err
	}
	if err := pay(ctx, client); err != nil {
		return err
	}
	if runID == "" {
		if runID, err = somebodyElse(ctx, client); err != nil {
			return err
		}
	}
	return follow(ctx, client, runID)
}

// tell prints a story word by word. Where the connection breaks, the stream goes on by itself.
func tell(ctx context.Context, client *graphwire.Client) error {
	stream, err := client.Stream(ctx, &graphwirev1.StreamRunRequest{
		AssistantId: "tokens",
		Input:       graphwire.JSON(map[string]any{"messages": []any{map[string]any{"role": "user", "content": "a lighthouse"}}}),
		StreamMode:  []string{"messages-tuple"},
	})
	if err != nil {
		return err
	}
	defer stream.Close()
	var gatherer graphwire.Gatherer
	for event, err := range stream.Events() {
		if err != nil {
			return err
		}
		fmt.Print(event.Text())
		gatherer.Add(event)
	}
	for _, message := range gatherer.Messages() {
		fmt.Printf("\n(%s, %d tokens)\n", message.FinishReason, message.Usage.GetOutputTokens())
	}
	return nil
}

// pay runs a payment until it asks a person, and answers.
func pay(ctx context.Context, client *graphwire.Client) error {
	thread, err := client.CreateThread(ctx, &graphwirev1.CreateThreadRequest{})
	if err != nil {
		return err
	}
	asked, err := client.Invoke(ctx, &graphwirev1.InvokeRunRequest{
		AssistantId: "approval",
		ThreadId:    &thread.ThreadId,
		Input:       graphwire.JSON(map[string]any{"to": "Ada", "amount": 10}),
	})
	if err != nil {
		return err
	}
	for _, interrupt := range asked.GetRun().GetInterrupts() {
		var question struct{ Question string }
		if err := graphwire.Decode(interrupt.GetValue(), &question); err != nil {
			return err
		}
		fmt.Println(question.Question, "Yes.")
	}
	answered, err := client.Invoke(ctx, &graphwirev1.InvokeRunRequest{
		AssistantId: "approval",
		ThreadId:    &thread.ThreadId,
		Command:     graphwire.Resume(map[string]any{"approved": true}),
	})
	if err != nil {
		return err
	}
	var state struct{ Result string }
	if err := graphwire.Decode(answered.GetValues(), &state); err != nil {
		return err
	}
	fmt.Println(state.Result)
	return nil
}

// somebodyElse starts a run in the background, as another program would, and gives its id: all that one needs to join it.
func somebodyElse(ctx context.Context, client *graphwire.Client) (string, error) {
	run, err := client.Create(ctx, &graphwirev1.CreateRunRequest{
		AssistantId:     "progress",
		Input:           graphwire.JSON(map[string]any{"records": 10}),
		StreamMode:      []string{"custom"},
		StreamResumable: true, // so that those who come later have all of it
	})
	return run.GetRunId(), err
}

// follow joins a run from its first event, and prints what it tells until it ends.
func follow(ctx context.Context, client *graphwire.Client, runID string) error {
	fromTheStart := int64(0)
	stream, err := client.Join(ctx, &graphwirev1.JoinRunRequest{RunId: runID, AfterSeq: &fromTheStart})
	if err != nil {
		return err
	}
	defer stream.Close()
	for event, err := range stream.Events() {
		if err != nil {
			return err
		}
		switch event.Mode() {
		case graphwire.ModeCustom:
			fmt.Println(event.Seq(), event.JSON().GetText())
		case graphwire.ModeEnd:
			fmt.Println(event.Status())
		}
	}
	return nil
}
