package io.graphwire;

import io.graphwire.v1.MessagesEvent;
import io.graphwire.v1.ToolCall;
import io.graphwire.v1.ToolCallChunk;
import java.util.ArrayList;
import java.util.List;

/** A message that is being gathered. */
final class Gathered {
    private final int attempt;
    private final MessagesEvent.Builder whole;
    private final StringBuilder text = new StringBuilder();
    private final StringBuilder reasoning = new StringBuilder();
    private final List<Pieces> calls = new ArrayList<>();
    private Pieces latest;

    Gathered(int attempt, MessagesEvent first) {
        this.attempt = attempt;
        whole = first.toBuilder().clearText().clearReasoning().clearContentBlocks().clearToolCallChunks();
        add(first);
    }

    /** The attempt at the run that the message belongs to. */
    int attempt() {
        return attempt;
    }

    void add(MessagesEvent piece) {
        text.append(piece.getText());
        reasoning.append(piece.getReasoning());
        whole.addAllContentBlocks(piece.getContentBlocksList());
        piece.getToolCallChunksList().forEach(this::add);
        if (piece.hasUsage()) {
            whole.setUsage(piece.getUsage());
        }
        if (!piece.getFinishReason().isEmpty()) {
            whole.setFinishReason(piece.getFinishReason());
        }
    }

    private void add(ToolCallChunk chunk) {
        Pieces call = callOf(chunk);
        latest = call;
        call.id = call.id.isEmpty() ? chunk.getId() : call.id;
        call.name = call.name.isEmpty() ? chunk.getName() : call.name;
        call.args.append(chunk.getArgs());
    }

    /** The call that a piece belongs to: by its index; without one, the call before it. */
    private Pieces callOf(ToolCallChunk chunk) {
        if (!chunk.hasIndex() && latest != null) {
            return latest;
        }
        for (Pieces call : calls) {
            if (call.index == chunk.getIndex()) {
                return call;
            }
        }
        Pieces begun = new Pieces(chunk.getIndex());
        calls.add(begun);
        return begun;
    }

    ChatMessage message() {
        MessagesEvent proto = whole.setText(text.toString()).setReasoning(reasoning.toString()).build();
        return new ChatMessage(proto, proto.getComplete() ? complete(proto) : calls.stream().map(Pieces::call).toList());
    }

    private static List<ChatMessage.Call> complete(MessagesEvent proto) {
        List<ChatMessage.Call> calls = new ArrayList<>();
        for (ToolCall call : proto.getToolCallsList()) {
            calls.add(new ChatMessage.Call(calls.size(), call.getId(), call.getName(), Values.text(call.getArgs())));
        }
        return List.copyOf(calls);
    }

    private static final class Pieces {
        private final int index;
        private final StringBuilder args = new StringBuilder();
        private String id = "";
        private String name = "";

        private Pieces(int index) {
            this.index = index;
        }

        private ChatMessage.Call call() {
            return new ChatMessage.Call(index, id, name, args.toString());
        }
    }
}
