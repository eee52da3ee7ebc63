package io.graphwire.conformance;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What earlier steps saw, for the requests of later ones. */
final class Saved {
    private static final Pattern REFERENCE = Pattern.compile("\\$\\{([^.}]+)\\.([^}]+)}");

    private final Map<String, Map<String, Object>> observations = new HashMap<>();

    void put(String name, Map<String, Object> observation) {
        observations.put(name, observation);
    }

    /** The value, with every {@code ${name.key}} in its texts replaced. */
    Object fill(Object value) {
        if (value instanceof Map<?, ?> object) {
            Map<Object, Object> filled = new LinkedHashMap<>();
            object.forEach((name, item) -> filled.put(name, fill(item)));
            return filled;
        }
        if (value instanceof List<?> items) {
            List<Object> filled = new ArrayList<>();
            items.forEach(item -> filled.add(fill(item)));
            return filled;
        }
        return value instanceof String text ? REFERENCE.matcher(text).replaceAll(this::found) : value;
    }

    private String found(MatchResult reference) {
        Map<String, Object> observation = observations.get(reference.group(1));
        if (observation == null) {
            throw new IllegalArgumentException("no step has saved " + reference.group(1));
        }
        Object value = at(observation, reference.group(2));
        if (value == null) {
            value = at(observation.get("response"), reference.group(2));
        }
        if (value == null) {
            throw new IllegalArgumentException("nothing was seen of " + reference.group());
        }
        return Matcher.quoteReplacement(value.toString());
    }

    private static Object at(Object from, String path) {
        Object value = from;
        for (String name : path.split("\\.")) {
            value = value instanceof Map<?, ?> object ? object.get(name) : value instanceof List<?> items ? items.get(Integer.parseInt(name)) : null;
        }
        return value;
    }
}
