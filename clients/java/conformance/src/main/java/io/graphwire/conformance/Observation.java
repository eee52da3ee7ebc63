package io.graphwire.conformance;

import io.graphwire.ChatMessage;
import io.graphwire.Event;
import io.graphwire.EventStream;
import io.graphwire.GraphwireException;
import io.graphwire.MessageGatherer;
import io.graphwire.RunStream;
import io.graphwire.Values;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is seen of a stream. */
final class Observation {
    private final boolean gathers;
    private final boolean counts;
    private final long most;
    private final List<Object> events = new ArrayList<>();
    private final MessageGatherer gatherer = new MessageGatherer();
    private final Map<String, Object> seen = new LinkedHashMap<>();
    private long count;

    Observation(Fields step) {
        gathers = step.flag("gather");
        counts = step.flag("count");
        most = step.number("take").map(Number::longValue).orElse(Long.MAX_VALUE);
    }

    void read(EventStream stream) {
        long start = System.nanoTime();
        try {
            if (stream instanceof RunStream run) {
                seen.put("run_id", run.runId());
            }
            seen.put("thread_id", stream.threadId());
            while (count < most && stream.hasNext()) {
                note(stream.next());
            }
            seen.put("error", null);
        } catch (GraphwireException error) {
            seen.put("error", error(error));
        }
        stream.lastSeq().ifPresent(seq -> seen.put("last_seq", seq));
        seen.put("seconds", (System.nanoTime() - start) / 1e9);
    }

    private void note(Event event) {
        count++;
        if (gathers) {
            gatherer.add(event);
        }
        if (!counts) {
            events.add(plain(event));
        }
    }

    Map<String, Object> seen() {
        seen.put("events", counts ? count : events);
        if (gathers) {
            seen.put("messages", gatherer.messages().stream().map(Observation::plain).toList());
        }
        return seen;
    }

    private static Map<String, Object> plain(Event event) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("seq", event.seq());
        fields.put("run_id", event.runId());
        fields.put("mode", event.mode());
        fields.put("namespace", event.namespace());
        fields.put("node", event.node());
        fields.put("text", event.text());
        switch (event.mode()) {
            case "values", "updates", "custom", "raw" -> fields.put("data", event.data());
            case "metadata" -> fields.put("attempt", event.proto().getMetadata().getAttempt());
            case "end" -> fields.put("status", status(event));
            default -> {}
        }
        event.error().ifPresent(error -> fields.put("error", Map.of("type", error.getType(), "message", error.getMessage())));
        if (!event.interrupts().isEmpty()) {
            fields.put("interrupts", event.interrupts().stream().map(one -> value(one.getId(), Values.read(one.getValue()))).toList());
        }
        return fields;
    }

    private static Map<String, Object> value(String id, Object value) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("id", id);
        fields.put("value", value);
        return fields;
    }

    private static Object status(Event event) {
        String status = event.status();
        return Character.isDigit(status.charAt(0)) ? (Object) Long.valueOf(status) : status;
    }

    private static Map<String, Object> plain(ChatMessage message) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("id", message.id());
        fields.put("type", message.type());
        fields.put("text", message.text());
        fields.put("reasoning", message.reasoning());
        fields.put("content_blocks", message.contentBlocks());
        fields.put("finish_reason", message.finishReason());
        fields.put("node", message.node());
        fields.put("complete", message.complete());
        fields.put("tool_calls", message.toolCalls());
        message.usage().ifPresent(usage -> fields.put("usage", Map.of(
                "input_tokens", usage.getInputTokens(), "output_tokens", usage.getOutputTokens(), "total_tokens", usage.getTotalTokens())));
        return fields;
    }

    /** What was raised. */
    static Map<String, Object> error(GraphwireException error) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("code", error.code().name());
        fields.put("reason", error.reason());
        fields.put("message", error.getMessage());
        fields.put("metadata", error.metadata());
        fields.put("fields", error.fields());
        error.retryAfter().ifPresent(wait -> fields.put("retry_after", wait.toNanos() / 1e9));
        return fields;
    }
}
