package io.graphwire.examples;

import io.graphwire.Event;
import io.graphwire.Graphwire;
import io.graphwire.GraphwireClient;
import io.graphwire.RunStream;
import io.graphwire.Values;
import io.graphwire.v1.Command;
import io.graphwire.v1.CreateRunRequest;
import io.graphwire.v1.InvokeRunRequest;
import io.graphwire.v1.Run;
import io.graphwire.v1.RunResult;
import io.graphwire.v1.StreamRunRequest;
import java.util.List;
import java.util.Map;

/**
 * What the client is used for: tokens as they come, a question of a graph and its answer, and the run of somebody else.
 *
 * <p>It needs a server of the examples: {@code graphwire serve --config examples/langgraph.json}.
 */
public final class Tour {
    private Tour() {}

    /** The address is the first argument, or GRAPHWIRE_ADDRESS, or localhost:50051. */
    public static void main(String[] arguments) {
        String address = arguments.length > 0 ? arguments[0] : System.getenv().getOrDefault("GRAPHWIRE_ADDRESS", "localhost:50051");
        try (GraphwireClient client = Graphwire.connect(address)) {
            tokens(client);
            question(client);
            somebodyElse(client, address);
        }
    }

    private static void tokens(GraphwireClient client) {
        StreamRunRequest request = StreamRunRequest.newBuilder()
                .setAssistantId("tokens")
                .setInput(Values.json(Map.of("messages", List.of(Map.of("role", "user", "content", "a lighthouse")))))
                .addStreamMode("messages-tuple")
                .build();
        try (RunStream run = client.stream(request)) {
            for (Event event : run) {
                System.out.print(event.text());
                System.out.flush();
            }
            System.out.println();
        }
    }

    private static void question(GraphwireClient client) {
        String thread = client.threads().create().getThreadId();
        RunResult asked = client.invoke(InvokeRunRequest.newBuilder()
                .setAssistantId("approval")
                .setThreadId(thread)
                .setInput(Values.json(Map.of("to", "Ada", "amount", 10)))
                .build());
        System.out.println(Values.read(asked.getRun().getInterrupts(0).getValue()));

        RunResult answered = client.invoke(InvokeRunRequest.newBuilder()
                .setAssistantId("approval")
                .setThreadId(thread)
                .setCommand(Command.newBuilder().setResume(Values.json(Map.of("approved", true))))
                .build());
        System.out.println(Values.read(answered.getValues(), Payment.class).result());
    }

    private record Payment(String result) {}

    private static void somebodyElse(GraphwireClient client, String address) {
        Run theirs;
        try (GraphwireClient somebody = Graphwire.connect(address)) {
            theirs = somebody.create(CreateRunRequest.newBuilder()
                    .setAssistantId("progress")
                    .setInput(Values.json(Map.of("records", 5)))
                    .addStreamMode("custom")
                    .setStreamResumable(true)
                    .build());
        }
        try (RunStream run = client.join(theirs.getRunId(), 0)) {
            for (Event event : run) {
                switch (event.mode()) {
                    case "custom" -> System.out.println(event.data(Progress.class));
                    case "end" -> System.out.println(event.status());
                    default -> {}
                }
            }
        }
    }

    private record Progress(int fetched, int of) {}
}
