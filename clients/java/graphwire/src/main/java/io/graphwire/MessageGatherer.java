package io.graphwire;

import io.graphwire.v1.MessagesEvent;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Joins the pieces of messages: fed with the events of a stream, in their order, it gives whole messages in the order in which they began.
 *
 * <p>A piece of a message in a later attempt at its run starts that message anew, since the attempt says it again. One thread at a time.
 */
public final class MessageGatherer {
    private final Map<Key, Gathered> messages = new LinkedHashMap<>();
    private final Map<String, Integer> attempts = new HashMap<>();

    private record Key(String runId, String id) {}

    /** Takes an event. Those that carry no piece of a message are passed over. */
    public void add(Event event) {
        if (event.proto().hasMetadata()) {
            attempts.put(event.runId(), event.proto().getMetadata().getAttempt());
        } else if (event.proto().hasMessages()) {
            add(event.runId(), event.proto().getMessages());
        }
    }

    private void add(String runId, MessagesEvent piece) {
        Key key = new Key(runId, piece.getId());
        int attempt = attempts.getOrDefault(runId, 0);
        Gathered known = messages.get(key);
        if (known == null || known.attempt() < attempt) {
            messages.put(key, new Gathered(attempt, piece));
        } else {
            known.add(piece);
        }
    }

    /** The messages, each as far as it has come. */
    public List<ChatMessage> messages() {
        return messages.values().stream().map(Gathered::message).toList();
    }
}
