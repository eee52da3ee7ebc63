package io.graphwire.conformance;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A JSON object of a case. */
record Fields(Map<String, Object> values) {
    @SuppressWarnings("unchecked") // a JSON object; one that is none fails here
    static Fields of(Object value) {
        return new Fields((Map<String, Object>) value);
    }

    Optional<Fields> object(String name) {
        return Optional.ofNullable(values.get(name)).map(Fields::of);
    }

    List<Fields> objects(String name) {
        return ((List<?>) values.get(name)).stream().map(Fields::of).toList();
    }

    Optional<String> text(String name) {
        return Optional.ofNullable((String) values.get(name));
    }

    boolean flag(String name) {
        return Boolean.TRUE.equals(values.get(name));
    }

    Optional<Boolean> choice(String name) {
        return Optional.ofNullable((Boolean) values.get(name));
    }

    Optional<Number> number(String name) {
        return Optional.ofNullable((Number) values.get(name));
    }

    Optional<Duration> seconds(String name) {
        return number(name).map(value -> Duration.ofNanos(Math.round(value.doubleValue() * 1e9)));
    }
}
