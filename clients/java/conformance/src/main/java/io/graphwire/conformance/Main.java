package io.graphwire.conformance;

import io.graphwire.Values;
import io.graphwire.v1.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Reads a case a line from standard input, does what it asks with the client, and prints a line with what it saw. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws IOException {
        BufferedReader cases = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = cases.readLine(); line != null; line = cases.readLine()) {
            answers.println(Values.json(answer(line)).getText());
        }
    }

    private static Map<String, Object> answer(String line) {
        try {
            Object given = Values.read(Json.newBuilder().setText(line).build());
            return Map.of("seen", new Case(Fields.of(given)).run());
        } catch (RuntimeException error) {
            error.printStackTrace();
            return Map.of("broken", error.toString());
        }
    }
}
