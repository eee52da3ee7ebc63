package io.graphwire.conformance;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.graphwire.ClientBuilder;
import io.graphwire.EventStream;
import io.graphwire.Graphwire;
import io.graphwire.GraphwireClient;
import io.graphwire.GraphwireException;
import io.graphwire.Values;
import io.graphwire.v1.JoinRunRequest;
import io.graphwire.v1.Json;
import io.graphwire.v1.StreamRunRequest;
import io.graphwire.v1.WatchThreadRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** One case: a client, and the steps that it takes one after another. */
final class Case {
    private final Fields given;
    private final Saved saved = new Saved();

    Case(Fields given) {
        this.given = given;
    }

    List<Object> run() {
        List<Object> seen = new ArrayList<>();
        try (GraphwireClient client = opened()) {
            for (Fields step : given.objects("steps")) {
                Map<String, Object> observation = observe(client, step);
                step.text("save").ifPresent(name -> saved.put(name, observation));
                seen.add(observation);
            }
        }
        return seen;
    }

    private GraphwireClient opened() {
        ClientBuilder builder = Graphwire.builder(given.text("address").orElseThrow());
        Fields connect = given.object("connect").orElseGet(() -> new Fields(Map.of()));
        if (connect.flag("tls")) {
            builder.tls();
        }
        connect.text("root_certificates").map(Path::of).ifPresent(builder::rootCertificates);
        connect.text("api_key").ifPresent(builder::apiKey);
        connect.seconds("patience").ifPresent(builder::patience);
        connect.choice("keep_events").ifPresent(builder::keepEvents);
        if (connect.number("keepalive_time").isPresent() || connect.number("keepalive_timeout").isPresent()) {
            builder.keepalive(
                    connect.seconds("keepalive_time").orElse(Duration.ofSeconds(30)),
                    connect.seconds("keepalive_timeout").orElse(Duration.ofSeconds(10)));
        }
        return builder.connect();
    }

    private Map<String, Object> observe(GraphwireClient client, Fields step) {
        String kind = step.text("do").orElseThrow();
        if (kind.equals("call")) {
            return call(client, step);
        }
        GraphwireClient bounded = step.seconds("deadline").map(client::withTimeout).orElse(client);
        Observation observation = new Observation(step);
        try (EventStream stream = open(bounded, kind, step)) {
            observation.read(stream);
        }
        return observation.seen();
    }

    private EventStream open(GraphwireClient client, String kind, Fields step) {
        return switch (kind) {
            case "stream" -> client.stream(request(step, StreamRunRequest.newBuilder()).build());
            case "join" -> client.join(request(step, JoinRunRequest.newBuilder()).build());
            case "watch" -> client.watch(request(step, WatchThreadRequest.newBuilder()).build());
            default -> throw new IllegalArgumentException("nobody knows how to do " + kind);
        };
    }

    private Map<String, Object> call(GraphwireClient client, Fields step) {
        Unary method = Unary.of(step.text("method").orElseThrow());
        try {
            Message answer = method.call(client, request(step, method.request()).build());
            String text = JsonFormat.printer().preservingProtoFieldNames().print(answer);
            return Map.of("response", Values.read(Json.newBuilder().setText(text).build()));
        } catch (GraphwireException error) {
            return Map.of("error", Observation.error(error));
        } catch (InvalidProtocolBufferException impossible) {
            throw new IllegalArgumentException(impossible);
        }
    }

    private <B extends Message.Builder> B request(Fields step, B builder) {
        Object filled = saved.fill(step.object("request").orElseGet(() -> new Fields(Map.of())).values());
        try {
            JsonFormat.parser().merge(Values.json(filled).getText(), builder);
        } catch (InvalidProtocolBufferException wrong) {
            throw new IllegalArgumentException("the request is none: " + wrong.getMessage(), wrong);
        }
        return builder;
    }
}
