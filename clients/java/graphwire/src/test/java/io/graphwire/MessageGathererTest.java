package io.graphwire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.graphwire.v1.MessagesEvent;
import io.graphwire.v1.TokenUsage;
import io.graphwire.v1.ToolCall;
import io.graphwire.v1.ToolCallChunk;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MessageGathererTest {
    private final MessageGatherer gatherer = new MessageGatherer();
    private long seq;

    private static MessagesEvent.Builder piece(String id, String text) {
        return MessagesEvent.newBuilder().setId(id).setType("ai").setText(text);
    }

    private void add(MessagesEvent.Builder piece) {
        gatherer.add(new Event(Script.event(++seq).setMessages(piece).build()));
    }

    private static ToolCallChunk.Builder chunk(String id, String name, String args) {
        return ToolCallChunk.newBuilder().setId(id).setName(name).setArgs(args);
    }

    private List<String> texts() {
        return gatherer.messages().stream().map(ChatMessage::text).toList();
    }

    @Test
    void joinsPiecesThatInterleave() {
        add(piece("b", "Hel").setNode("tell").setReasoning("hm"));
        add(piece("a", "Good"));
        add(piece("b", "lo").setNode("other").setReasoning("m").setFinishReason("stop").addContentBlocks(Values.json(Map.of("type", "image"))));
        add(piece("a", " bye"));
        assertEquals(List.of("Hello", "Good bye"), texts());
        ChatMessage message = gatherer.messages().get(0);
        assertEquals("tell", message.node());
        assertEquals("hmm", message.reasoning());
        assertEquals("stop", message.finishReason());
        assertEquals(List.of(Map.of("type", "image")), message.contentBlocks());
        assertTrue(message.usage().isEmpty());
    }

    @Test
    void countsTheLastUsage() {
        add(piece("a", "x").setUsage(TokenUsage.newBuilder().setOutputTokens(1)));
        add(piece("a", "y").setUsage(TokenUsage.newBuilder().setOutputTokens(2)));
        assertEquals(2, gatherer.messages().get(0).usage().orElseThrow().getOutputTokens());
    }

    @Test
    void joinsToolCallsByTheirIndex() {
        add(piece("a", "").addToolCallChunks(chunk("c0", "search", "{\"q\"").setIndex(0)).addToolCallChunks(chunk("c1", "read", "{").setIndex(1)));
        add(piece("a", "").addToolCallChunks(chunk("", "", ": 1}").setIndex(0)).addToolCallChunks(chunk("", "", "}").setIndex(1)));
        assertEquals(
                List.of(new ChatMessage.Call(0, "c0", "search", "{\"q\": 1}"), new ChatMessage.Call(1, "c1", "read", "{}")),
                gatherer.messages().get(0).toolCalls());
    }

    @Test
    void aPieceWithoutAnIndexBelongsToTheCallBeforeIt() {
        add(piece("a", "").addToolCallChunks(chunk("c0", "x", "{").setIndex(0)).addToolCallChunks(chunk("c1", "y", "{").setIndex(1)));
        add(piece("a", "").addToolCallChunks(chunk("", "", "1")).addToolCallChunks(chunk("", "", "0").setIndex(0)));
        add(piece("a", "").addToolCallChunks(chunk("", "", "}")).addToolCallChunks(chunk("", "", "}").setIndex(1)));
        assertEquals(List.of("{0}", "{1}"), gatherer.messages().get(0).toolCalls().stream().map(ChatMessage.Call::args).toList());
    }

    @Test
    void takesTheWholeCallsOfACompleteMessage() {
        ToolCall call = ToolCall.newBuilder().setId("c").setName("search").setArgs(Values.json(Map.of("q", 1))).build();
        add(piece("t", "done").setComplete(true).addToolCalls(call));
        assertTrue(gatherer.messages().get(0).complete());
        assertEquals(List.of(new ChatMessage.Call(0, "c", "search", "{\"q\":1}")), gatherer.messages().get(0).toolCalls());
    }

    @Test
    void aLaterAttemptStartsItsMessagesAnew() {
        gatherer.add(new Event(Script.attempt(++seq, 1)));
        add(piece("done", "kept"));
        add(piece("a", "Hel"));
        gatherer.add(new Event(Script.attempt(++seq, 2)));
        add(piece("a", "Hello"));
        add(piece("a", "!"));
        assertEquals(List.of("kept", "Hello!"), texts());
    }

    @Test
    void passesOverAllElse() {
        gatherer.add(new Event(Script.custom(1)));
        gatherer.add(new Event(Script.end(2)));
        assertTrue(gatherer.messages().isEmpty());
    }
}
