package io.graphwire;

import io.graphwire.v1.MessagesEvent;
import io.graphwire.v1.TokenUsage;
import java.util.List;
import java.util.Optional;

/**
 * A message, as far as its pieces have come.
 *
 * @param proto the whole message in one piece: its texts and content blocks are joined, its tool calls stand in {@code toolCalls}
 * @param toolCalls the tool calls, each whole
 */
public record ChatMessage(MessagesEvent proto, List<Call> toolCalls) {
    /**
     * A tool call.
     *
     * @param index its place in the message, from 0
     * @param id its id
     * @param name the tool's name
     * @param args its arguments, as JSON text: an object, once the message is whole
     */
    public record Call(int index, String id, String name, String args) {}

    /** The message's id. */
    public String id() {
        return proto.getId();
    }

    /** LangChain's message type: {@code ai}, {@code human}, {@code tool}, ... */
    public String type() {
        return proto.getType();
    }

    /** The text. */
    public String text() {
        return proto.getText();
    }

    /** The reasoning text, of models that show theirs. */
    public String reasoning() {
        return proto.getReasoning();
    }

    /** Content blocks that are neither text nor reasoning, as Java values. */
    public List<Object> contentBlocks() {
        return proto.getContentBlocksList().stream().map(Values::read).toList();
    }

    /** Why the model stopped; empty where it has not, or did not say. */
    public String finishReason() {
        return proto.getFinishReason();
    }

    /** The tokens of the model call, where they were counted. */
    public Optional<TokenUsage> usage() {
        return proto.hasUsage() ? Optional.of(proto.getUsage()) : Optional.empty();
    }

    /** The node that called the model, or returned the message. */
    public String node() {
        return proto.getNode();
    }

    /** Whether this came whole: no model streamed it. */
    public boolean complete() {
        return proto.getComplete();
    }
}
