// Package graphwire is the Go client of graphwire, which serves LangGraph graphs over gRPC.
//
// [Open] gives a [Client]. [Client.Stream] creates a run and streams its events, [Client.Join] follows a run of somebody else, [Client.Watch] all runs
// of a thread. A stream goes on by itself when its connection breaks: every event comes once, in order, and a run is never created twice.
//
// Requests and answers are the generated messages of package graphwirev1, whose comments are the reference of every field. [JSON] makes the free-form
// values in them, [Value] and [Decode] read them. Every failure of the service is an [*Error]; a graph that fails is none: it is told by the events
// `error` and `end`, and by the result of [Client.Invoke].
package graphwire
